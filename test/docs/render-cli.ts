import type { Argument, Command, Option } from 'commander'
import { EXIT, EXIT_MEANINGS } from '../../src/cli/cli-exit.ts'
import { buildJsonError, INTERNAL_CODE, OWN_CODES } from '../../src/cli/json-error.ts'
import { ERRORS } from '../../src/domain/errors.ts'
import { code, fence, table } from './markdown.ts'

/** What a command prints with `-o json` (or `--json`), by its keys; `of` says where their meaning stands. */
export type JsonOutput = {
  readonly command: string
  readonly when: string
  /** Null: not one object of fixed keys. */
  readonly keys: readonly string[] | null
  readonly of: string
}

const SERVICE = 'a [Service](api.md#service)'
const ANSWER = 'a [CommandAnswer](api.md#commandanswer)'

/** Every output of the command line that programs may read. */
export const JSON_OUTPUTS: readonly JsonOutput[] = [
  {
    command: 'status',
    when: '',
    keys: ['services', 'reload', 'store'],
    of: 'every [Service](api.md#service), what became of the last reload, and what is wrong with the store (null: nothing)',
  },
  { command: 'status', when: 'of one service', keys: null, of: SERVICE },
  {
    command: 'status',
    when: '--watch',
    keys: ['services', 'reload', 'store'],
    of: 'one line a second and at each decision, of every service or of the one, with what became of the last reload and what is wrong with the store; the gateway going and coming is told on stderr',
  },
  { command: 'weights', when: '', keys: null, of: 'percent by the name of the variant' },
  {
    command: 'weights',
    when: 'with weights',
    keys: ['decision', 'pending', 'service'],
    of: ANSWER,
  },
  {
    command: 'promote',
    when: 'and the other verbs',
    keys: ['decision', 'pending', 'service'],
    of: `${ANSWER}; \`decision\` is null where nothing had to change, and where it is \`pending\``,
  },
  { command: 'decisions', when: '', keys: ['decisions'], of: 'each a [Decision](api.md#decision)' },
  {
    command: 'experiments',
    when: '',
    keys: ['experiments'],
    of: 'each a [PastExperiment](api.md#pastexperiment)',
  },
  { command: 'explain', when: '', keys: null, of: 'a [Decision](api.md#decision)' },
  {
    command: 'explain',
    when: 'of an experiment',
    keys: null,
    of: 'a list of [Comparison](api.md#comparison)',
  },
  {
    command: 'plan',
    when: '',
    keys: null,
    of: 'a [Plan](api.md#plan), or an [ExperimentPlan](api.md#experimentplan)',
  },
  {
    command: 'backtest',
    when: 'of a record',
    keys: [
      ...['service', 'rollout', 'rules', 'cohorts', 'evicted', 'from', 'to', 'metrics'],
      ...['unanswered', 'decisions', 'differsFrom', 'otherWeightsFrom', 'refused', 'end'],
    ],
    of: '[backtest.md](backtest.md)',
  },
  {
    command: 'backtest',
    when: '--rps',
    keys: ['service', 'rules', 'runs', 'seed', 'leftOut', 'ends', 'traffic'],
    of: '[backtest.md](backtest.md)',
  },
  {
    command: 'backtest',
    when: 'of an experiment',
    keys: ['service', 'rules', 'challengers'],
    of: '[backtest.md](backtest.md)',
  },
  {
    command: 'demo',
    when: '--json',
    keys: [
      ...['ok', 'problems', 'seed', 'quick', 'seconds', 'requestsPerSecond', 'wrongBeyond'],
      ...['services', 'feedback'],
    ],
    of: 'how each service ended, with its decisions and what its users saw',
  },
  {
    command: 'feedback',
    when: '',
    keys: ['joined', 'unmatched', 'late', 'duplicate', 'unscored', 'rejected'],
    of: 'a [FeedbackReport](api.md#feedbackreport), of all lines together',
  },
  { command: 'reload', when: '', keys: ['changes', 'waiting'], of: 'a sentence for each' },
]

