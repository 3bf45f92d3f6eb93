import type { CohortTerms, Side } from '../domain/cohort.ts'
import {
  isLabelTest,
  type PairCohort,
  type PairCounts,
  type PairTally,
  type PairTest,
} from '../domain/pairs.ts'
import type { PairFigures, PairTimesShare } from '../domain/replica.ts'
import type { MetricValue } from '../domain/verdict.ts'
import { isCounted } from '../rollout/fold-pairs.ts'
import { emptyPairTally } from '../rollout/pair-tally.ts'
import { bookFate } from './pair-event.ts'
import { PairTimes } from './pair-times.ts'

/** What became of the two answers to one request. */
export type PairFate = {
  readonly liveFailed: boolean
  readonly copyFailed: boolean
  /** Null: they could not be compared. */
  readonly disagreed: boolean | null
  /** From sending the request to the head of its answer, in ms; null = it has no answer. */
  readonly liveMs: number | null
  readonly copyMs: number | null
  /** The number that the canary predicts; null = its answer has none. Undefined: nobody can say. */
  readonly copyPrediction: number | null | undefined
}

/** A copy that is evidence, from its sending until the fates of both answers are known. */
export type PairTicket = {
  readonly interval: OpenInterval
  /** Null where the service has none. */
  readonly segment: string | null
  /** Both fates are known, or nobody's. */
  done: boolean
  /** Once it is done; see PairFate. */
  copyPrediction: number | null | undefined
  /** Is called once it is done; null = nobody waits for it. */
  onDone: (() => void) | null
}

type Counts = { -readonly [K in keyof PairCounts]: PairCounts[K] }

/** What an interval of copies is opened with. */
export type PairOpening = {
  /** That of its mirrored cohort. */
  readonly number: number
  readonly step: number
  readonly terms: CohortTerms
}

type OpenInterval = PairOpening & {
  readonly ledger: PairLedger
  readonly counts: Counts
  readonly tallies: Readonly<Record<string, PairTally>>
  waiting: number
  closedAt: number | null
}

/** Pairs of an interval, all of whose fates are known. */
export type SettledPairs = PairCohort & Pick<PairOpening, 'number'>

/** Later than this after its interval nothing is waited for: what is still on its way is left out. */
export const PAIR_WINDOW_MS = 120_000

/**
 * The pairs of one attempt's mirror steps by the interval in which the copy left. An interval is given out
 * when all of its pairs are known, and never before an earlier one: whatever is known first would be the
 * answers of the side that is faster, or fails faster.
 */
export class PairLedger {
  readonly #tests: readonly PairTest[]
  readonly #timed: ReadonlySet<string | null>
  #intervals: OpenInterval[] = []
  #open: OpenInterval | null = null
  /** Of all pairs (null), and of the segments whose latencies are compared apart. */
  readonly #times = new Map<string | null, PairTimes>()

  /** `tests`: all of the plan's; labels are booked elsewhere. */
  constructor(tests: readonly PairTest[]) {
    this.#tests = tests.filter((test) => !isCounted(test) && !isLabelTest(test))
    const apart = tests.flatMap(({ asks, segment = null }) =>
      asks.of === 'latency' ? [segment] : [],
    )
    this.#timed = new Set([null, ...apart])
  }

