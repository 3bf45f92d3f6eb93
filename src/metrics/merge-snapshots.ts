import {
  AggregatorRegistry,
  type Metric,
  type MetricObjectWithValues,
  type MetricValue,
  type Registry,
} from 'prom-client'
import { collectByService } from './collect-by-service.ts'
import type { ServiceSlice } from './service-slice.ts'

type MetricObject = Pick<
  MetricObjectWithValues<MetricValue<string>>,
  'name' | 'help' | 'type' | 'aggregator' | 'values'
>

/** A Prometheus exposition in text. */
export type Exposition = { readonly contentType: string; readonly body: string }

/** Every metric of one process at one moment, as plain data. */
export type MetricsSnapshot = readonly {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly aggregator: string
  readonly values: readonly MetricSample[]
}[]

type MetricSample = {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number>>
  readonly metricName?: string
}

/** Takes a snapshot of a registry. */
export async function takeSnapshot(registry: Registry): Promise<MetricsSnapshot> {
  return (await registry.getMetricsAsJSON()).map(toPlain)
}

/**
 * The same in parts, of a few services each and at last of the `rest`: neither to take them nor to send them holds
 * requests up. `joinSnapshots` makes one of them.
 */
export async function* takeInParts(
  byService: Registry,
  slice: ServiceSlice,
  rest: Registry,
): AsyncGenerator<MetricsSnapshot> {
  const take = async (name: string) =>
    toPlain(await (byService.getSingleMetric(name) as Metric<string>).get())
  yield* collectByService(byService, slice, take)
  yield takeSnapshot(rest)
}

/** The snapshot of one process whose parts these are. */
export function joinSnapshots(parts: readonly MetricsSnapshot[]): MetricsSnapshot {
  const families = new Map<string, MetricsSnapshot[number]>()
  const samples = new Map<string, MetricSample[]>()
  for (const family of parts.flat()) {
    const { name } = family
    if (!families.has(name)) samples.set(name, [])
    families.set(name, family)
    for (const sample of family.values) samples.get(name)!.push(sample)
  }
  return [...families.values()].map((family) => ({ ...family, values: samples.get(family.name)! }))
}

/** Field by field: a metric carries functions, too, which no pipe takes. */
function toPlain({ name, help, type, aggregator, values }: MetricObject): MetricsSnapshot[number] {
  return {
    ...{ name, help, aggregator: aggregator ?? 'sum' },
    values: values as readonly MetricSample[],
    // Of our own histograms this is a word, of prom-client's metrics too, whatever its types say.
    type: String(type),
  }
}

/**
 * Makes one snapshot of those of several processes, by what each metric says of itself: counters and
 * histograms add up. What the others only follow (`first`) is the `leading` process's alone.
 */
export async function mergeSnapshots(
  leading: MetricsSnapshot,
  others: readonly MetricsSnapshot[],
): Promise<MetricsSnapshot> {
  const added = others.map((each) => each.filter(({ aggregator }) => aggregator !== 'first'))
  return takeSnapshot(aggregate([leading, ...added]))
}

/** What is left of a process that has ended: what only ever grows, and must not seem to go back. */
export function keepTotals(snapshot: MetricsSnapshot): MetricsSnapshot {
  return snapshot.filter(({ type }) => type === 'counter' || type === 'histogram')
}

/**
 * Totals of `before` that began anew in `now`, the next snapshot of the same process, or that are not there any more: of a
 * histogram all samples of a series together.
 */
export function lostTotals(before: MetricsSnapshot, now: MetricsSnapshot): MetricsSnapshot {
  const byName = new Map(now.map((metric) => [metric.name, metric]))
  return keepTotals(before).flatMap((metric) => {
    const after = byName.get(metric.name)?.values ?? []
    const valueOf = new Map(after.map((sample) => [sampleKey(sample), sample.value]))
    const fallen = metric.values.filter((s) => (valueOf.get(sampleKey(s)) ?? 0) < s.value)
    if (fallen.length === 0) return []
    const series = new Set(fallen.map(seriesKey))
    return [{ ...metric, values: metric.values.filter((s) => series.has(seriesKey(s))) }]
  })
}

function sampleKey({ metricName, labels }: MetricSample): string {
  return JSON.stringify([metricName, labels])
}

function seriesKey({ labels }: MetricSample): string {
  return JSON.stringify({ ...labels, le: undefined })
}

/** Renders a snapshot as Prometheus reads it. */
export function renderSnapshot(snapshot: MetricsSnapshot): Promise<Exposition> {
  return renderRegistry(aggregate([snapshot]))
}

/** Renders a registry as Prometheus reads it. */
export async function renderRegistry(registry: Registry): Promise<Exposition> {
  return { contentType: registry.contentType, body: await registry.metrics() }
}

function aggregate(snapshots: readonly MetricsSnapshot[]): Registry {
  return AggregatorRegistry.aggregate([...snapshots])
}
