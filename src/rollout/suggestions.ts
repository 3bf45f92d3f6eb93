import type { MetricSpec, StepSpec } from '../domain/rollout-spec.ts'
import { bpToPercent, formatDuration } from '../domain/units.ts'
import { forecast, type Forecast, type StepForecast } from './forecast.ts'
import { formatPercent, formatTimeSpan, formatWeight } from './format.ts'
import { withCap } from './longest.ts'
import { withMetric, withWindow, type MetricWindow } from './metric-window.ts'
import type { RolloutPlan } from './plan.ts'
import type { Traffic } from './traffic.ts'

/** A change of the configuration with which a rollout fits into `maxDuration`, alone. */
export type Suggestion =
  /** Another weight of step `index`. */
  | { readonly change: 'weight'; readonly index: number; readonly weightBp: number }
  /** `value` is a fraction: the least that fits, in steps of half a percent (of 0.1 % for a floor). */
  | {
      readonly change: 'maxIncrease' | 'maxDecrease' | 'sensitivity' | 'floor'
      readonly metric: string
      readonly value: number
    }
  /** The longest window that fits. */
  | { readonly change: 'window'; readonly window: MetricWindow }
  /** A cap that need not be learnt from values that are not judged. */
  | { readonly change: 'cap'; readonly metric: string }
  /** The metric is shown and decides nothing any more. */
  | { readonly change: 'report'; readonly metric: string }
  /** Four of five rollouts are through within so many seconds. */
  | { readonly change: 'maxDuration'; readonly seconds: number }

const MARGIN_STEP = 0.005
const MOST_MARGIN_STEPS = 199
const FLOOR_STEP = 0.001
const MOST_FLOOR_STEPS = 100

/** A percent: weights are suggested in whole ones. */
const WEIGHT_STEP_BP = 100
/** Equal shares tell most; more for the canary tells less again. */
const BEST_WEIGHT_BP = 5000

/** A forecast with what to change where the rollout does not fit. */
export type ForecastWithAdvice = {
  readonly forecast: Forecast
  readonly suggestions: readonly Suggestion[]
}

/** Forecasts, and computes what to change; see `forecast` and `suggest`. */
export function forecastWithAdvice(
  plan: RolloutPlan,
  traffic: Traffic,
  regression: number | null,
): ForecastWithAdvice {
  const found = forecast(plan, traffic, regression)
  return { forecast: found, suggestions: suggest(plan, traffic, found) }
}

/** What would make a rollout fit that does not; each is computed, and enough alone. Empty where it fits. */
function suggest(plan: RolloutPlan, traffic: Traffic, found: Forecast): readonly Suggestion[] {
  if (found.fits) return []
  const fits = (changed: RolloutPlan) => forecast(changed, traffic).fits
  const slow = found.steps.reduce((a, b) => (b.p80Seconds > a.p80Seconds ? b : a))
  const seconds = found.p80Seconds - found.pauseSeconds
  return [
    ...suggestWeight(plan, slow, fits),
    ...suggestWindow(plan, slow, fits),
    ...suggestCap(plan, slow, fits),
    ...suggestMetric(plan, slow, fits),
    ...(Number.isFinite(seconds)
      ? [{ change: 'maxDuration', seconds: roundUp(seconds) } as const]
      : []),
  ]
}

// To what is written with two units at most, since a duration that is cut would not fit.
function roundUp(seconds: number): number {
  const unit = seconds > 86_400 ? 3600 : 60
  return Math.ceil(seconds / unit) * unit
}

type Fits = (changed: RolloutPlan) => boolean

function suggestWeight(
  plan: RolloutPlan,
  { index, weightBp }: StepForecast,
  fits: Fits,
): readonly Suggestion[] {
  // Nobody sees a mirror: a larger share of it is no risk, and its minimum says what it takes.
  if (weightBp === 0) return []
  const next = plan.steps.slice(index + 1).find((step) => step.kind === 'weight')!
  const most = Math.min(BEST_WEIGHT_BP, next.weightBp - WEIGHT_STEP_BP)
  const at = (step: number) => weightBp + step * WEIGHT_STEP_BP
  const least = leastThat(Math.floor((most - weightBp) / WEIGHT_STEP_BP), (step) =>
    fits(withWeight(plan, index, at(step))),
  )
  return least === null ? [] : [{ change: 'weight', index, weightBp: at(least) }]
}

function suggestWindow(
  plan: RolloutPlan,
  { slowestWindow: window }: StepForecast,
  fits: Fits,
): readonly Suggestion[] {
  if (window === null) return []
  // Whole hours, minutes or seconds, the largest of which there are several.
  const unit = window.ms > 7_200_000 ? 3_600_000 : window.ms > 120_000 ? 60_000 : 1000
  const whole = Math.ceil(window.ms / unit)
  const at = (step: number) => (whole - step) * unit
  const least = leastThat(whole - 1, (step) => fits(withWindow(plan, window, at(step))))
  return least === null ? [] : [{ change: 'window', window: { ...window, ms: at(least) } }]
}

function suggestCap(
  plan: RolloutPlan,
  { slowestCap: metric }: StepForecast,
  fits: Fits,
): readonly Suggestion[] {
  return metric !== null && fits(withCap(plan, metric)) ? [{ change: 'cap', metric }] : []
}

function suggestMetric(
  plan: RolloutPlan,
  { slowest, slowestWindow, slowestCap }: StepForecast,
  fits: Fits,
): readonly Suggestion[] {
  const name =
    slowestWindow?.metric ?? slowestCap ?? plan.hypotheses.find((h) => h.id === slowest)?.metric
  const metric = plan.metrics.find((m) => m.name === name)
  if (metric === undefined) return []
  const changed = (change: Partial<MetricSpec>) => fits(withMetric(plan, metric.name, change))
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
function leastThat(most: number, holds: (step: number) => boolean): number | null {
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

function withWeight(plan: RolloutPlan, index: number, weightBp: number): RolloutPlan {
  const steps = plan.steps.map((step, i): StepSpec =>
    i === index && step.kind === 'weight' ? { ...step, weightBp } : step,
  )
  return { ...plan, steps }
}

/** A suggestion as a sentence that names the setting. */
export function describeSuggestion(suggestion: Suggestion): string {
  switch (suggestion.change) {
    case 'weight':
      return `raise the weight of step ${suggestion.index + 1} to ${formatWeight(bpToPercent(suggestion.weightBp))}`
    case 'window': {
      const { key, metric, ms } = suggestion.window
      return `shorten ${key} of ${metric} to ${formatDuration(ms)}`
    }
    case 'cap':
      return `set the cap of ${suggestion.metric}, which is learnt from values that are not judged`
    case 'report':
      return `let ${suggestion.metric} only report (mode: report)`
    case 'maxDuration':
      return `allow a maxDuration of ${formatTimeSpan(suggestion.seconds * 1000)}`
    default:
      return `widen ${suggestion.change} of ${suggestion.metric} to ${formatPercent(suggestion.value)}`
  }
}