/** Writes every command with its arguments, options, exit codes and outputs as a page. */
export function renderCli(program: Command): string {
  const help = program.createHelp()
  const commands = help.visibleCommands(program).filter((command) => command.name() !== 'help')
  return [
    '# The command line',
    'Every command of `serin`, made from the commands as they are defined by `npm run docs:cli`. `serin help <command>` says the same. In a clone `serin` is `node dist/main.js`. How the verbs are used: [operating.md](operating.md).',
    '## For all commands',
    'Commands that ask a running gateway ask at `--admin URL`, else at `SERIN_ADMIN`, else at http://127.0.0.1:9090, with the token of `--token`, else of `SERIN_TOKEN` (better: an argument shows in the list of processes).',
    'On a terminal output is at most 80 columns wide, or as wide as a narrower one, and tables are cut there; elsewhere sentences are broken at 80 columns and no table is cut. Output is coloured on a terminal unless `NO_COLOR` is set to anything ([no-color.org](https://no-color.org)). What takes long says on stderr how far it is, on a terminal alone. Errors go to stderr: one line that begins with `serin: `, says what to do next, and ends with the code of the [API](api.md) where it was the gateway that refused.',
    table(
      ['exit code', 'means'],
      [
        ...Object.entries(EXIT_MEANINGS).map(([name, meaning]) => [
          code(EXIT[name as keyof typeof EXIT]),
          meaning,
        ]),
        [code(130), '`demo` was ended by Ctrl-C, or `serve` by a second one (143: by SIGTERM)'],
      ],
    ),
    ...commands.flatMap((command) => renderCommand(program, command)),
    '## JSON',
    'With `-o json` a command prints one indented object and nothing else on stdout. It is what the admin API answers, so its fields are those of [api.md](api.md#schemas). Fields are added, and none is taken away or changes its meaning within a major version: read those that you know, and ignore the rest. Times are ISO 8601 in UTC, weights percent, other shares fractions, and what is not known is null.',
    table(
      ['command', 'keys', 'what it is'],
      JSON_OUTPUTS.map(({ command, when, keys, of }) => [
        `${code(command)} ${when.startsWith('--') ? code(when) : when}`.trim(),
        keys === null ? '' : keys.map(code).join(' '),
        of,
      ]),
    ),
    ...JSON_ERRORS,
    ...COMPLETION,
  ].join('\n\n')
}

const JSON_ERRORS = [
  'An error is one object too, in one line on stdout (also of a `--watch`); its sentence stays on stderr, and the exit code is the same. `message` is that sentence. `code` and the other members (`title`, `status`, `detail`, `instance`, `problems`) are those of the [Problem](api.md#problem) where it was the gateway that refused; else `code` is one of these, and `problems` lists the mistakes of a file that is not good. A report that has been printed, as that of `feedback` with rejected lines (exit code 1), is not followed by an error.',
  fence(
    'json',
    buildJsonError(
      EXIT.badInput,
      'there is no service "credit"; known: credit-risk. `serin status` shows those that there are [SERIN_UNKNOWN_SERVICE]',
      {
        code: 'SERIN_UNKNOWN_SERVICE',
        title: ERRORS.SERIN_UNKNOWN_SERVICE.title,
        status: ERRORS.SERIN_UNKNOWN_SERVICE.status,
        detail: 'there is no service "credit"; known: credit-risk',
        instance: '/api/v1/services/credit',
      },
    ).trim(),
  ),
  table(
    ['code', 'means'],
    [
      ...Object.entries(EXIT_MEANINGS).flatMap(([name, meaning]) => {
        const own = OWN_CODES[EXIT[name as keyof typeof EXIT]]
        return own === undefined ? [] : [[code(own), meaning]]
      }),
      [code(INTERNAL_CODE), "a mistake of serin's own: please report it"],
    ],
  ),
]

const COMPLETION = [
  '## Completion',
  'Commands, options, their values, files, and the services and variants of the gateway that answers within half a second:',
  fence(
    'sh',
    `source <(serin completion bash)      # in ~/.bashrc
source <(serin completion zsh)       # in ~/.zshrc, after compinit; or as _serin in a folder of fpath
serin completion fish | source       # in ~/.config/fish/config.fish`,
  ),
]

/** What the exit codes of a command are, beside those of all. */
const MORE_EXITS: Readonly<Record<string, readonly number[]>> = {
  wait: [EXIT.otherEnd, EXIT.timedOut],
  serve: [130, 143],
  demo: [130],
}

function renderCommand(program: Command, command: Command): readonly string[] {
  const help = command.createHelp()
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help')
  const args = help.visibleArguments(command)
  const asks = options.some(({ long }) => long === '--admin')
  const exits = [
    EXIT.done,
    EXIT.badInput,
    ...(asks ? [EXIT.unreachable, EXIT.refused] : []),
    ...(MORE_EXITS[command.name()] ?? []),
  ]
  return [
    `## serin ${command.name()}`,
    `${sentence(command.description())} Exit codes: ${exits.map(code).join(' ')}.`,
    fence('sh', `${program.name()} ${command.name()} ${command.usage()}`),
    ...(args.length + options.length === 0
      ? []
      : [
          table(
            ['argument or option', 'means'],
            [...args.map(renderArgument), ...options.map(renderOption)],
          ),
        ]),
  ]
}

function renderArgument(argument: Argument): readonly string[] {
  const name = `${argument.name()}${argument.variadic ? '…' : ''}`
  const text = argument.description === '' ? 'its name' : argument.description
  const choices =
    argument.argChoices === undefined ? '' : `: ${argument.argChoices.map(code).join(' ')}`
  return [code(argument.required ? `<${name}>` : `[${name}]`), `${text}${choices}`]
}

function renderOption(option: Option): readonly string[] {
  const { flags, description, argChoices, defaultValue, mandatory } = option
  const facts = [
    ...(argChoices === undefined ? [] : [argChoices.map(code).join(' ')]),
    ...(mandatory ? ['has to be given'] : []),
    ...(defaultValue === undefined || defaultValue === false
      ? []
      : [`default ${code(defaultValue)}`]),
  ]
  return [code(flags), `${description}${facts.length === 0 ? '' : `; ${facts.join('; ')}`}`]
}

function sentence(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`
}
