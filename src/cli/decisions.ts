import type { Command } from 'commander'
import type { CliIo } from './cli-io.ts'
import {
  addReadOptions,
  parseCount,
  withClient,
  writeJson,
  type ReadOptions,
} from './command-options.ts'
import { renderSummary, renderTime } from './render-command.ts'
import { buildStyle, renderLabelled, renderTable } from './render.ts'

type DecisionsOptions = ReadOptions & { readonly after: number; readonly limit: number }

/** Adds `serin decisions <service>`: the log, newest first. */
export function addDecisionsCommand(program: Command, io: CliIo): void {
  addReadOptions(
    program
      .command('decisions')
      .description('what was decided, newest first')
      .argument('<service>')
      .option('--after <id>', 'only those with a larger number', parseCount(0), 0)
      .option('--limit <n>', 'at most so many (up to 1000)', parseCount(1), 20),
  ).action(async (name: string, options: DecisionsOptions) => {
    const decisions = await withClient(io, options, (client) => client.decisions(name, options))
    if (options.output === 'json') return writeJson(io, { decisions })
    const style = buildStyle(io, io.stdout)
    const lines = decisions.flatMap(({ id, at, action, reason, actor, summary, note }) => [
      ...renderTable([[`#${id}`, renderTime(at), action, reason, actor]], '<<<<<', style),
      ...renderLabelled('', renderSummary({ summary, note }), style.width),
    ])
    io.stdout.write(lines.length === 0 ? 'no decisions yet\n' : `${lines.join('\n')}\n`)
  })
}
