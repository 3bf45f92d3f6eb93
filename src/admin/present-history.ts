import { bpToPercent } from '../domain/units.ts'
import { CANARY } from '../domain/variant.ts'
import type { Column, MetricColumns, TrafficColumns } from '../metrics/history-columns.ts'
import type { AttemptHistory } from '../metrics/rollout-history.ts'
import type { HistorySchema, MetricHistorySchema, TrafficHistorySchema } from './schema-history.ts'
import type { Json } from './schema-value.ts'

/** How an attempt went as the API shows it. */
export type HistoryJson = Json<typeof HistorySchema>

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

function presentTraffic(columns: TrafficColumns): Json<typeof TrafficHistorySchema> {
  const { requests, errors, p95Ms } = columns
  return {
    requests: presentColumn(requests),
    errors: presentColumn(errors),
    p95Ms: presentColumn(p95Ms),
  }
}

function presentColumns(name: string, columns: MetricColumns): Json<typeof MetricHistorySchema> {
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
function presentColumn(column: Column): readonly (number | null)[] {
  return Array.from(column, (value) =>
    Number.isFinite(value)
      ? Number.isInteger(value)
        ? value
        : Number(value.toPrecision(6))
      : null,
  )
}
