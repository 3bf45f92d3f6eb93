import { WEIGHT_WORDS, type CommandWords, type Values } from './completion-words.ts'

/** Builds the script for bash 3.2 and later. */
export function renderBash(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  return `# Completion of serin for bash: source <(serin completion bash)
_serin() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" command= place=0 skip= word i
  COMPREPLY=()
  # The first word that is no option is the command; those after it are counted, without options' values.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [ -n "$skip" ]; then skip=; continue; fi
    case "$command $word" in
${commands.flatMap(valueFlags).join(' |\\\n')}) skip=1 ;;
    *' '-*) ;;
    ' '*) command="$word" ;;
    *) place=$((place + 1)) ;;
    esac
  done
  case "$command \${COMP_WORDS[COMP_CWORD - 1]}" in
${commands.flatMap(optionCases).join('\n')}
  esac
  case "$command $cur" in
  ' '-*) COMPREPLY=($(compgen -W '--help --version' -- "$cur")); return ;;
  ' '*) COMPREPLY=($(compgen -W '${names}' -- "$cur")); return ;;
${commands.map(({ name, options }) => `  '${name} '-*) COMPREPLY=($(compgen -W '${options.flatMap((o) => o.flags).join(' ')}' -- "$cur")); return ;;`).join('\n')}
  esac
  case "$command $place" in
${commands.flatMap(argumentCases).join('\n')}
  esac
}
_serin_files() { compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")); }
_serin_weights() { compopt -o nospace 2>/dev/null; COMPREPLY=($(compgen -W '${WEIGHT_WORDS.join(' ')}' -- "$cur")); }
_serin_names() { COMPREPLY=($(compgen -W "$(serin "$1" "\${COMP_WORDS[@]:1}" 2>/dev/null)" -- "$cur")); }
complete -F _serin serin
`
}

function valueFlags({ name, options }: CommandWords): readonly string[] {
  const taking = options.filter(({ values }) => values !== null)
  return taking.flatMap(({ flags }) => flags.map((flag) => `    '${name} ${flag}'`))
}

function optionCases({ name, options }: CommandWords): readonly string[] {
  return options.flatMap(({ flags, values }) =>
    values === null
      ? []
      : [
          `  ${flags.map((flag) => `'${name} ${flag}'`).join(' | ')}) ${replyWith(values)} return ;;`,
        ],
  )
}

function argumentCases({ name, args }: CommandWords): readonly string[] {
  return args.flatMap(({ values, many }, place) =>
    values.of === 'anything' ? [] : [`  '${name} '${many ? '*' : place}) ${replyWith(values)} ;;`],
  )
}

function replyWith(values: Values): string {
  switch (values.of) {
    case 'words':
      return `COMPREPLY=($(compgen -W '${values.words.join(' ')}' -- "$cur"));`
    case 'files':
      return '_serin_files;'
    case 'services':
      return '_serin_names __services;'
    case 'variants':
      return '_serin_names __variants;'
    case 'weights':
      return '_serin_weights;'
    case 'anything':
      return ''
  }
}