  /** Copies that leave from now on belong to a new interval; null = they are no evidence. */
  turn(opening: PairOpening | null, now: number): void {
    if (this.#open !== null) this.#open.closedAt = now
    this.#open = null
    if (opening === null) return
    for (const segment of this.#timed) {
      const times = this.#times.get(segment) ?? new PairTimes(now)
      this.#times.set(segment, times)
      times.turn(opening.step, now)
    }
    this.#open = {
      ...opening,
      ledger: this,
      counts: noCounts(),
      tallies: Object.fromEntries(this.#tests.map((test) => [test.id, emptyPairTally(test)])),
      waiting: 0,
      closedAt: null,
    }
    this.#intervals.push(this.#open)
  }

  /** A copy leaves; null = it is no evidence. */
  begin(segment: string | null): PairTicket | null {
    if (this.#open === null) return null
    this.#open.waiting++
    const rest = { done: false, copyPrediction: undefined, onDone: null }
    return { interval: this.#open, segment, ...rest }
  }

  /** No interval is open, and none waits to be given out. */
  get isEmpty(): boolean {
    return this.#intervals.length === 0
  }

  /** A copy has left in the open interval. */
  get isUsed(): boolean {
    return this.#open !== null && this.#open.waiting + this.#open.counts.pairs > 0
  }

  /** The intervals that are complete, strictly in order; each is given once. */
  settle(now: number): readonly SettledPairs[] {
    const isSettled = ({ waiting, closedAt }: OpenInterval) =>
      closedAt !== null && (waiting === 0 || now >= closedAt + PAIR_WINDOW_MS)
    const next = this.#intervals.findIndex((interval) => !isSettled(interval))
    const settled = this.#intervals.splice(0, next === -1 ? this.#intervals.length : next)
    // What comes later has no place any more: its interval is nobody's.
    return settled.map(({ number, step, counts, tallies }) => ({
      ...{ number, step, counts: { ...counts } },
      ...(this.#tests.length === 0 ? undefined : { tallies: structuredClone(tallies) }),
    }))
  }

  /**
   * The q-quantile of the baseline's times so far, in ms, of all pairs or a segment's, here and at the others; null =
   * too few of them.
   */
  baselineQuantile(
    q: number,
    segment: string | null,
    others: readonly PairFigures[] = [],
  ): number | null {
    return this.#times.get(segment)?.baselineQuantile(q, timesOf(others, segment)) ?? null
  }

  /** The q-quantile of a side's times in a step, in ms, of all pairs or a segment's, here and at the others. */
  stepQuantile(
    step: number,
    side: Side,
    q: number,
    segment: string | null,
    others: readonly PairFigures[] = [],
  ): MetricValue {
    const inStep = others.filter((each) => each.step === step)
    const times = this.#times.get(segment)
    return times?.inStep(step, side, q, timesOf(inStep, segment)) ?? { value: null, n: 0 }
  }

  /** The times of all pairs and of each segment whose latencies are compared apart. */
  shareTimes(): readonly PairTimesShare[] {
    return Array.from(this.#times, ([segment, times]) => times.share(segment))
  }

  /** Books a pair into its interval. */
  book(interval: OpenInterval, fate: PairFate, segment: string | null): void {
    countPair(interval.counts, fate)
    for (const of of this.#timed)
      if (of === null || of === segment) this.#times.get(of)!.add(interval.step, fate)
    for (const test of this.#tests) {
      if (test.segment !== undefined && test.segment !== segment) continue
      const tally = interval.tallies[test.id]!
      if (tally.kind === 'event') bookFate(tally, test, interval.terms, fate)
    }
  }
}

/** Both fates are known; null = one of them is nobody's: the client left, or serin ends. Counts once. */
export function endPair(ticket: PairTicket, fate: PairFate | null): void {
  if (ticket.done) return
  ticket.done = true
  ticket.interval.waiting--
  if (fate !== null) {
    ticket.copyPrediction = fate.copyPrediction
    ticket.interval.ledger.book(ticket.interval, fate, ticket.segment)
  }
  ticket.onDone?.()
}

function timesOf(
  others: readonly PairFigures[],
  segment: string | null,
): readonly PairTimesShare[] {
  return others.flatMap(({ times }) => times.filter((each) => each.segment === segment))
}

function countPair(
  counts: Counts,
  { liveFailed, copyFailed, disagreed }: Pick<PairFate, 'liveFailed' | 'copyFailed' | 'disagreed'>,
): void {
  counts.pairs++
  if (liveFailed && copyFailed) counts.bothFailed++
  else if (copyFailed) counts.canaryFailed++
  else if (liveFailed) counts.baselineFailed++
  if (disagreed === null) return
  counts.compared++
  if (disagreed) counts.disagreed++
}

function noCounts(): Counts {
  return { pairs: 0, canaryFailed: 0, baselineFailed: 0, bothFailed: 0, compared: 0, disagreed: 0 }
}
