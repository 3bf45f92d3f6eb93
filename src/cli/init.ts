import { writeFile } from 'node:fs/promises'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { parseDuration } from '../domain/units.ts'
import { createInterview } from './ask.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { DEFAULT_FILE } from './config-file.ts'
import {
  buildFirstConfig,
  isJudgedByLabels,
  JUDGES,
  type FirstConfig,
  type Judge,
} from './first-config.ts'
import { chooseSteps } from './first-steps.ts'
import { parseRps } from './traffic-options.ts'

/** The answers, as options give them or somebody at a terminal does. */
type Answers = {
  readonly service: string
  readonly path?: string
  readonly baseline: string
  readonly canary: string
  readonly key?: string
  readonly judge: Judge
  readonly prediction: string
  readonly event: string
  readonly window?: string
  readonly rps: number
}

type InitOptions = Answers & { readonly out: string; readonly force?: true }

/** Options that say what to write: where one of them is given, nobody is asked. */
const ANSWERS = [
  'service',
  'path',
  'baseline',
  'canary',
  'key',
  'judge',
  'prediction',
  'event',
  'window',
  'rps',
]

/**
 * Adds `serin init`: writes a first configuration, commented, that `check` accepts. On a terminal and without
 * an option that says what to write, it asks.
 */
export function addInitCommand(program: Command, io: CliIo): void {
  program
    .command('init')
    .description('write a first configuration; on a terminal it asks, unless options answer')
    .option('--service <name>', 'name of the model endpoint', parseName, 'my-model')
    .option('--path <path>', 'requests of the endpoint (default: /v2/models/SERVICE/*)', parsePath)
    .option(
      '--baseline <url>',
      'server of the version in use',
      parseOrigin,
      'http://127.0.0.1:8001',
    )
    .option('--canary <url>', 'server of the new version', parseOrigin, 'http://127.0.0.1:8002')
    .option('--key <header>', "header with the user's id: a user stays on one version", parseHeader)
    .addOption(
      new Option('--judge <what>', 'what is judged')
        .choices(Object.keys(JUDGES))
        .default('errors-latency'),
    )
    .option(
      '--prediction <pointer>',
      'JSON pointer to the prediction in the answer (rmse, accuracy, log-loss)',
      parsePointer,
      '/outputs/0/data/0',
    )
    .option('--event <name>', 'the event that counts (events)', parseEvent, 'purchase')
    .option(
      '--window <duration>',
      'how long labels or events take to arrive (default: 1m, of events 30m)',
      parseWindow,
    )
    .option('--rps <n>', 'requests (new users) per second, for steps that fit', parseRps, 10)
    .option('--out <file>', 'where to write it', DEFAULT_FILE)
    .option('--force', 'overwrite a file that is there')
    .action(async (options: InitOptions, command: Command) => {
      const isAnswered = ANSWERS.some((name) => command.getOptionValueSource(name) === 'cli')
      const isAsked = io.stdin.isTTY === true && io.stdout.isTTY === true && !isAnswered
      const { rps, ...first } = completeAnswers(isAsked ? await interview(io, options) : options)
      const { out, force } = options
      const steps = await chooseSteps(first, rps)
      await write(out, buildFirstConfig(first, steps), force === true)
      io.stdout.write(
        `wrote ${out}: canary ${steps.weights.join(' %, ')} %.\n${steps.forecast}\nnext: serin check --explain --rps ${rps} -c ${out}, then serin serve -c ${out}\n`,
      )
    })
}

function completeAnswers(answers: Answers): FirstConfig & { readonly rps: number } {
  const { path, key, window, ...rest } = answers
  return {
    ...rest,
    path: path ?? `/v2/models/${rest.service}/*`,
    key: key ?? null,
    window: window ?? usualWindow(rest.judge),
  }
}

/** What people do afterwards takes longer than what a program says. */
function usualWindow(judge: Judge): string {
  return judge === 'events' ? '30m' : '1m'
}

