import { Argument, type Command } from 'commander'
import type { ServiceJson } from '../admin/present.ts'
import type { CliIo } from './cli-io.ts'
import { CliExit } from './cli-exit.ts'
import { addAdminOptions, readAdmin, type AdminOptions } from './command-options.ts'
import { describeWords } from './completion-words.ts'
import { renderBash } from './completion-bash.ts'
import { renderFish } from './completion-fish.ts'
import { renderZsh } from './completion-zsh.ts'

type Shell = 'bash' | 'zsh' | 'fish'

const RENDER = { bash: renderBash, zsh: renderZsh, fish: renderFish }

/** Who presses TAB waits no longer than this for the gateway. */
const PATIENCE_MS = 500

/** What a completion asks for names: those that fit to the words of the line, in order. */
type NamesOf = (services: readonly ServiceJson[], words: readonly string[]) => readonly string[]

/**
 * Adds `serin completion bash|zsh|fish`: a script made from the commands as they are defined; and the hidden
 * commands by which it asks the gateway for the names of its services and of a fixed split's variants.
 */
export function addCompletionCommand(program: Command, io: CliIo): void {
  program
    .command('completion')
    .description(
      'a script that completes commands, options, services and variants: source <(serin completion bash)',
    )
    .addArgument(
      new Argument('<shell>', 'the shell that is to complete').choices(Object.keys(RENDER)),
    )
    .action((shell: Shell) => void io.stdout.write(RENDER[shell](describeWords(program))))

  const namesOf = { __services: serviceNames, __variants: variantNames }
  for (const [name, names] of Object.entries(namesOf)) {
    addAdminOptions(
      program
        .command(name, { hidden: true })
        // It is handed the line as it stands, with options of other commands and words that are not finished.
        .argument('[words...]')
        .allowUnknownOption()
        .allowExcessArguments(),
    ).action((words: readonly string[], options: AdminOptions) =>
      printNames(io, options, (services) => names(services, words)),
    )
  }
}

const serviceNames: NamesOf = (services) => services.map(({ name }) => name)

// A rollout is told of no variant: it has one canary.
const variantNames: NamesOf = (services, words) => {
  const named = words.find((word) => services.some(({ name }) => name === word))
  const service = services.find(({ name }) => name === named)
  return service?.strategy === 'fixed' ? Object.keys(service.weights) : []
}

// A completion has nowhere to tell of a failure: without an answer there are no names.
async function printNames(
  io: CliIo,
  options: AdminOptions,
  namesOf: (services: readonly ServiceJson[]) => readonly string[],
): Promise<void> {
  try {
    const { createAdminClient } = await import('./admin-client.ts')
    const client = createAdminClient({ ...readAdmin(io, options), timeoutMs: PATIENCE_MS })
    try {
      for (const name of namesOf(await client.services())) io.stdout.write(`${name}\n`)
    } finally {
      await client.close()
    }
  } catch (error) {
    if (!(error instanceof CliExit)) throw error
  }
}
