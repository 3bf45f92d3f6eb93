import { Command, CommanderError } from 'commander'
import { addBacktestCommand } from './backtest.ts'
import { addCheckCommand } from './check.ts'
import { addCompletionCommand } from './completion.ts'
import { CliExit, EXIT, EXIT_MEANINGS } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { addDecisionsCommand } from './decisions.ts'
import { addDemoCommand } from './demo.ts'
import { addExperimentsCommand } from './experiments.ts'
import { addExplainCommand } from './explain.ts'
import { addFeedbackCommand } from './feedback.ts'
import { addInitCommand } from './init.ts'
import { addPlanCommand } from './plan.ts'
import { addReloadCommand } from './reload.ts'
import { wrap } from './render.ts'
import { addServeCommand } from './serve.ts'
import { addStatusCommand } from './status.ts'
import { describeUsageError, refuseUnknownHelp } from './usage-error.ts'
import { addVerbCommands } from './verbs.ts'
import { addWaitCommand } from './wait.ts'
import { addWeightsCommand } from './weights.ts'

/** Creates the command line `serin`; parsing it runs a command, which throws a `CliExit` where it fails. */
export function createProgram(io: CliIo): Command {
  const program = new Command('serin')
    .description('a standalone canary gateway for ML model servers')
    .version(io.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // Told by `runCli`, in one line.
      outputError: () => {},
      getOutHelpWidth: () => 80,
      getErrHelpWidth: () => 80,
    })
    .addHelpText('after', describeExits())

  addServeCommand(program, io)
  addCheckCommand(program, io)
  addInitCommand(program, io)
  addDemoCommand(program, io)
  addStatusCommand(program, io)
  addWeightsCommand(program, io)
  addVerbCommands(program, io)
  addWaitCommand(program, io)
  addDecisionsCommand(program, io)
  addExperimentsCommand(program, io)
  addExplainCommand(program, io)
  addBacktestCommand(program, io)
  addPlanCommand(program, io)
  addFeedbackCommand(program, io)
  addReloadCommand(program, io)
  addCompletionCommand(program, io)
  return program
}

/** Runs the command line and resolves with the exit code; failures are told on stderr, never thrown. */
export async function runCli(io: CliIo): Promise<number> {
  const program = createProgram(io)
  try {
    refuseUnknownHelp(program, io.argv)
    await program.parseAsync([...io.argv], { from: 'user' })
    return EXIT.done
  } catch (error) {
    if (error instanceof CommanderError) {
      const mistake = describeUsageError(program, error)
      if (mistake !== null) io.stderr.write(`serin: ${mistake}\n`)
      return error.exitCode
    }
    if (error instanceof CliExit) {
      if (error.message !== '') io.stderr.write(`serin: ${error.message}\n`)
      return error.exitCode
    }
    io.stderr.write(`serin: ${(error as Error).stack ?? String(error)}\n${UNEXPECTED}\n`)
    return EXIT.badInput
  }
}

const UNEXPECTED =
  "This is a mistake of serin's own: please report it, with these lines and the command."

function describeExits(): string {
  const codes = Object.entries(EXIT_MEANINGS).map(
    ([name, meaning]) => `${EXIT[name as keyof typeof EXIT]} ${meaning}`,
  )
  const exits = wrap(`Exit codes: ${codes.join(', ')}.`, 80)
  return ['', ...exits, 'Environment: SERIN_ADMIN, SERIN_TOKEN, NO_COLOR.'].join('\n')
}
