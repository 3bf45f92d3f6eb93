import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadCars, splitCars } from './cars.ts'
import { ChildProcesses } from './child-processes.ts'
import type { DemoResult } from './demo-result.ts'
import { buildStage, createAudience, readLogTail } from './demo-stage.ts'
import type { DemoFiles, Stage } from './demo-stage.ts'
import { buildLineNarrator, buildSilentNarrator, buildTerminalNarrator } from './narrator.ts'
import type { Narrator } from './narrator.ts'
import { renderInvitation } from './render-invitation.ts'
import { renderResult } from './render-result.ts'
import { buildPace, buildScenarios } from './scenario.ts'
import type { DemoPace } from './scenario.ts'
import { WRONG_BEYOND } from './user-tally.ts'
import { watchRollouts } from './watch-rollouts.ts'

/** How the demo runs, and where its text goes. */
export type DemoOptions = {
  /** One promotion and one rollback within a minute, instead of all three stories. */
  readonly quick: boolean
  /** Leave everything running after the end, until Ctrl-C, and the files on disk. */
  readonly keep: boolean
  /** Print the result as one JSON object and nothing else. */
  readonly json: boolean
  /** Who asks, for what, when; null = drawn. */
  readonly seed: number | null
  readonly write: (text: string) => void
  /** Redraw in place; default: whether stdout is a terminal. */
  readonly interactive?: boolean
  /** Default: the program that runs, and what lies beside this module. */
  readonly files?: Partial<DemoFiles>
  /** When to give up, in milliseconds; default: the pace's. */
  readonly limits?: Partial<DemoPace['limits']>
}

/** Exit code of a process that Ctrl-C ended: 128 + SIGINT. */
const INTERRUPTED = 130

/**
 * Runs the demo: real models in processes of their own, a gateway with a generated configuration,
 * users, and true values that arrive later. Resolves with the exit code: 0 when every rollout ended as
 * it should, 1 when not or when something did not come up (a sentence says what), 130 after Ctrl-C.
 * Every process is ended and every file removed on each of these ways, unless `keep` is set.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const control = new AbortController()
  const interrupt = (): void => control.abort(new Interrupted())
  for (const signal of SIGNALS) process.on(signal, interrupt)
  const children = new ChildProcesses((sentence) => control.abort(new Error(sentence)))
  const folder = await mkdtemp(join(tmpdir(), 'serin-demo-'))
  try {
    return await perform(options, { control, children, folder })
  } catch (error) {
    const reason: unknown = control.signal.aborted ? control.signal.reason : error
    if (reason instanceof Interrupted) return INTERRUPTED
    await reportFailure(options, reason as Error, folder)
    return 1
  } finally {
    await children.close()
    if (!options.keep) await rm(folder, { recursive: true, force: true })
    for (const signal of SIGNALS) process.removeListener(signal, interrupt)
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

type Run = {
  readonly control: AbortController
  readonly children: ChildProcesses
  readonly folder: string
}

class Interrupted extends Error {}

async function perform(options: DemoOptions, run: Run): Promise<number> {
  const { signal } = run.control
  const pace = buildPace(options.quick)
  const seed = options.seed ?? randomInt(1_000_000)
  const files = { ...defaultFiles(), ...options.files }
  const narrator = buildNarrator(options)
  const beganAt = performance.now()
  const limits = { ...pace.limits, ...options.limits }
  const { heldOut } = splitCars(await loadCars(files.dataFile))

  narrator.say('Training the models and starting their servers …')
  const scenarios = buildScenarios(options.quick)
  const startTimer = setTimeout(
    () => run.control.abort(new Error(`not everything was up after ${limits.startMs / 1000} s`)),
    limits.startMs,
  )
  const stage = await abortable(
    buildStage({ ...run, scenarios, pace, seed, files, signal }),
    signal,
  ).finally(() => clearTimeout(startTimer))
  announce(narrator, stage, pace, options)
  const audience = createAudience(stage, pace, heldOut, seed)
  try {
    const endings = await abortable(
      watchRollouts(stage, audience, narrator, limits.rolloutMs, signal),
      signal,
    )
    const problems = endings.filter(({ ok }) => !ok).map(({ ending }) => ending)
    const result: DemoResult = {
      ok: problems.length === 0,
      problems,
      seed,
      quick: options.quick,
      seconds: (performance.now() - beganAt) / 1000,
      requestsPerSecond: pace.rate * scenarios.length,
      wrongBeyond: WRONG_BEYOND,
      services: endings,
      feedback: audience.feedback.tally,
    }
    options.write(options.json ? `${JSON.stringify(result, null, 2)}\n` : renderResult(result))
    if (options.keep) await keepRunning(options, stage, files.gatewayEntry, signal)
    return result.ok ? 0 : 1
  } finally {
    // An abort means that the gateway is going or gone: nobody will answer what is still open.
    await (signal.aborted ? audience.abandon() : audience.close())
  }
}

function buildNarrator(options: DemoOptions): Narrator {
  if (options.json) return buildSilentNarrator()
  const interactive = options.interactive ?? process.stdout.isTTY
  return interactive ? buildTerminalNarrator(options.write) : buildLineNarrator(options.write)
}

function announce(narrator: Narrator, stage: Stage, pace: DemoPace, options: DemoOptions): void {
  const { baseline, canary } = stage.services[0]!.offlineRmse
  narrator.say(
    `Two models of how far a car goes on a gallon, tested offline on cars they have not seen:\n` +
      `  1.4  least squares   RMSE ${baseline.toFixed(2)} mpg\n` +
      `  2.0  random forest   RMSE ${canary.toFixed(2)} mpg\n` +
      `${stage.services.length} services roll 2.0 out, each in its own way; ${pace.rate} requests/s each.\n` +
      `The gateway's configuration: ${stage.configFile}${options.keep ? '' : ' (until the end; --keep leaves it)'}`,
  )
}

async function keepRunning(
  options: DemoOptions,
  stage: Stage,
  gatewayEntry: string,
  signal: AbortSignal,
): Promise<void> {
  if (!options.json) options.write(renderInvitation(stage, nameCommand(gatewayEntry)))
  await new Promise<void>((resolve, reject) => {
    const over = (): void =>
      signal.reason instanceof Interrupted ? resolve() : reject(signal.reason as Error)
    if (signal.aborted) over()
    else signal.addEventListener('abort', over, { once: true })
  })
}

/** How whoever runs this demo starts the command line: by its name where that is how it was started. */
function nameCommand(gatewayEntry: string): string {
  const isInstalled = basename(process.argv[1] ?? '') === 'serin'
  return isInstalled ? 'serin' : `node ${relative(process.cwd(), gatewayEntry)}`
}

async function reportFailure(options: DemoOptions, error: Error, folder: string): Promise<void> {
  const log = await readLogTail(folder)
  const sentence = `The demo could not be run to its end: ${error.message}`
  if (options.json) {
    options.write(`${JSON.stringify({ ok: false, problems: [sentence], gatewayLog: log })}\n`)
    return
  }
  options.write(`${sentence}\n${log === '' ? '' : `The gateway's last words:\n${log}\n`}`)
}

function defaultFiles(): DemoFiles {
  const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
  return {
    // Whatever runs this is the gateway, too.
    gatewayEntry: process.argv[1]!,
    modelEntry: beside('./model-process.js'),
    dataFile: beside('./cars.json'),
  }
}

/** Settles as the promise does, but rejects at once when the signal is aborted. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return Promise.race([
    work,
    new Promise<never>((_, reject) => {
      const abort = (): void => reject(signal.reason as Error)
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
    }),
  ])
}
