import { MOST_MEASURED } from '../domain/measurable.ts'
import { analysisOf, type Service } from '../domain/service.ts'
import { isProviderMetric, type MetricSpec } from '../domain/rollout-spec.ts'
import { formatCount, formatNumber, formatPercent, formatTimeSpan } from '../rollout/format.ts'
import { HIGHEST_MS } from '../statistics/histogram.ts'
import type { ConfigPath, Finding } from './problem.ts'

/** Limits, margins and tolerances of a service that nothing is ever beyond, so that they say nothing of a variant. */
export function lintLimits(service: Service): readonly Finding[] {
  const { name, rollout, mirrors } = service
  const at = ['services', name]
  const tolerances: [ConfigPath, number][] = []
  for (const [i, step] of (rollout?.steps ?? []).entries())
    if (step.kind === 'mirror')
      tolerances.push([[...at, 'rollout', 'steps', i, 'tolerance'], step.tolerance])
  for (const [i, { tolerance }] of mirrors.entries())
    tolerances.push([[...at, 'mirror', i, 'tolerance'], tolerance])
  const metrics = analysisOf(service)?.metrics ?? []
  return [
    ...tolerances
      .filter(([, tolerance]) => tolerance >= 1)
      .map(([path, tolerance]) => ({
        path,
        message: `is a fraction of the larger prediction, and any two of one sign agree within ${tolerance}; such as 0.01`,
      })),
    ...metrics.flatMap((metric) => lintMetric([...at, 'analysis', 'metrics', metric.name], metric)),
  ]
}

/** Of a metric that others measure nobody knows here what it can be. */
function lintMetric(path: ConfigPath, metric: MetricSpec): readonly Finding[] {
  const { kind, max, min, maxChange, better } = metric
  const findings: Finding[] = []
  const add = (key: string, message: string) => findings.push({ path: [...path, key], message })
  if (!isProviderMetric(metric)) {
    const most = largestOf(metric)
    if (max !== null && max >= most.value)
      add('max', `is never reached: ${most.why}; such as ${most.such}`)
    if (min !== null && min <= 0 && isNeverNegative(kind))
      add('min', `is always kept: ${metric.name} (${kind}) is never below 0; a limit is above`)
  }
  if (maxChange !== null && maxChange > MOST_CHANGE)
    add(
      better === 'lower' ? 'maxIncrease' : 'maxDecrease',
      `allows ${formatNumber(maxChange + 1)} times what the baseline has: whatever a canary does is no harm; such as 5%`,
    )
  if ('floor' in metric && metric.floor >= MOST_FLOOR)
    add(
      'floor',
      `allows a canary ${formatPercent(metric.floor)} of all more than the baseline has: whatever it does is proved to be no worse; such as 0.1%`,
    )
  if (kind === 'latency' && metric.quantile > MOST_QUANTILE)
    add(
      'quantile',
      `is about the slowest of ${formatCount(Math.round(1 / (1 - metric.quantile)))} requests: so few tell nothing in a rollout; such as 0.99`,
    )
  return findings
}

/** As a fraction of the baseline: beyond it a margin is a slip of its unit. */
const MOST_CHANGE = 100

/** An absolute rise of half of all requests. */
const MOST_FLOOR = 0.5

/** Beyond it a quantile is about less than one of 10,000 requests. */
const MOST_QUANTILE = 0.9999

type Largest = { readonly value: number; readonly why: string; readonly such: string }

function largestOf({ kind }: MetricSpec): Largest {
  switch (kind) {
    case 'error-rate':
    case 'conversion':
    case 'disagreement':
      return { value: 1, why: 'no share is above 100 %', such: '5%' }
    case 'latency': {
      const why = `what takes longer than ${formatTimeSpan(HIGHEST_MS)} counts as that`
      return { value: HIGHEST_MS, why, such: '500ms' }
    }
    default: {
      const why = `no label, number or prediction is taken beyond ${MOST_MEASURED}`
      return { value: MOST_MEASURED, why, such: 'a limit in the unit of the metric' }
    }
  }
}

function isNeverNegative(kind: MetricSpec['kind']): boolean {
  return kind === 'accuracy' || kind === 'conversion' || kind === 'mean' || kind === 'ratio'
}
