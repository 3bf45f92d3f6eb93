import { Command, CommanderError } from 'commander'
import { addBacktestCommand } from './backtest.ts'
import { addCheckCommand } from './check.ts'
import { cleanOutput } from './clean-output.ts'
import { addCompletionCommand } from './completion.ts'
import { CliExit, EXIT, EXIT_MEANINGS, type CliProblem } from './cli-exit.ts'
import type { CliIo, CliOutput } from './cli-io.ts'
import { addDecisionsCommand } from './decisions.ts'
import { addDemoCommand } from './demo.ts'
import { addExperimentsCommand } from './experiments.ts'
import { addExplainCommand } from './explain.ts'
import { addFeedbackCommand } from './feedback.ts'
import { addInitCommand } from './init.ts'
import { asksForJson, buildJsonError, INTERNAL_CODE } from './json-error.ts'
import { addPlanCommand } from './plan.ts'
import { addReloadCommand } from './reload.ts'
import { hasColours, wrap } from './render.ts'
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

/**
 * Runs the command line and resolves with the exit code. Failures are told on stderr, and with `-o json` on stdout
 * too; they are never thrown. Whatever a command writes, of files and answers too, steers no terminal.
 */
export async function runCli(given: CliIo): Promise<number> {
  const clean = (output: CliOutput) => cleanOutput(output, hasColours(given, output))
  const io = { ...given, stdout: clean(given.stdout), stderr: clean(given.stderr) }
  const program = createProgram(io)
  const tell = (exitCode: number, message: string, problem?: CliProblem): number => {
    io.stderr.write(`serin: ${message}\n`)
    if (asksForJson(io.argv)) io.stdout.write(buildJsonError(exitCode, message, problem))
    return exitCode
  }
  try {
    refuseUnknownHelp(program, io.argv)
    await program.parseAsync([...io.argv], { from: 'user' })
    return EXIT.done
  } catch (error) {
    if (error instanceof CommanderError) {
      const mistake = describeUsageError(program, error)
      return mistake === null ? error.exitCode : tell(error.exitCode, mistake)
    }
    if (error instanceof CliExit) {
      // Without a message the command has printed what there is to say.
      if (error.message === '') return error.exitCode
      return tell(error.exitCode, error.message, error.problem)
    }
    const { message, stack } = error as Error
    io.stderr.write(`serin: ${stack ?? String(error)}\n${UNEXPECTED}\n`)
    if (asksForJson(io.argv)) {
      io.stdout.write(buildJsonError(EXIT.badInput, message, { code: INTERNAL_CODE }))
    }
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
