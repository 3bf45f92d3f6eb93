import {
  WEIGHT_WORDS,
  type CommandWords,
  type OptionWords,
  type Values,
} from './completion-words.ts'

/** Builds the script for zsh: as `_serin` in a folder of `fpath`, or sourced after `compinit`. */
export function renderZsh(commands: readonly CommandWords[]): string {
  return `#compdef serin
# Completion of serin for zsh: source <(serin completion zsh), after compinit
_serin_services() { _serin_names __services }
_serin_variants() { _serin_names __variants }
_serin_names() {
  local -a names
  names=("\${(@f)$(serin "$1" "\${(@)words[2,-1]}" 2>/dev/null)}")
  compadd -a names
}
_serin_weights() { compadd -S '' ${WEIGHT_WORDS.join(' ')} }
_serin() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C '(- *)--version[the version]' '(- *)--help[what there is]' '1:command:->command' '*::argument:->argument'
  case $state in
  command)
    local -a commands
    commands=(
${commands.map(({ name, description }) => `      ${quote(`${name}:${description}`)}`).join('\n')}
    )
    _describe command commands
    ;;
  argument)
    case $words[1] in
${commands.map(renderCommand).join('\n')}
    esac
    ;;
  esac
}
if [ "$funcstack[1]" = _serin ]; then _serin "$@"; else compdef _serin serin; fi
`
}

function renderCommand({ name, options, args }: CommandWords): string {
  const specs = [
    ...options.flatMap(renderOption),
    ...args.map((argument, index) => {
      const place = argument.many ? '*' : index + 1
      return quote(`${place}:${argument.name}:${actionOf(argument.values)}`)
    }),
  ]
  return `    ${name}) _arguments ${specs.join(' ')} ;;`
}

function renderOption({ flags, description, values }: OptionWords): readonly string[] {
  const text = description.replaceAll(/[[\]:\\]/g, '\\$&')
  const value = values === null ? '' : `:value:${actionOf(values)}`
  return flags.map((flag) => quote(`(${flags.join(' ')})${flag}[${text}]${value}`))
}

function actionOf(values: Values): string {
  switch (values.of) {
    case 'words':
      return `(${values.words.join(' ')})`
    case 'files':
      return '_files'
    case 'services':
      return '_serin_services'
    case 'variants':
      return '_serin_variants'
    case 'weights':
      return '_serin_weights'
    case 'anything':
      return ' '
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
