import type { CohortTerms, Side } from '../domain/cohort.ts'
import {
  isLabelTest,
  type PairCohort,
  type PairCounts,
  type PairTally,
  type PairTest,
} from '../domain/pairs.ts'
import type { PairFigures, PairTimesShare } from '../domain/replica.ts'
import type { LatencyQuantile } from '../domain/rollout-spec.ts'
import type { MetricValue } from '../domain/verdict.ts'
import { isCounted } from '../rollout/fold-pairs.ts'
import { emptyPairTally } from '../rollout/pair-tally.ts'
import { bookFate } from './pair-event.ts'
import { PairTimes, timesOf, type TimesOfPair, type UntilInPair } from './pair-times.ts'

/** What became of the two answers to one request. */
export type PairFate = {
  readonly liveFailed: boolean
  readonly copyFailed: boolean
  /** Null: they could not be compared. */
  readonly disagreed: boolean | null
  /** From sending the request to the head of its answer, in ms; null = it has no answer. */
  readonly liveMs: number | null
  readonly copyMs: number | null
  /** The same to the first byte of its body; absent where nobody asks. */
  readonly firstBytes?: TimesOfPair
  /** What both predict; null = nobody can say it of both: it was not looked for, or an answer was not read. */
  readonly predictions: BothPredictions | null
}

/** The numbers that the two answers of a pair predict; null = an answer has none, as one that failed. */
export type BothPredictions = readonly [live: number | null, copy: number | null]

/** A copy that is evidence, from its sending until the fates of both answers are known. */
export type PairTicket = {
  readonly interval: OpenInterval
  /** Null where the service has none. */
  readonly segment: string | null
  /** Both fates are known, or nobody's. */
  done: boolean
  /** What the canary predicts, once it is done; null = its answer has no number. Undefined: nobody can say. */
  copyPrediction: number | null | undefined
  /** Is called once it is done; null = nobody waits for it. */
  onDone: (() => void) | null
}

/** Times that are kept: of all pairs (null), or of a segment whose latencies are compared apart. */
type Timed = {
  readonly segment: string | null
  readonly asked: UntilInPair
  /** Null: no pair has been evidence yet. */
  times: PairTimes | null
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
  readonly #timed: readonly Timed[]
  #intervals: OpenInterval[] = []
  #open: OpenInterval | null = null

  /** `tests`: all of the plan's; labels are booked elsewhere. `timesFirstBytes`: a metric asks for those. */
  constructor(tests: readonly PairTest[], timesFirstBytes = false) {
    this.#tests = tests.filter((test) => !isCounted(test) && !isLabelTest(test))
    const until = (asked: UntilInPair): readonly Timed[] => {
      const apart = tests.flatMap(({ asks, segment = null }) =>
        asks.of === 'latency' && asks.until === asked.until ? [segment] : [],
      )
      return Array.from(new Set([null, ...apart]), (segment) => ({ segment, asked, times: null }))
    }
    this.#timed = [...until({}), ...(timesFirstBytes ? until({ until: 'first-byte' }) : [])]
  }

  /** Copies that leave from now on belong to a new interval; null = they are no evidence. */
  turn(opening: PairOpening | null, now: number): void {
    if (this.#open !== null) this.#open.closedAt = now
    this.#open = null
    if (opening === null) return
    for (const timed of this.#timed) {
      timed.times ??= new PairTimes(now)
      timed.times.turn(opening.step, now)
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
   * A quantile of the baseline's times so far, in ms, of all pairs or a segment's, here and at the others; null =
   * too few of them.
   */
  baselineQuantile(
    asked: LatencyQuantile,
    segment: string | null,
    others: readonly PairFigures[] = [],
  ): number | null {
    const times = this.#timesOf(asked, segment)
    return times?.baselineQuantile(asked.quantile, sharesOf(others, asked, segment)) ?? null
  }

  /** A quantile of a side's times in a step, in ms, of all pairs or a segment's, here and at the others. */
  stepQuantile(
    step: number,
    side: Side,
    asked: LatencyQuantile,
    segment: string | null,
    others: readonly PairFigures[] = [],
  ): MetricValue {
    const shares = sharesOf(
      others.filter((each) => each.step === step),
      asked,
      segment,
    )
    const times = this.#timesOf(asked, segment)
    return times?.inStep(step, side, asked.quantile, shares) ?? { value: null, n: 0 }
  }

  /** The times of all pairs and of each segment whose latencies are compared apart. */
  shareTimes(): Pick<PairFigures, 'times' | 'firstBytes'> {
    const of = (until: UntilInPair['until']) =>
      this.#timed.flatMap(({ asked, segment, times }) =>
        asked.until === until && times !== null ? [times.share(segment)] : [],
      )
    const firstBytes = of('first-byte')
    return { times: of(undefined), ...(firstBytes.length === 0 ? undefined : { firstBytes }) }
  }

  /** Books a pair into its interval. */
  book(interval: OpenInterval, fate: PairFate, segment: string | null): void {
    countPair(interval.counts, fate)
    for (const { segment: of, asked, times } of this.#timed) {
      const found = of === null || of === segment ? timesOf(fate, asked) : null
      if (found !== null) times!.add(interval.step, found)
    }
    for (const test of this.#tests) {
      if (test.segment !== undefined && test.segment !== segment) continue
      const tally = interval.tallies[test.id]!
      if (tally.kind === 'event') bookFate(tally, test, interval.terms, fate)
    }
  }

  #timesOf({ until }: UntilInPair, segment: string | null): PairTimes | null {
    const isIt = (each: Timed) => each.asked.until === until && each.segment === segment
    return this.#timed.find(isIt)?.times ?? null
  }
}

/** Both fates are known; null = one of them is nobody's: the client left, or serin ends. Counts once. */
export function endPair(ticket: PairTicket, fate: PairFate | null): void {
  if (ticket.done) return
  ticket.done = true
  ticket.interval.waiting--
  if (fate !== null) {
    ticket.copyPrediction = fate.predictions?.[1]
    ticket.interval.ledger.book(ticket.interval, fate, ticket.segment)
  }
  ticket.onDone?.()
}

function sharesOf(
  others: readonly PairFigures[],
  { until }: UntilInPair,
  segment: string | null,
): readonly PairTimesShare[] {
  return others.flatMap(({ times, firstBytes = [] }) =>
    (until === undefined ? times : firstBytes).filter((each) => each.segment === segment),
  )
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
