import type { HistoryJson } from '../../present-history.ts'
import type { ServiceJson } from '../../present.ts'

/** A service at one moment: what charts are drawn from. */
export type Moment = {
  /** Seconds since the epoch. */
  readonly at: number
  readonly traffic: Readonly<Record<string, TrafficMoment>>
  /** By the metric's name. */
  readonly metrics: Readonly<Record<string, MetricMoment>>
}

/** A variant's counters and latency; null = not known. */
export type TrafficMoment = {
  readonly requests: number | null
  readonly errors: number | null
  readonly p95Ms: number | null
}

/** A metric's values, ratio and evidence; null = not known, or without bound. */
export type MetricMoment = {
  readonly baseline: number | null
  readonly canary: number | null
  readonly estimate: number | null
  readonly lower: number | null
  readonly upper: number | null
  readonly harm: number | null
  readonly proof: number | null
}

/** So many moments are drawn; when there are more, the older half is thinned. */
const MOST = 600

/** The moments that the gateway kept. */
export function readHistory({ at, variants, metrics }: HistoryJson): readonly Moment[] {
  return at.map((iso, i) => ({
    at: Date.parse(iso) / 1000,
    traffic: mapValues(variants, (columns) => ({
      requests: columns.requests[i] ?? null,
      errors: columns.errors[i] ?? null,
      p95Ms: columns.p95Ms[i] ?? null,
    })),
    metrics: Object.fromEntries(
      metrics.map((metric): [string, MetricMoment] => [
        metric.name,
        {
          baseline: metric.baseline[i] ?? null,
          canary: metric.canary[i] ?? null,
          estimate: metric.ratio.estimate[i] ?? null,
          lower: metric.ratio.lower[i] ?? null,
          upper: metric.ratio.upper[i] ?? null,
          harm: metric.harm.log[i] ?? null,
          proof: metric.nonInferiority.log[i] ?? null,
        },
      ]),
    ),
  }))
}

/** What a service looks like at this moment (milliseconds since the epoch). */
export function momentOf(service: ServiceJson, now: number): Moment {
  return {
    at: now / 1000,
    traffic: service.variants,
    metrics: Object.fromEntries(
      service.metrics.map(({ name, baseline, canary, ratio, evidence }): [string, MetricMoment] => [
        name,
        {
          baseline: baseline.value,
          canary: canary.value,
          estimate: ratio?.estimate ?? null,
          lower: ratio?.lower ?? null,
          upper: ratio?.upper ?? null,
          harm: evidence.harm?.log ?? null,
          proof: evidence.nonInferiority?.log ?? null,
        },
      ]),
    ),
  }
}

/** The moments with one more, thinned where there are too many. */
export function addMoment(moments: readonly Moment[], moment: Moment): readonly Moment[] {
  const last = moments.at(-1)
  if (last !== undefined && moment.at <= last.at) return moments
  const all = [...moments, moment]
  if (all.length <= MOST) return all
  const half = all.length / 2
  return all.filter((_, i) => i >= half || i % 2 === 0)
}

/**
 * The moments that a rate at the i-th one is taken between: `over` moments apart, or as far as there are any. At
 * the beginning it is the first such span.
 */
export function spanAt(
  moments: readonly Moment[],
  i: number,
  over: number,
): readonly [before: Moment, now: Moment] {
  const end = Math.max(i, Math.min(over, moments.length - 1))
  return [moments[Math.max(0, end - over)]!, moments[end]!]
}

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  map: (value: T) => U,
): Readonly<Record<string, U>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))
}
