import type { Service } from '../domain/service.ts'
import { bpToPercent } from '../domain/units.ts'
import { BASELINE } from '../domain/variant.ts'
import {
  describeExperimentSuggestion,
  type ExperimentForecastWithAdvice,
} from '../rollout/experiment-advice.ts'
import type { ChallengedMetric, ComparisonForecast } from '../rollout/forecast-experiment.ts'
import { presentTimes } from './present-plan.ts'
import type {
  ChallengedMetricSchema,
  ComparisonPlanSchema,
  ExperimentPlanSchema,
} from './schema-experiment-plan.ts'
import type { Json } from './schema-value.ts'

/** The forecast of an experiment as the API shows it: weights in percent, other shares as fractions. */
export type ExperimentPlanJson = Json<typeof ExperimentPlanSchema>

/** One challenger: how long until nothing is unknown of it, were it as good as the baseline, and each metric. */
export type ComparisonPlanJson = Json<typeof ComparisonPlanSchema>

/** One metric of a challenger. `better: null` = being better is not asked of it. */
export type ChallengedMetricJson = Json<typeof ChallengedMetricSchema>

/** Builds the JSON of `GET …/plan` of an experiment. */
export function presentExperimentPlan(
  service: Service,
  { forecast, suggestions }: ExperimentForecastWithAdvice,
): ExperimentPlanJson {
  const { unit, unitsPerSecond, trafficFrom, baseline, comparisons } = forecast
  return {
    service: service.name,
    strategy: 'fixed',
    baselineVersion: service.variants.find(({ name }) => name === BASELINE)!.version,
    ...{ unit, unitsPerSecond, trafficFrom, baseline },
    comparisons: comparisons.map(presentComparison),
    suggestions: suggestions.map(describeExperimentSuggestion),
  }
}

function presentComparison(comparison: ComparisonForecast): ComparisonPlanJson {
  const { variant, version, weightBp, slowest, metrics } = comparison
  return {
    ...presentTimes(comparison),
    ...{ variant, version, weight: bpToPercent(weightBp), slowest },
    metrics: metrics.map(presentMetric),
  }
}

function presentMetric(metric: ChallengedMetric): ChallengedMetricJson {
  const { name, regression, see, margin, floor, prove, improvement, better } = metric
  return {
    ...{ name, regression, see: presentTimes(see) },
    ...{ margin, floor, prove: presentTimes(prove) },
    ...{ improvement, better: better === null ? null : presentTimes(better) },
  }
}
