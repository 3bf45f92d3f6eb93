import { suggest } from '../domain/nearest.ts'
import type { MetricSpec } from '../domain/rollout-spec.ts'

/** Shares of the baseline that somebody knows better than what is assumed: in (0, 1), by the name of their metric. */
export type GivenRates = ReadonlyMap<string, number>

/** Kinds that a share is assumed of: of units with an event, of one event per other, of right answers. */
const RATED: readonly MetricSpec['kind'][] = ['conversion', 'sum', 'ratio', 'accuracy']

/** Names the first rate that is given of a metric without one, and those that have one; null = all can be used. */
export function describeStrayRate(
  rates: GivenRates,
  metrics: readonly MetricSpec[],
): string | null {
  const names = metrics.filter(({ kind }) => RATED.includes(kind)).map(({ name }) => name)
  const stray = [...rates.keys()].find((name) => !names.includes(name))
  if (stray === undefined) return null
  const known = names.length === 0 ? 'there are none' : `there are: ${names.join(', ')}`
  return `${stray} is no metric of kind ${RATED.join(', ')} (${known})${suggest(stray, names)}`
}