async function interview(io: CliIo, defaults: Answers): Promise<Answers> {
  io.stdout.write(
    'A first configuration. Enter takes what stands in brackets; Ctrl-C writes nothing.\n',
  )
  const { ask, close } = createInterview(io)
  try {
    const service = await ask('Name of the model endpoint', defaults.service, parseName)
    const path = await ask('Path of its requests', `/v2/models/${service}/*`, parsePath)
    const baseline = await ask('Server of the version in use', defaults.baseline, parseOrigin)
    const canary = await ask('Server of the new version', defaults.canary, parseOrigin)
    const key = await ask("Header with the user's id, - for none", '-', (text) =>
      text === '-' ? null : parseHeader(text),
    )
    const judges = Object.keys(JUDGES) as Judge[]
    judges.forEach((name, index) => io.stdout.write(`  ${index + 1}  ${name}: ${JUDGES[name]}\n`))
    const judge = await ask('What is judged', '1', (text) => {
      const found = judges[Number(text) - 1] ?? judges.find((name) => name === text)
      if (found !== undefined) return found
      throw new InvalidArgumentError(`Give a number from 1 to ${judges.length}.`)
    })
    const prediction = isJudgedByLabels(judge)
      ? await ask('JSON pointer to the prediction in the answer', defaults.prediction, parsePointer)
      : defaults.prediction
    const event =
      judge === 'events'
        ? await ask('The event that counts', defaults.event, parseEvent)
        : defaults.event
    const window =
      judge === 'errors-latency'
        ? {}
        : {
            window: await ask(
              `${judge === 'events' ? 'Events' : 'Labels'} arrive within`,
              usualWindow(judge),
              parseWindow,
            ),
          }
    const unit = key === null ? 'Requests' : 'New users'
    const rps = await ask(`${unit} per second, about`, String(defaults.rps), parseRps)
    const rest = { service, path, baseline, canary, judge, prediction, event, ...window, rps }
    return key === null ? rest : { ...rest, key }
  } finally {
    await close()
  }
}

async function write(file: string, text: string, overwrite: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: overwrite ? 'w' : 'wx' })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why =
      code === 'EEXIST'
        ? `${file} is there already: --force overwrites it, --out writes another`
        : message
    throw new CliExit(EXIT.badInput, why)
  }
}

function parseOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol === 'http:' && text.replace(/\/$/, '') === url.origin) return url.origin
  throw new InvalidArgumentError('Write it as http://10.0.0.1:8000, without a path.')
}

function parseName(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/.test(text)) return text
  throw new InvalidArgumentError('Use at most 63 lower-case letters, digits, dots and dashes.')
}

function parsePath(text: string): string {
  if (/^(?:\/[\w.~!$&()+,;=:@%-]*)+(?:\/\*)?$|^\/\*$/.test(text)) return text
  throw new InvalidArgumentError('Write it as /v2/models/my-model/* (or without the last /*).')
}

function parseHeader(text: string): string {
  if (/^[\w-]+$/.test(text)) return text.toLowerCase()
  throw new InvalidArgumentError(
    'Write the name of a header alone: x-user-id. Another key (`body:/user`, `cookie:session`) goes into the file, as `split.key`.',
  )
}

function parsePointer(text: string): string {
  if (/^(?:\/[\w.-]+)+$/.test(text)) return text
  throw new InvalidArgumentError('Write it as /outputs/0/data/0.')
}

function parseEvent(text: string): string {
  if (/^[\w.-]+$/.test(text)) return text
  throw new InvalidArgumentError('Use letters, digits, dots and dashes.')
}

/** More than a week would need a longer `feedback.retention`. */
function parseWindow(text: string): string {
  const ms = parseDuration(text)
  if (ms !== null && ms > 0 && ms <= 7 * 86_400_000) return text
  throw new InvalidArgumentError('Write it as 90s, 10m or 2h, 7d at most.')
}
