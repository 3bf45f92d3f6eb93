import type { Argument, Command, Option } from 'commander'

/**
 * What an option or argument may be: words, a file, a service of the gateway, a variant of the service that the line
 * names, the weight of one, or what nobody can know.
 */
export type Values =
  | { readonly of: 'words'; readonly words: readonly string[] }
  | { readonly of: 'files' | 'services' | 'variants' | 'weights' | 'anything' }

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

function valuesOfOption({ argChoices, flags, long }: Option): Values {
  if (argChoices !== undefined) return { of: 'words', words: argChoices }
  if (long === '--variant') return { of: 'variants' }
  return /<file>/.test(flags) ? { of: 'files' } : { of: 'anything' }
}

function valuesOf(argument: Argument): Values {
  if (argument.argChoices !== undefined) return { of: 'words', words: argument.argChoices }
  return { of: ARGUMENTS[argument.name()] ?? 'anything' }
}

const ARGUMENTS: Readonly<Record<string, Exclude<Values['of'], 'words'>>> = {
  service: 'services',
  variant: 'variants',
  weight: 'weights',
  file: 'files',
}

/** What an override of weights may begin with; the percent follows without a space. */
export const WEIGHT_WORDS = ['baseline=', 'canary='] as const
