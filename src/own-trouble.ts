import type { Logger } from 'pino'
import type { Clock } from './domain/clock.ts'
import type { GatewayCounters } from './metrics/register-gateway.ts'
import { repeatInBackground, type Repeat } from './proxy/limit-connections.ts'
import type { ServedCertificate } from './proxy/served-certificate.ts'
import { formatCount, formatTimeSpan } from './rollout/format.ts'

/** How often the machine's clock is looked at. */
const LOOK_MS = 1000

/** A clock that is put right by less is nobody's trouble. */
const LEAP_MS = 5000

/** A connection was closed so lately that more are to be expected. */
const LATELY_MS = 10_000

/** What is wrong with a gateway itself, whatever service is looked at. */
export type OwnTrouble = {
  /** A sentence each; empty = nothing. */
  readonly describe: () => readonly string[]
  /** The same counters, whose connections that are closed at once are told of. */
  readonly counting: <C extends GatewayCounters>(counters: C) => C
  readonly close: () => void
}

/**
 * Keeps what `describe` tells of: a certificate that clients refuse, connections that are closed for want of files, and a
 * machine's clock that was set back, behind `steady`. The log hears of each leap of that clock, by 5 s or more.
 */
export function createOwnTrouble(
  deps: {
    readonly clock: Clock
    readonly steady: Pick<Clock, 'now'>
    readonly log: Pick<Logger, 'warn'>
    /** Of the data port; null = it has none. */
    readonly certificate: Pick<ServedCertificate, 'describe'> | null
  },
  repeat: Repeat = repeatInBackground,
): OwnTrouble {
  const { clock, steady, log, certificate } = deps
  const drops = { count: 0, lastAt: -Infinity }
  const noteDropped = () => {
    const now = clock.monotonic()
    if (now - drops.lastAt >= LATELY_MS) drops.count = 0
    drops.count++
    drops.lastAt = now
  }
  const describeDrops = () =>
    clock.monotonic() - drops.lastAt < LATELY_MS
      ? `connections of clients are closed at once (${formatCount(drops.count)} so far): too many are open for the limit of files`
      : null
  const describeClock = () => {
    const aheadMs = steady.now() - clock.now()
    return aheadMs < LEAP_MS
      ? null
      : `the clock of this machine was set back: times of serin are ${formatTimeSpan(aheadMs)} ahead of it, and intervals, windows and pauses take twice as long until it has caught up`
  }
  let apart = clock.now() - clock.monotonic()
  const close = repeat(() => {
    const now = clock.now() - clock.monotonic()
    const leapMs = now - apart
    apart = now
    const seconds = Math.round(Math.abs(leapMs) / 1000)
    if (leapMs <= -LEAP_MS) log.warn({ seconds }, 'the clock of this machine was set back')
    if (leapMs >= LEAP_MS)
      log.warn({ seconds }, 'the clock of this machine was set forward, or the machine slept')
  }, LOOK_MS)
  return {
    describe: () =>
      [certificate?.describe() ?? null, describeDrops(), describeClock()].filter(
        (each) => each !== null,
      ),
    counting: (counters) => ({
      ...counters,
      countDropped: () => {
        noteDropped()
        counters.countDropped()
      },
    }),
    close,
  }
}
