import type { Command } from 'commander'
import type { PastExperimentJson } from '../admin/present-experiments.ts'
import type { CliIo } from './cli-io.ts'
import { addReadOptions, withClient, writeJson, type ReadOptions } from './command-options.ts'
import { renderTime } from './render-command.ts'
import { renderComparison } from './render-comparison.ts'
import { buildStyle, renderLabelled, type Style } from './render.ts'

/** Adds `serin experiments <service>`: those that have ended, with what they had come to. */
export function addExperimentsCommand(program: Command, io: CliIo): void {
  addReadOptions(
    program
      .command('experiments')
      .description('the experiments that have ended, newest first, with their verdicts')
      .argument('<service>'),
  ).action(async (name: string, options: ReadOptions) => {
    const experiments = await withClient(io, options, (client) => client.experiments(name))
    if (options.output === 'json') return writeJson(io, { experiments })
    const style = buildStyle(io, io.stdout)
    const blocks = experiments.map((each) => renderExperiment(each, style).join('\n'))
    io.stdout.write(blocks.length === 0 ? `${NONE(name)}\n` : `${blocks.join('\n\n')}\n`)
  })
}

const NONE = (name: string) =>
  `no experiment of ${name} has ended yet (\`serin status ${name}\` shows what is compared now)`

function renderExperiment(experiment: PastExperimentJson, style: Style): readonly string[] {
  const { id, from, to, decision, comparisons } = experiment
  const { summary, note } = decision
  return [
    `${style.bold(id)}  ${renderTime(from)} to ${renderTime(to)}`,
    ...renderLabelled('ended by', `#${decision.id} by ${decision.actor}: ${summary}`, style.width),
    ...(note === null ? [] : renderLabelled('because', note, style.width)),
    ...comparisons.flatMap((comparison) =>
      // When it would be known does not matter any more.
      renderComparison({ ...comparison, etaSeconds: null }, style),
    ),
  ]
}
