import type { Command } from 'commander'
import type { ServiceJson } from '../admin/present.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import {
  addReadOptions,
  parseReason,
  type ReadOptions,
  withClient,
  writeJson,
} from './command-options.ts'
import { renderCommandAnswer } from './render-command.ts'

type VerbOptions = ReadOptions & {
  readonly reason?: string
  readonly full?: true
  readonly force?: true
  readonly variant?: string
}

const VERBS: Readonly<Record<string, string>> = {
  promote: 'go to the next step now, past the evidence (also: approve, start)',
  abort: 'give everything back to the baseline',
  pause: 'keep the weights as they are',
  resume: "go on with the step's weights",
  retry: 'try a rolled-back version again',
  undo: 'take back a promotion',
}

/**
 * Adds promote, abort, pause, resume, retry and undo. Each reads the service first and sends the
 * revision that it saw, so that nobody decides on what has changed meanwhile.
 */
export function addVerbCommands(program: Command, io: CliIo): void {
  for (const [verb, description] of Object.entries(VERBS)) {
    const command = addReadOptions(
      program
        .command(verb)
        .description(description)
        .argument('<service>')
        .option('--reason <text>', 'stands in the decision log', parseReason),
    )
    if (verb === 'promote') {
      command
        .argument('[variant]', 'the winner of a fixed split')
        .option('--variant <name>', 'the same')
        .option('--full', 'to 100 % at once, or although the winner is down')
        .option('--force', 'although the winner is shown to be worse than the baseline')
    }
    if (verb === 'retry') command.option('--force', 'do not wait for the cooldown')
    const run = async (name: string, options: VerbOptions) => {
      const { reason, full, force, variant } = options
      await withClient(io, options, async (client) => {
        const { service, etag } = await client.service(name)
        if (verb === 'promote' && force !== true) refuseWorse(service, variant)
        // The gateway does as it is told: the question is asked here.
        const more = verb === 'promote' ? { full, variant } : { force }
        const answer = await client.command('POST', name, verb, { reason, ...more }, etag)
        if (options.output === 'json') writeJson(io, answer)
        else io.stdout.write(renderCommandAnswer(answer, reason))
      })
    }
    if (verb !== 'promote') command.action(run)
    else {
      command.action((name: string, variant: string | undefined, options: VerbOptions) => {
        if (variant === undefined) return run(name, options)
        if (options.variant !== undefined && options.variant !== variant) {
          throw new CliExit(
            EXIT.badInput,
            `found two winners, ${variant} and --variant ${options.variant}: name one`,
          )
        }
        return run(name, { ...options, variant })
      })
    }
  }
}

function refuseWorse({ comparisons }: ServiceJson, variant: string | undefined): void {
  const shown = comparisons.find((each) => each.variant === variant)
  if (shown?.verdict !== 'worse') return
  const metrics = shown.metrics.filter(({ comparison }) => comparison === 'worse')
  const names = metrics.map(({ name }) => name).join(', ')
  throw new CliExit(
    EXIT.refused,
    `${variant} is shown to be worse than the baseline (${names}): \`--force\` promotes it all the same`,
  )
}
