import { bpToPercent } from '../domain/units.ts'
import { CANARY } from '../domain/variant.ts'
import type { Column, MetricColumns, TrafficColumns } from '../metrics/history-columns.ts'
import type { AttemptHistory } from '../metrics/rollout-history.ts'

/** A number for each moment; null = not known then, or without bound. */
export type ColumnJson = readonly (number | null)[]

/** How an attempt went as the API shows it: every column is as long as `at`, the oldest first. */
export type HistoryJson = {
  readonly service: string
  /** Names the attempt; null = nothing was noted since the process began. */
  readonly rollout: string | null
  readonly at: readonly string[]
  /** In percent, by variant. */
  readonly weights: Readonly<Record<string, ColumnJson>>
  /** By variant. */
  readonly variants: Readonly<Record<string, TrafficHistoryJson>>
  readonly metrics: readonly MetricHistoryJson[]
}

/** Counters since the process began; latencies in ms. */
export type TrafficHistoryJson = {
  readonly requests: ColumnJson
  readonly errors: ColumnJson
  readonly p95Ms: ColumnJson
}

/** One metric over time: values, the ratio with its interval, and the evidence beside its two thresholds. */
export type MetricHistoryJson = {
  readonly name: string
  readonly baseline: ColumnJson
  readonly canary: ColumnJson
  readonly ratio: {
    readonly estimate: ColumnJson
    readonly lower: ColumnJson
    readonly upper: ColumnJson
  }
  readonly harm: EvidenceHistoryJson
  readonly nonInferiority: EvidenceHistoryJson
}

/** Natural logarithms; `threshold` is the one that decides now, null = nothing is asked. */
export type EvidenceHistoryJson = { readonly log: ColumnJson; readonly threshold: number | null }

/** Builds the JSON of `GET …/history`. */
export function presentHistory(service: string, history: AttemptHistory | null): HistoryJson {
  if (history === null) {
    return { service, rollout: null, at: [], weights: {}, variants: {}, metrics: [] }
  }
  return {
    service,
    rollout: history.rollout,
    at: Array.from(history.at, (ms) => new Date(ms).toISOString()),
    weights: { [CANARY]: Array.from(history.weightBp, bpToPercent) },
    variants: Object.fromEntries(
      [...history.traffic].map(([name, c]) => [name, presentTraffic(c)]),
    ),
    metrics: [...history.metrics].map(([name, columns]) => presentColumns(name, columns)),
  }
}

function presentTraffic(columns: TrafficColumns): TrafficHistoryJson {
  const { requests, errors, p95Ms } = columns
  return {
    requests: presentColumn(requests),
    errors: presentColumn(errors),
    p95Ms: presentColumn(p95Ms),
  }
}

function presentColumns(name: string, columns: MetricColumns): MetricHistoryJson {
  const { baseline, canary, estimate, lower, upper, harm, nonInferiority } = columns
  return {
    name,
    baseline: presentColumn(baseline),
    canary: presentColumn(canary),
    ratio: {
      estimate: presentColumn(estimate),
      lower: presentColumn(lower),
      upper: presentColumn(upper),
    },
    harm: { log: presentColumn(harm), threshold: columns.harmThreshold },
    nonInferiority: {
      log: presentColumn(nonInferiority),
      threshold: columns.nonInferiorityThreshold,
    },
  }
}

// Six digits are more than a picture shows; a float of 32 bits has no more.
function presentColumn(column: Column): ColumnJson {
  return Array.from(column, (value) =>
    Number.isFinite(value)
      ? Number.isInteger(value)
        ? value
        : Number(value.toPrecision(6))
      : null,
  )
}
