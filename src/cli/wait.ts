import { InvalidArgumentError, Option, type Command } from 'commander'
import type { ServiceJson } from '../admin/present.ts'
import { formatWeight } from '../rollout/format.ts'
import { describePause, describePauseEnd } from '../domain/describe-pause.ts'
import { parseDuration } from '../domain/units.ts'
import type { AdminClient } from './admin-client.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { addReadOptions, withClient, writeJson, type ReadOptions } from './command-options.ts'
import { drawBar } from './gauge.ts'
import { createProgressLine } from './progress-line.ts'
import { formatSeconds } from './render.ts'
import { renderWeights } from './render-command.ts'
import { waitForVerdict, type Goal } from './wait-verdict.ts'

type RolloutEnd = 'promoted' | 'rolled-back' | 'paused'
type End = RolloutEnd | 'verdict'
type WaitOptions = ReadOptions & { readonly for: End; readonly timeout?: number }

const POLL_MS = 1000
/** How many polls in a row may find no gateway: long enough for it to restart. */
const MISSES = 30

/** Adds `serin wait <service> --for promoted|rolled-back|paused|verdict [--timeout]`, for pipelines. */
export function addWaitCommand(program: Command, io: CliIo): void {
  addReadOptions(
    program
      .command('wait')
      .description(
        'until the rollout has ended, or each challenger of a fixed split has a verdict (exit 4: another way, 5: in time)',
      )
      .argument('<service>')
      .addOption(
        new Option(
          '--for <end>',
          'the end that counts as success; paused: until somebody gives a command, not for a time; verdict: of a fixed split, whatever it is',
        )
          .choices(['promoted', 'rolled-back', 'paused', 'verdict'])
          .makeOptionMandatory(),
      )
      .option(
        '--timeout <duration>',
        'at most this long, 30m say (default: no limit)',
        parseTimeout,
      ),
  ).action(async (name: string, options: WaitOptions) => {
    await withClient(io, options, (client) => wait(io, client, name, options))
  })
}

async function wait(
  io: CliIo,
  client: AdminClient,
  name: string,
  options: WaitOptions,
): Promise<void> {
  const stop = new AbortController()
  const unsubscribe = io.onSignal('SIGINT', () => stop.abort())
  const startedAt = io.clock.monotonic()
  const progress = createProgressLine(io.stderr, io.clock)
  try {
    let { service } = await client.service(name)
    const goal = goalOf(service, options.for)
    let first: ServiceJson | null = null
    let misses = 0
    for (;;) {
      if (!isUnread(service)) first ??= service
      if (first !== null && !isUnread(service) && goal.hasEnded(service, first)) {
        progress.clear()
        if (options.output === 'json') writeJson(io, service)
        else io.stdout.write(goal.renderEnd(service))
        return
      }
      const left = (options.timeout ?? Infinity) - (io.clock.monotonic() - startedAt)
      if (left <= 0) {
        throw new CliExit(
          EXIT.timedOut,
          `${name} is still ${goal.describeOpen(service)} after the timeout; ${whatNext(service)}`,
          { phase: service.phase },
        )
      }
      const seen = service
      progress.show(() =>
        misses > 0
          ? `${name}  the gateway is gone, asked again every second`
          : goal.describeProgress(seen),
      )
      await io.sleep(Math.min(POLL_MS, left), stop.signal)
      if (stop.signal.aborted) throw new CliExit(EXIT.timedOut, `stopped waiting for ${name}`)
      try {
        service = (await client.service(name)).service
        misses = 0
      } catch (error) {
        misses += 1
        if (misses > MISSES || !isUnreachable(error)) throw error
      }
    }
  } finally {
    progress.clear()
    unsubscribe()
  }
}

function goalOf(service: ServiceJson, end: End): Goal {
  const { name, strategy } = service
  const isFixed = strategy === 'fixed'
  if (end === 'verdict') {
    if (isFixed) return waitForVerdict(service)
    throw new CliExit(
      EXIT.refused,
      `service "${name}" has a rollout, not a fixed split: \`--for\` promoted, rolled-back or paused`,
    )
  }
  if (isFixed) {
    throw new CliExit(
      EXIT.refused,
      `service "${name}" has no rollout to wait for; \`serin status ${name}\` shows what it has`,
    )
  }
  return {
    hasEnded: (seen, first) => hasEnded(seen, first, end),
    renderEnd,
    describeOpen: phaseOf,
    describeProgress,
  }
}

function renderEnd({ name, phase, pause, weights }: ServiceJson): string {
  const shares = renderWeights(weights)
  if (pause === null) return `${name}: ${phase}, ${shares}\n`
  const why = describePause(pause.by, pause.metric)
  return `${name}: paused ${why}, ${shares}; ${describePauseEnd(pause, name)}\n`
}

/** A pause of the steps that has a time goes on by itself. */
function waitsForSomebody({ pause }: ServiceJson): boolean {
  return pause !== null && pause.until === null
}

function whatNext(service: ServiceJson): string {
  const { name, pause } = service
  return pause !== null && waitsForSomebody(service)
    ? `it waits for somebody: ${describePauseEnd(pause, name)}`
    : `\`serin status ${name}\` says what is missing`
}

function describeProgress(service: ServiceJson): string {
  const { name, step, weights, etaSeconds, missing } = service
  const canary = weights['canary'] ?? 0
  return [
    `${name}  ${phaseOf(service)}`,
    ...(step === null || step.kind === null ? [] : [`step ${step.index + 1}/${step.of}`]),
    `${drawBar(canary / 100, 10)} ${formatWeight(canary)}`,
    etaSeconds === null ? (missing[0] ?? '') : `next step in about ${formatSeconds(etaSeconds)}`,
  ].join('  ')
}

/** Whether the awaited end is there; throws where there is another one. */
function hasEnded(service: ServiceJson, first: ServiceJson, wanted: RolloutEnd): boolean {
  if (service.rollout !== first.rollout) {
    throw new CliExit(
      EXIT.otherEnd,
      `${first.name}: another rollout began (${service.rollout ?? 'none'} instead of ${first.rollout})`,
      { phase: service.phase },
    )
  }
  if (wanted === 'paused' ? waitsForSomebody(service) : service.phase === wanted) return true
  if (service.phase !== 'promoted' && service.phase !== 'rolled-back') return false
  const summary = service.lastDecision === null ? '' : `: ${service.lastDecision.summary}`
  throw new CliExit(
    EXIT.otherEnd,
    `${service.name} is ${service.phase}${summary} (\`serin explain ${service.name}\` says why)`,
    { phase: service.phase },
  )
}

/** A gateway that has just started, and has not reached its store yet: what became of the rollout nobody knows there. */
function isUnread({ phase, strategy }: ServiceJson): boolean {
  return phase === null && strategy !== 'fixed'
}

function phaseOf({ phase }: ServiceJson): string {
  return phase ?? 'not read yet'
}

function isUnreachable(error: unknown): boolean {
  return error instanceof CliExit && error.exitCode === EXIT.unreachable
}

function parseTimeout(text: string): number {
  const ms = parseDuration(text)
  if (ms === null) throw new InvalidArgumentError('Write it as 90s, 30m or 2h.')
  return ms
}
