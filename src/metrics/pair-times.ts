import { BASELINE_SIDE, CANARY_SIDE, type Side } from '../domain/cohort.ts'
import type { MetricValue } from '../domain/verdict.ts'
import { LogHistogram } from '../statistics/histogram.ts'

/** Half-life of the times that the baseline's quantile is read from. */
const HALF_LIFE_MS = 600_000

/** Samples that a quantile is read from, at least: 4 / (1 − q). */
const QUANTILE_SAMPLES = 4

/** How long the two answers to one request took, in ms; null = there is none. */
export type TimesOfPair = { readonly liveMs: number | null; readonly copyMs: number | null }

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

  /** The q-quantile of the baseline's times so far, in ms; null = of fewer than 4 / (1 − q). */
  baselineQuantile(q: number): number | null {
    const isKnown = this.#baseline.count >= QUANTILE_SAMPLES / (1 - q)
    return isKnown ? this.#baseline.quantile(q) : null
  }

  /** The q-quantile of a side's times in a step, in ms. */
  inStep(step: number, side: Side, q: number): MetricValue {
    if (step !== this.#step) return { value: null, n: 0 }
    const times = this.#inStep[side]
    return { value: times.quantile(q), n: times.count }
  }
}

function newSides(): readonly [LogHistogram, LogHistogram] {
  return [new LogHistogram(), new LogHistogram()]
}
