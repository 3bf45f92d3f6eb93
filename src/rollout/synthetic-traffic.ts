import type { CohortTerms, Pair } from '../domain/cohort.ts'
import type { Draw } from '../statistics/sampling.ts'
import type { GivenShares } from './segment-share.ts'
import { EVENT_RATE } from './traffic.ts'

/** Made-up traffic: what each side of a comparison is like. */
export type SyntheticTraffic = {
  readonly requestsPerSecond: number
  /** Shares of requests that fail, by side. */
  readonly failures: Readonly<Pair>
  /** Canary over baseline of the latency at every quantile. */
  readonly latencyRatio: number
  /**
   * A metric's value by side, by its name: shares as fractions. Of errors against labels, totals and numbers only
   * the two's ratio counts. Metrics that are missing here are the same on both sides.
   */
  readonly values: Readonly<Record<string, Readonly<Pair>>>
  /** Shares of units that have the event of a `sum`, or of a `mean` of events, by its name; the same on both sides. */
  readonly eventRates: Readonly<Record<string, number>>
  /** Shares of the segments, by name; of the others see `shareOfSegment`. */
  readonly segmentShares?: GivenShares
}

/** What a cohort's counts and values are drawn from. */
export type DrawnUnits = {
  readonly traffic: SyntheticTraffic
  readonly units: Readonly<Pair>
  readonly failures: Readonly<Pair>
  readonly terms: CohortTerms
  readonly draw: Draw
}

/** The share of the baseline's answers that are right, where none is given. */
export const ACCURACY = 0.9

/** The share of the baseline's units that have the event of a metric of a name: as given, else as assumed. */
export function syntheticEventRate({ eventRates }: SyntheticTraffic, metric: string): number {
  return eventRates[metric] ?? EVENT_RATE
}
