import type { Metric, Registry } from 'prom-client'
import { collectByService } from './collect-by-service.ts'
import type { ServiceSlice } from './service-slice.ts'

/** The series of a metric of one process at one moment, or some of them. */
export type MetricFamily = {
  readonly name: string
  /** Its lines `# HELP` and `# TYPE`. */
  readonly head: string
  readonly type: string
  readonly aggregator: string
  /** As they stand in an exposition: `serin_in_flight{service="a",variant="canary"}`. */
  readonly series: readonly string[]
  /** Their values, in that order. */
  readonly values: readonly number[]
}

/**
 * Every metric of one process at one moment, as plain data: text and numbers, which a pipe takes in a fraction of the
 * time that labels as objects would. A family may come in several pieces.
 */
export type MetricsSnapshot = readonly MetricFamily[]

/** Takes a snapshot of a registry. */
export function takeSnapshot(registry: Registry): Promise<MetricsSnapshot> {
  const names = registry.getMetricsAsArray().map(({ name }) => name)
  return Promise.all(names.map((name) => takeFamily(registry, name)))
}

/**
 * The same in parts, of a few services each and at last of the `rest`: neither to take them nor to send them holds
 * requests up. All of them in a row are the snapshot.
 */
export async function* takeInParts(
  byService: Registry,
  slice: ServiceSlice,
  rest: Registry,
): AsyncGenerator<MetricsSnapshot> {
  yield* collectByService(byService, slice, (name) => takeFamily(byService, name))
  yield takeSnapshot(rest)
}

async function takeFamily(registry: Registry, name: string): Promise<MetricFamily> {
  // Not waited for before it reads: a slice of services is in force until then.
  const reading = registry.getSingleMetricAsString(name)
  const { aggregator } = registry.getSingleMetric(name) as Metric<string> & {
    readonly aggregator?: string
  }
  const [help, type, ...lines] = (await reading).split('\n') as [string, string, ...string[]]
  const ends = lines.map((line) => line.lastIndexOf(' '))
  return {
    ...{ name, head: `${help}\n${type}`, type: type.slice(type.lastIndexOf(' ') + 1) },
    aggregator: aggregator ?? 'sum',
    series: lines.map((line, n) => line.slice(0, ends[n])),
    values: lines.map((line, n) => readValue(line.slice(ends[n]! + 1))),
  }
}

const INFINITIES: Readonly<Record<string, number>> = { '+Inf': Infinity, '-Inf': -Infinity }

/** The value of a sample as a number; what is none is NaN. */
function readValue(text: string): number {
  return INFINITIES[text] ?? Number(text)
}

/** A number as Prometheus reads it. */
export function writeValue(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
