import type { MetricSpec } from '../domain/rollout-spec.ts'
import { formatDuration } from '../domain/units.ts'
import { formatPercent } from './format.ts'
import type { Longest } from './longest.ts'
import { CAPPED, windowChange, type MetricChange, type MetricWindow } from './metric-window.ts'
import type { RolloutPlan } from './plan.ts'

/** A change of one metric with which something takes as long as it may, alone. */
export type MetricSuggestion =
  /** `value` is a fraction: the least that helps, in steps of half a percent (of 0.1 % for a floor). */
  | {
      readonly change: 'maxIncrease' | 'maxDecrease' | 'sensitivity' | 'floor'
      readonly metric: string
      readonly value: number
    }
  /** The longest window that helps. */
  | { readonly change: 'window'; readonly window: MetricWindow }
  /** A cap that need not be learnt from values that are not judged. */
  | { readonly change: 'cap'; readonly metric: string }
  /** The metric is shown and decides nothing any more. */
  | { readonly change: 'report'; readonly metric: string }

const MARGIN_STEP = 0.005
const MOST_MARGIN_STEPS = 199
const FLOOR_STEP = 0.001
const MOST_FLOOR_STEPS = 100

/** Whether a change of a metric is enough. */
type Helps = (metric: string, change: MetricChange) => boolean

/** Which changes of the metric that takes longest would help, each alone; `slowest` may be the name of what no metric is. */
export function suggestChanges(
  plan: Pick<RolloutPlan, 'metrics' | 'hypotheses'>,
  slow: Omit<Longest, 'slowest'> & { readonly slowest: string | null },
  helps: Helps,
): readonly MetricSuggestion[] {
  return [
    ...suggestWindow(slow.slowestWindow, helps),
    ...suggestCap(slow.slowestCap, helps),
    ...suggestMetric(plan, slow, helps),
  ]
}

function suggestWindow(window: MetricWindow | null, helps: Helps): readonly MetricSuggestion[] {
  if (window === null) return []
  // Whole hours, minutes or seconds, the largest of which there are several.
  const unit = window.ms > 7_200_000 ? 3_600_000 : window.ms > 120_000 ? 60_000 : 1000
  const whole = Math.ceil(window.ms / unit)
  const at = (step: number) => (whole - step) * unit
  const least = leastThat(whole - 1, (step) => helps(window.metric, windowChange(window, at(step))))
  if (least === null || at(least) <= window.above) return []
  return [{ change: 'window', window: { ...window, ms: at(least) } }]
}

function suggestCap(metric: string | null, helps: Helps): readonly MetricSuggestion[] {
  return metric !== null && helps(metric, CAPPED) ? [{ change: 'cap', metric }] : []
}

function suggestMetric(
  plan: Pick<RolloutPlan, 'metrics' | 'hypotheses'>,
  { slowest, slowestWindow, slowestCap }: Parameters<typeof suggestChanges>[1],
  helps: Helps,
): readonly MetricSuggestion[] {
  const name =
    slowestWindow?.metric ?? slowestCap ?? plan.hypotheses.find((h) => h.id === slowest)?.metric
  const metric = plan.metrics.find((m) => m.name === name)
  if (metric === undefined) return []
  const changed = (change: Partial<MetricSpec>) => helps(metric.name, change)
  // What is beside a metric (share above the cap) has a margin of its own, which nobody configures.
  const field = metric.maxChange! > 0 ? 'maxChange' : 'sensitivity'
  const changeKey = metric.better === 'lower' ? 'maxIncrease' : 'maxDecrease'
  const key = field === 'maxChange' ? changeKey : field
  const margin = leastThat(MOST_MARGIN_STEPS, (step) => {
    const value = valueOf(step, MARGIN_STEP)
    return value > metric[field]! && changed({ [field]: value })
  })
  const floor =
    metric.kind !== 'error-rate'
      ? null
      : leastThat(MOST_FLOOR_STEPS, (step) => {
          const value = valueOf(step, FLOOR_STEP)
          return value > metric.floor && changed({ floor: value })
        })
  return [
    ...(margin === null
      ? []
      : [{ change: key, metric: metric.name, value: valueOf(margin, MARGIN_STEP) } as const]),
    ...(floor === null
      ? []
      : [{ change: 'floor', metric: metric.name, value: valueOf(floor, FLOOR_STEP) } as const]),
    ...(changed({ mode: 'report' }) ? [{ change: 'report', metric: metric.name } as const] : []),
  ]
}

/** The least whole number from 1 to `most` at which something holds, once it does for good; null = none. */
export function leastThat(most: number, holds: (step: number) => boolean): number | null {
  if (most < 1 || !holds(most)) return null
  let [below, above] = [0, most]
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2)
    if (holds(middle)) above = middle
    else below = middle
  }
  return above
}

// 3 × 0.001 is 0.003, not 0.003000…: what is suggested is written into a file.
function valueOf(step: number, size: number): number {
  return Math.round(step * size * 1e6) / 1e6
}

/** A suggestion as a sentence that names the setting. */
export function describeChange(suggestion: MetricSuggestion): string {
  switch (suggestion.change) {
    case 'window': {
      const { key, metric, ms } = suggestion.window
      return `shorten ${key} of ${metric} to ${formatDuration(ms)}`
    }
    case 'cap':
      return `set the cap of ${suggestion.metric}, which is learnt from values that are not judged`
    case 'report':
      return `let ${suggestion.metric} only report (mode: report)`
    default:
      return `widen ${suggestion.change} of ${suggestion.metric} to ${formatPercent(suggestion.value)}`
  }
}
