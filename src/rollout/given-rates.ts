import { suggest } from '../domain/nearest.ts'
import type { MeanMetric, MetricSpec } from '../domain/rollout-spec.ts'

/** Shares of the baseline that somebody knows better than what is assumed: in (0, 1), by the name of their metric. */
export type GivenRates = ReadonlyMap<string, number>

/** Kinds that a share is assumed of: of units with an event, of one event per other, of right answers; a mean where events bring it. */
const RATED: readonly MetricSpec['kind'][] = ['conversion', 'sum', 'mean', 'ratio', 'accuracy']

/** Whether a share is assumed of a metric, so that another can be given. */
export function isRated(metric: MetricSpec): boolean {
  return RATED.includes(metric.kind) && (metric.kind !== 'mean' || isOfEvent(metric))
}

/** Whether the numbers of a mean come with an event, which not every unit has. */
export function isOfEvent({ from }: Pick<MeanMetric, 'from'>): boolean {
  return from.in === 'event'
}

/** Names the first rate that is given of a metric without one, and those that have one; null = all can be used. */
export function describeStrayRate(
  rates: GivenRates,
  metrics: readonly MetricSpec[],
): string | null {
  const names = metrics.filter(isRated).map(({ name }) => name)
  const stray = [...rates.keys()].find((name) => !names.includes(name))
  if (stray === undefined) return null
  const known = names.length === 0 ? 'there are none' : `there are: ${names.join(', ')}`
  return `${stray} is no metric of kind ${RATED.map(describeRated).join(', ')} (${known})${suggest(stray, names)}`
}

function describeRated(kind: MetricSpec['kind']): string {
  return kind === 'mean' ? 'mean (of an event)' : kind
}
