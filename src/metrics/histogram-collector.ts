import type { MetricObject, MetricObjectWithValues, MetricValue, Registry } from 'prom-client'
import type { DurationBuckets } from './duration-buckets.ts'

/** One labelled histogram as the recorder keeps it. */
export type HistogramSeries = {
  readonly labels: Readonly<Record<string, string>>
  readonly buckets: DurationBuckets
}

/**
 * Registers a Prometheus histogram whose counts are kept elsewhere and read at the scrape: a request
 * pays for an array increment, not for the library's label hashing.
 */
export function registerHistogram(
  registry: Registry,
  name: string,
  help: string,
  series: () => Iterable<HistogramSeries>,
  labelNames: readonly string[] = ['service', 'variant'],
): void {
  const describe: MetricObject & { readonly labelNames: readonly string[] } = {
    name,
    help,
    labelNames,
    type: 'histogram' as never,
    aggregator: 'sum',
    collect: () => {},
  }
  const get = (): Promise<MetricObjectWithValues<MetricValue<string>>> =>
    Promise.resolve({ ...describe, values: [...series()].flatMap((s) => valuesOf(name, s)) })
  // prom-client asks of a metric only a name and `get`.
  registry.registerMetric({ ...describe, get } as never)
}

function valuesOf(name: string, { labels, buckets }: HistogramSeries): MetricValue<string>[] {
  const { buckets: counts, sumSeconds, count } = buckets.cumulative()
  const value = (suffix: string, value: number, extra: Readonly<Record<string, string>> = {}) =>
    ({
      metricName: `${name}_${suffix}`,
      value,
      labels: { ...extra, ...labels },
    }) as MetricValue<string>
  return [
    ...counts.map((bucket) => value('bucket', bucket.count, { le: bucket.le })),
    value('sum', sumSeconds),
    value('count', count),
  ]
}
