import {
  WEIGHT_WORDS,
  type CommandWords,
  type OptionWords,
  type Values,
} from './completion-words.ts'

/** Builds the script for fish. */
export function renderFish(commands: readonly CommandWords[]): string {
  return [
    '# Completion of serin for fish: serin completion fish | source',
    'function __serin_names',
    '  serin $argv[1] (commandline -opc)[2..-1] 2>/dev/null',
    'end',
    'complete -c serin -f',
    'complete -c serin -n __fish_use_subcommand -l help -d "what there is"',
    'complete -c serin -n __fish_use_subcommand -l version -d "the version"',
    ...commands.flatMap(renderCommand),
    '',
  ].join('\n')
}

function renderCommand({ name, description, options, args }: CommandWords): readonly string[] {
  const within = `complete -c serin -n '__fish_seen_subcommand_from ${name}'`
  return [
    `complete -c serin -n __fish_use_subcommand -a ${name} -d ${quote(description)}`,
    ...options.map((option) => `${within} ${renderOption(option)}`),
    // fish knows no places: a word that may stand anywhere is offered everywhere.
    ...args.flatMap(({ values }) =>
      values.of === 'anything' ? [] : [`${within} ${renderValues(values)}`],
    ),
  ]
}

function renderOption({ flags, description, values }: OptionWords): string {
  const names = flags.map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  )
  const value = values === null ? '' : ` -r ${renderValues(values)}`
  return `${names.join(' ')} -d ${quote(description)}${value}`.trimEnd()
}

function renderValues(values: Values): string {
  switch (values.of) {
    case 'words':
      return `-a ${quote(values.words.join(' '))}`
    case 'files':
      return '-F'
    case 'services':
      return "-a '(__serin_names __services)'"
    case 'variants':
      return "-a '(__serin_names __variants)'"
    case 'weights':
      return `-a ${quote(WEIGHT_WORDS.join(' '))}`
    case 'anything':
      return ''
  }
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
