import type { StepSpec } from '../domain/rollout-spec.ts'
import { bpToPercent } from '../domain/units.ts'
import { forecast, type Forecast, type StepForecast } from './forecast.ts'
import { formatTimeSpan, formatWeight } from './format.ts'
import { withMetric, type MetricChange } from './metric-window.ts'
import type { RolloutPlan } from './plan.ts'
import {
  describeChange,
  leastThat,
  suggestChanges,
  type MetricSuggestion,
} from './suggest-change.ts'
import type { Traffic } from './traffic.ts'

/** A change of the configuration with which a rollout fits into `maxDuration`, alone. */
export type Suggestion =
  | MetricSuggestion
  /** Another weight of step `index`. */
  | { readonly change: 'weight'; readonly index: number; readonly weightBp: number }
  /** Four of five rollouts are through within so many seconds. */
  | { readonly change: 'maxDuration'; readonly seconds: number }

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
  const helps = (metric: string, change: MetricChange) => fits(withMetric(plan, metric, change))
  const slow = found.steps.reduce((a, b) => (b.p80Seconds > a.p80Seconds ? b : a))
  const seconds = found.p80Seconds - found.pauseSeconds
  return [
    ...suggestWeight(plan, slow, fits),
    ...suggestChanges(plan, slow, helps),
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
    case 'maxDuration':
      return `allow a maxDuration of ${formatTimeSpan(suggestion.seconds * 1000)}`
    default:
      return describeChange(suggestion)
  }
}
