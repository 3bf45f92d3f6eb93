import { bpToPercent } from '../domain/units.ts'
import { BASELINE } from '../domain/variant.ts'
import { withComparedMetric, withWeights, type ExperimentPlan } from './experiment-plan.ts'
import {
  forecastExperiment,
  lastKnown,
  shareTraffic,
  type ComparisonForecast,
  type ExperimentForecast,
  type ExperimentTraffic,
} from './forecast-experiment.ts'
import { formatWeight } from './format.ts'
import type { MetricChange } from './metric-window.ts'
import {
  describeChange,
  leastThat,
  suggestChanges,
  type MetricSuggestion,
} from './suggest-change.ts'

/** A change of the configuration with which an experiment takes half as long, alone. */
export type ExperimentSuggestion =
  | MetricSuggestion
  /** Another weight of a challenger, whose gain is the baseline's loss. */
  | { readonly change: 'weight'; readonly variant: string; readonly weightBp: number }

/** A forecast with what to change for an experiment of half the time. */
export type ExperimentForecastWithAdvice = {
  readonly forecast: ExperimentForecast
  /** Each is computed, and enough alone. Of an experiment that never ends: with which it does. */
  readonly suggestions: readonly ExperimentSuggestion[]
}

/** A percent: weights are suggested in whole ones. */
const WEIGHT_STEP_BP = 100

/** Forecasts, and computes what to change; see `forecastExperiment`. */
export function forecastExperimentWithAdvice(
  plan: ExperimentPlan,
  traffic: ExperimentTraffic,
  regression: number | null,
): ExperimentForecastWithAdvice {
  const forecast = forecastExperiment(plan, traffic, regression)
  const slow = forecast.comparisons.reduce((a, b) => (b.p80Seconds > a.p80Seconds ? b : a))
  const shares = shareTraffic(plan, traffic)
  const halves = (changed: ExperimentPlan, among = shareTraffic(changed, traffic)) => {
    const seconds = lastKnown(changed, among)
    return Number.isFinite(seconds) && seconds <= slow.p80Seconds / 2
  }
  const helps = (metric: string, change: MetricChange) => {
    const comparisons = plan.comparisons.map((comparison) => ({
      ...comparison,
      plan: withComparedMetric(comparison.plan, metric, change),
    }))
    // What it does not change of the growths is known already.
    return halves({ ...plan, comparisons }, shares)
  }
  const compared = plan.comparisons.find(({ variant }) => variant === slow.variant)!
  const suggestions = [
    ...suggestWeight(plan, slow, halves),
    ...suggestChanges(compared.plan, slow, helps),
  ]
  return { forecast, suggestions }
}

function suggestWeight(
  plan: ExperimentPlan,
  { variant, weightBp }: ComparisonForecast,
  halves: (changed: ExperimentPlan) => boolean,
): readonly ExperimentSuggestion[] {
  const at = (step: number) => weightBp + step * WEIGHT_STEP_BP
  const moved = (step: number) => {
    const rest = plan.weightsBp[BASELINE]! - step * WEIGHT_STEP_BP
    return withWeights(plan, { ...plan.weightsBp, [BASELINE]: rest, [variant]: at(step) })
  }
  // Equal shares tell most.
  const most = Math.floor((plan.weightsBp[BASELINE]! - weightBp) / 2 / WEIGHT_STEP_BP)
  const least = leastThat(most, (step) => halves(moved(step)))
  return least === null ? [] : [{ change: 'weight', variant, weightBp: at(least) }]
}

/** A suggestion as a sentence that names the setting. */
export function describeExperimentSuggestion(suggestion: ExperimentSuggestion): string {
  if (suggestion.change !== 'weight') return describeChange(suggestion)
  const weight = formatWeight(bpToPercent(suggestion.weightBp))
  return `give ${suggestion.variant} a weight of ${weight}, at the cost of the baseline`
}
