import { parseDuration, parsePercent } from '../domain/units.ts'
import type { Checker } from './checker.ts'
import type { ConfigPath } from './problem.ts'
import type { RawMetric } from './schema-metric.ts'

/** Keys that mean something with `method: threshold` alone. */
const COUNTERS = [
  'count',
  'failureLimit',
  'inconclusiveLimit',
  'consecutiveErrorLimit',
  'consecutiveSuccessLimit',
] as const

/** Shortest time between two measurements or questions. */
const SHORTEST = '1s'

/** Checks how a metric is measured: the counters of the threshold method, and its interval. */
export function checkThreshold(checker: Checker, path: ConfigPath, metric: RawMetric): void {
  if (metric.interval !== undefined && parseDuration(metric.interval)! < parseDuration(SHORTEST)!)
    checker.problem(
      [...path, 'interval'],
      `found ${metric.interval}, allowed is at least ${SHORTEST}`,
    )
  if (metric.method !== 'threshold') {
    const isAsked = metric.kind === 'prometheus' || metric.kind === 'http'
    for (const key of [...COUNTERS, ...(isAsked ? [] : (['interval'] as const))])
      if (metric[key] !== undefined)
        checker.problem([...path, key], 'has no meaning without method: threshold')
    return
  }
  if (metric.kind === 'drift' || metric.kind === 'disagreement') {
    const why =
      metric.kind === 'drift'
        ? 'a drift has no value that could be counted'
        : 'the disagreement of pairs is tested, pair by pair'
    checker.problem([...path, 'method'], `found threshold: ${why}`)
    return
  }
  checkCounters(checker, path, metric)
  if ('sensitivity' in metric)
    checker.problem(
      [...path, 'sensitivity'],
      'has no meaning with method: threshold, which proves nothing',
    )
  const change = changeOf(metric)
  if (change !== undefined && isZero(metric, change))
    checker.warn(
      [...path, change],
      'is 0: an equal canary fails about every second measurement of the threshold method by chance',
    )
}

function checkCounters(checker: Checker, path: ConfigPath, metric: RawMetric): void {
  const { count, failureLimit, consecutiveSuccessLimit: inRow } = metric
  if (failureLimit === -1 && inRow === undefined)
    checker.problem(
      [...path, 'failureLimit'],
      'found -1: no measurement could fail the metric; without it, consecutiveSuccessLimit decides',
    )
  if (count !== undefined && inRow !== undefined && inRow > count)
    checker.problem(
      [...path, 'consecutiveSuccessLimit'],
      `found ${inRow}, which count: ${count} never reaches`,
    )
}

function changeOf(metric: RawMetric): 'maxIncrease' | 'maxDecrease' | undefined {
  if ('maxIncrease' in metric) return 'maxIncrease'
  return 'maxDecrease' in metric ? 'maxDecrease' : undefined
}

// The error rate has its floor.
function isZero(metric: RawMetric, key: 'maxIncrease' | 'maxDecrease'): boolean {
  const change = (metric as Record<string, unknown>)[key]
  return metric.kind !== 'error-rate' && (change === 0 || parsePercent(String(change)) === 0)
}
