import type { Argument, Command, Option } from 'commander'

/** What an option or argument may be: words, a file, a service of the gateway, or what nobody can know. */
export type Values =
  | { readonly of: 'words'; readonly words: readonly string[] }
  | { readonly of: 'files' | 'services' | 'anything' }

/** A command as a shell completes it. */
export type CommandWords = {
  readonly name: string
  readonly description: string
  readonly options: readonly OptionWords[]
  readonly args: readonly {
    readonly name: string
    readonly values: Values
    readonly many: boolean
  }[]
}

/** `values: null` = it takes none. */
export type OptionWords = {
  readonly flags: readonly string[]
  readonly description: string
  readonly values: Values | null
}

/** Reads what can be completed from a program: its visible commands with their options and arguments. */
export function describeWords(program: Command): readonly CommandWords[] {
  const help = program.createHelp()
  const commands = help.visibleCommands(program)
  const names = commands.map((command) => command.name())
  return commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: help.visibleOptions(command).map(describeOption),
    args: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      many: argument.variadic,
      values: command.name() === 'help' ? { of: 'words', words: names } : valuesOf(argument),
    })),
  }))
}

function describeOption(option: Option): OptionWords {
  const flags = [option.short, option.long].filter((flag) => flag != null)
  const takesValue = option.required || option.optional
  const { description } = option
  return { flags, description, values: takesValue ? valuesOfOption(option) : null }
}

function valuesOfOption({ argChoices, flags }: Option): Values {
  if (argChoices !== undefined) return { of: 'words', words: argChoices }
  return /<file>/.test(flags) ? { of: 'files' } : { of: 'anything' }
}

function valuesOf(argument: Argument): Values {
  if (argument.argChoices !== undefined) return { of: 'words', words: argument.argChoices }
  const name = argument.name()
  if (name === 'service') return { of: 'services' }
  return name === 'file' ? { of: 'files' } : { of: 'anything' }
}
