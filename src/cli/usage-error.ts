import type { Command, CommanderError } from 'commander'
import { suggest } from '../domain/nearest.ts'
import { CliExit, EXIT } from './cli-exit.ts'

/** Refuses `serin help FOO` where there is no such command: the parser would show the whole help. */
export function refuseUnknownHelp(program: Command, argv: readonly string[]): void {
  const [first, topic] = argv
  if (first !== 'help' || topic === undefined || topic.startsWith('-')) return
  const names = program.createHelp().visibleCommands(program).map(nameOf)
  if (names.includes(topic)) return
  throw new CliExit(
    EXIT.badInput,
    `unknown command "${topic}"${suggest(topic, names)} (\`serin help\` lists them)`,
  )
}

/**
 * How a command line that could not be understood is told: in one line, with where to read on. Null: help or the
 * version was printed.
 */
export function describeUsageError(program: Command, error: CommanderError): string | null {
  if (error.code === 'commander.help' || error.exitCode === 0) return null
  const command = program.commands.find((each) => nameOf(each) === program.args[0])
  if (error.code === 'commander.excessArguments' && command !== undefined) {
    const file = describeMissingFlag(command)
    if (file !== null) return file
  }
  if (error.code === 'commander.unknownCommand') {
    const meant = OTHER_NAMES[program.args[0]!.toLowerCase()]
    if (meant !== undefined) {
      return `unknown command '${program.args[0]}': it is \`serin ${meant}\` (\`serin help ${meant}\`)`
    }
  }
  const [what, hint] = error.message.replace(/^error: /, '').split('\n')
  const meant = hint === undefined ? '' : ` ${hint.replace('(Did', '(did')}`
  const topic = command === undefined ? '' : ` ${nameOf(command)}`
  return `${what!.replace(/\.$/, '')}${meant}: \`serin help${topic}\` says what there is`
}

/** What commands are called elsewhere, and in serin's own words. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  ...{ rollback: 'abort', 'roll-back': 'abort', cancel: 'abort', stop: 'abort' },
  ...{ 'set-weight': 'weights', 'set-weights': 'weights', split: 'weights' },
  ...{ approve: 'promote', start: 'promote', advance: 'promote' },
  ...{
    continue: 'resume',
    unpause: 'resume',
    run: 'serve',
    validate: 'check',
    history: 'decisions',
  },
}

/** Where a command takes its file by `-c` alone, what has been given without is most likely that. */
function describeMissingFlag(command: Command): string | null {
  const takesFile = command.options.some(({ short }) => short === '-c')
  if (!takesFile || command.registeredArguments.length > 0) return null
  const name = nameOf(command)
  return `"${name}" takes its file by an option: \`serin ${name} -c ${command.args[0]}\``
}

function nameOf(command: Command): string {
  return command.name()
}
