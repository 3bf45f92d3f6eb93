import { BASELINE_SIDE, CANARY_SIDE, type Side } from '../domain/cohort.ts'
import type { PairTimesShare } from '../domain/replica.ts'
import type { LatencyQuantile } from '../domain/rollout-spec.ts'
import type { MetricValue } from '../domain/verdict.ts'
import { LogHistogram, type LogHistogramJson } from '../statistics/histogram.ts'

/** Half-life of the times that the baseline's quantile is read from. */
const HALF_LIFE_MS = 600_000

/** Samples that a quantile is read from, at least: 4 / (1 − q). */
const QUANTILE_SAMPLES = 4

/** How long the two answers to one request took, in ms; null = there is none. */
export type TimesOfPair = { readonly liveMs: number | null; readonly copyMs: number | null }

/** Until when the times go that are asked for: the head of the answer, or the first byte of its body. */
export type UntilInPair = Pick<LatencyQuantile, 'until'>

/** The times that are asked for; null = they were not taken. */
export function timesOf(
  fate: TimesOfPair & { readonly firstBytes?: TimesOfPair },
  { until }: UntilInPair,
): TimesOfPair | null {
  return until === undefined ? fate : (fate.firstBytes ?? null)
}

/** How long both sides of the pairs of mirror steps took to answer: the baseline lately, and both in the step. */
export class PairTimes {
  readonly #baseline = new LogHistogram()
  #fadedAt: number
  #step = -1
  #inStep: readonly [baseline: LogHistogram, canary: LogHistogram] = newSides()

  constructor(now: number) {
    this.#fadedAt = now
  }

  /** Pairs of this step come from now on; old times of the baseline fade. */
  turn(step: number, now: number): void {
    this.#baseline.scale(0.5 ** (Math.max(0, now - this.#fadedAt) / HALF_LIFE_MS))
    this.#fadedAt = now
    if (step !== this.#step) this.#inStep = newSides()
    this.#step = step
  }

  /** Adds a pair of this step; one of an earlier step is the baseline's alone. */
  add(step: number, { liveMs, copyMs }: TimesOfPair): void {
    if (liveMs !== null) this.#baseline.add(liveMs)
    if (step !== this.#step) return
    if (liveMs !== null) this.#inStep[BASELINE_SIDE].add(liveMs)
    if (copyMs !== null) this.#inStep[CANARY_SIDE].add(copyMs)
  }

  /**
   * The q-quantile of the baseline's times so far, here and in the shares of others, in ms; null = of fewer than
   * 4 / (1 − q).
   */
  baselineQuantile(q: number, others: readonly PairTimesShare[] = []): number | null {
    const times = merged(
      this.#baseline,
      others.map(({ baseline }) => baseline),
    )
    return times.count >= QUANTILE_SAMPLES / (1 - q) ? times.quantile(q) : null
  }

  /** The q-quantile of a side's times in a step, here and in the shares of others, in ms. */
  inStep(step: number, side: Side, q: number, others: readonly PairTimesShare[] = []): MetricValue {
    const own = step === this.#step ? this.#inStep[side] : new LogHistogram()
    const times = merged(
      own,
      others.map(({ inStep }) => inStep[side]),
    )
    return { value: times.quantile(q), n: times.count }
  }

  /** All of it, for whoever judges the pairs of several replicas. */
  share(segment: string | null): PairTimesShare {
    const [baseline, canary] = this.#inStep
    return {
      segment,
      baseline: this.#baseline.toJSON(),
      inStep: [baseline.toJSON(), canary.toJSON()],
    }
  }
}

function merged(own: LogHistogram, others: readonly LogHistogramJson[]): LogHistogram {
  if (others.length === 0) return own
  const all = own.copy()
  for (const each of others) all.merge(LogHistogram.from(each))
  return all
}

function newSides(): readonly [LogHistogram, LogHistogram] {
  return [new LogHistogram(), new LogHistogram()]
}
