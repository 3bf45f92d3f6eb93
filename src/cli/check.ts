import type { Command } from 'commander'
import type { CliIo } from './cli-io.ts'
import { DEFAULT_FILE, readConfigFile } from './config-file.ts'
import { parseRps } from './plan.ts'

type CheckOptions = { readonly config: string; readonly rps?: number }

/** Adds `serin check -c FILE`: every mistake at once, and what deserves a second look. */
export function addCheckCommand(program: Command, io: CliIo): void {
  program
    .command('check')
    .description(
      'check a configuration file: every mistake at once, and whether its store can be used',
    )
    .option('-c, --config <file>', 'the configuration', DEFAULT_FILE)
    .option('--rps <n>', 'requests (new keys) per second: can its rollouts be decided?', parseRps)
    .action(async ({ config: file, rps }: CheckOptions) => {
      const { config, warnings } = await readConfigFile(io, file, rps ?? null)
      for (const warning of warnings) io.stdout.write(`warning: ${warning}\n`)
      const { findStoreProblem } = await import('../check-store.ts')
      const problem = await findStoreProblem(config)
      // The machine that checks is often another one than the one that serves.
      if (problem !== null) io.stdout.write(`warning: store: from here, ${problem}\n`)
      const names = config.services.map(({ name }) => name)
      io.stdout.write(`${file} is good (services: ${names.join(', ')})\n`)
    })
}
