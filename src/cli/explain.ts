import type { Command } from 'commander'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import {
  addReadOptions,
  parseCount,
  withClient,
  writeJson,
  type ReadOptions,
} from './command-options.ts'
import { explainDecision } from './explain-text.ts'
import { buildStyle, wrap } from './render.ts'

/** Adds `serin explain <service> [decision]`: a decision in sentences, the newest by default. */
export function addExplainCommand(program: Command, io: CliIo): void {
  addReadOptions(
    program
      .command('explain')
      .description('a decision and its evidence in sentences')
      .argument('<service>')
      .argument('[decision]', 'its number (default: the newest)', parseCount(1)),
  ).action(async (name: string, id: number | undefined, options: ReadOptions) => {
    const decision = await withClient(io, options, async (client) =>
      id === undefined
        ? (await client.decisions(name, { after: 0, limit: 1 }))[0]
        : client.decision(name, id),
    )
    if (decision === undefined) {
      throw new CliExit(EXIT.badInput, `service "${name}" has no decisions yet`)
    }
    if (options.output === 'json') return writeJson(io, decision)
    const { width } = buildStyle(io, io.stdout)
    const lines = explainDecision(decision).flatMap(({ indent, text }) =>
      wrap(text, width - indent).map((line) => ' '.repeat(indent) + line),
    )
    io.stdout.write(`${lines.join('\n')}\n`)
  })
}
