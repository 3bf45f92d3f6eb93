import { Argument, type Command } from 'commander'
import type { CliIo } from './cli-io.ts'
import { createAdminClient } from './admin-client.ts'
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

/** The command by which a completion asks for the names of services. */
export const SERVICE_NAMES = '__services'

/**
 * Adds `serin completion bash|zsh|fish`: a script made from the commands as they are defined; and the hidden
 * command by which it asks the gateway for the names of its services.
 */
export function addCompletionCommand(program: Command, io: CliIo): void {
  program
    .command('completion')
    .description(
      'a script that completes commands, options and services: source <(serin completion bash)',
    )
    .addArgument(
      new Argument('<shell>', 'the shell that is to complete').choices(Object.keys(RENDER)),
    )
    .action((shell: Shell) => void io.stdout.write(RENDER[shell](describeWords(program))))

  addAdminOptions(
    program
      .command(SERVICE_NAMES, { hidden: true })
      // It is handed the line as it stands, with options of other commands and words that are not finished.
      .argument('[words...]')
      .allowUnknownOption()
      .allowExcessArguments(),
  ).action((_words: readonly string[], options: AdminOptions) => printServices(io, options))
}

// A completion has nowhere to tell of a failure: without an answer there are no names.
async function printServices(io: CliIo, options: AdminOptions): Promise<void> {
  try {
    const client = createAdminClient({ ...readAdmin(io, options), timeoutMs: PATIENCE_MS })
    try {
      const services = await client.services()
      for (const { name } of services) io.stdout.write(`${name}\n`)
    } finally {
      await client.close()
    }
  } catch (error) {
    if (!(error instanceof CliExit)) throw error
  }
}
