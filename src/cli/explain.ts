import type { Command } from 'commander'
import type { ServiceJson } from '../admin/present.ts'
import { isDecided } from '../domain/comparison.ts'
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
import { explainComparison } from './render-comparison.ts'
import { buildStyle, wrap } from './render.ts'

/** Adds `serin explain <service> [decision]`: a decision in sentences, the newest by default. */
export function addExplainCommand(program: Command, io: CliIo): void {
  addReadOptions(
    program
      .command('explain')
      .description('a decision and its evidence in sentences')
      .argument('<service>')
      .argument(
        '[decision]',
        'its number (default: the newest; while the rollout goes on, with the figures of now)',
        parseCount(1),
      ),
  ).action(async (name: string, id: number | undefined, options: ReadOptions) => {
    const { decision, service } = await withClient(io, options, async (client) =>
      id === undefined
        ? {
            decision: (await client.decisions(name, { after: 0, limit: 1 }))[0],
            service: (await client.service(name)).service,
          }
        : { decision: await client.decision(name, id), service: null },
    )
    // Nothing is decided by the evidence of an experiment: what it says now is what there is to explain.
    if (service !== null && service.comparisons.length > 0) {
      return explainExperiment(io, service, options)
    }
    if (decision === undefined) {
      throw new CliExit(
        EXIT.badInput,
        `service "${name}" has no decisions yet; the first is made when a rollout begins (\`serin status ${name}\`)`,
      )
    }
    if (options.output === 'json') return writeJson(io, decision)
    const { width } = buildStyle(io, io.stdout)
    const present = service === null ? null : { service, at: io.clock.now() }
    const lines = explainDecision(decision, present).flatMap(({ indent, text }) =>
      wrap(text, width - indent).map((line) => ' '.repeat(indent) + line),
    )
    io.stdout.write(`${lines.join('\n')}\n`)
  })
}

function explainExperiment(io: CliIo, service: ServiceJson, options: ReadOptions): void {
  if (options.output === 'json') return writeJson(io, service.comparisons)
  const { width } = buildStyle(io, io.stdout)
  const { rollout, winner, lastDecision, notice } = service
  const head = [
    `${service.name}: experiment ${rollout!}. Each variant is compared with the baseline; ${
      service.comparisons.some(({ metrics }) => isDecided(metrics))
        ? 'α is shared over all of them and over the required metrics.'
        : 'each metric is only shown, and none decides.'
    }`,
    ...(winner === null ? [] : [`${winner} was promoted: nothing is compared any more.`]),
    ...(lastDecision === null
      ? []
      : [`Last decision #${lastDecision.id} by ${lastDecision.actor}: ${lastDecision.summary}.`]),
    ...(notice === null ? [] : [`Note: ${notice}.`]),
  ]
  const lines = [head, ...service.comparisons.map(explainComparison)].flatMap((sentences) => [
    ...sentences.flatMap((sentence) => wrap(sentence, width)),
    '',
  ])
  io.stdout.write(`${lines.slice(0, -1).join('\n')}\n`)
}
