import type { Command } from 'commander'
import { CliExit } from './cli-exit.ts'
import { drawOn } from './clean-output.ts'
import type { CliIo } from './cli-io.ts'
import { parseCount } from './command-options.ts'

/** What `demo` needs of the demonstration. */
export type DemoModule = {
  /** Runs it to its end; resolves with the exit code. `seed: null` takes a fresh one. */
  readonly runDemo: (options: {
    readonly quick: boolean
    readonly keep: boolean
    readonly json: boolean
    readonly seed: number | null
    readonly write: (text: string) => void
  }) => Promise<number>
}

type DemoOptions = {
  readonly quick?: true
  readonly keep?: true
  readonly json?: true
  readonly seed?: number
}

/** Adds `serin demo`. */
export function addDemoCommand(program: Command, io: CliIo): void {
  program
    .command('demo')
    .description('three rollouts of real models on real data, decided from traffic alone')
    .option('--quick', 'one promotion and one rollback, in a minute')
    .option('--keep', 'leave everything running and print the URLs')
    .option('--json', 'print the result as one object')
    .option('--seed <n>', 'repeat a run', parseCount(0))
    .action(async (options: DemoOptions) => {
      const { runDemo } = await io.loadDemo()
      const exitCode = await runDemo({
        quick: options.quick ?? false,
        keep: options.keep ?? false,
        json: options.json ?? false,
        seed: options.seed ?? null,
        write: (text) => drawOn(io.stdout, text),
      })
      if (exitCode !== 0) throw new CliExit(exitCode)
    })
}
