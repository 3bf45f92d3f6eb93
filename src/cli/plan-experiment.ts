import { presentTimes, type TimesJson } from '../admin/present-plan.ts'
import type { Config } from '../config/config.ts'
import type { Service } from '../domain/service.ts'
import { bpToPercent } from '../domain/units.ts'
import { BASELINE } from '../domain/variant.ts'
import { buildExperimentPlan } from '../rollout/experiment-plan.ts'
import type { BaselineForecast } from '../rollout/forecast.ts'
import {
  forecastExperiment,
  type ChallengedMetric,
  type ComparisonForecast,
} from '../rollout/forecast-experiment.ts'
import { givenTraffic, type GivenTraffic } from './given-traffic.ts'

/** What `serin plan -o json` prints of an experiment: weights in percent, other shares as fractions. */
export type ExperimentPlanJson = {
  readonly service: string
  readonly baselineVersion: string
  readonly unit: 'request' | 'key'
  readonly unitsPerSecond: number
  readonly trafficFrom: 'given' | 'observed'
  readonly baseline: readonly BaselineForecast[]
  readonly comparisons: readonly ComparisonPlanJson[]
}

/** One challenger: how long until nothing is unknown of it, were it as good as the baseline, and each metric. */
export type ComparisonPlanJson = TimesJson & {
  readonly variant: string
  readonly version: string
  readonly weight: number
  readonly slowest: string
  readonly metrics: readonly ChallengedMetricJson[]
}

/** One metric of a challenger. `better: null` = being better is not asked of it. */
export type ChallengedMetricJson = {
  readonly name: string
  readonly regression: number
  readonly see: TimesJson
  readonly margin: number
  readonly floor: number
  readonly prove: TimesJson
  readonly improvement: number
  readonly better: TimesJson | null
}

/** What the planner says of a service's experiment, of the configuration alone; the service has to have one. */
export function planExperiment(
  config: Pick<Config, 'hash'>,
  service: Service,
  given: GivenTraffic,
): ExperimentPlanJson {
  const plan = buildExperimentPlan(service, config.hash)!
  const found = forecastExperiment(plan, givenTraffic(given), given.regression ?? null)
  return {
    service: service.name,
    baselineVersion: plan.versions[BASELINE]!,
    unit: found.unit,
    unitsPerSecond: found.unitsPerSecond,
    trafficFrom: found.trafficFrom,
    baseline: found.baseline,
    comparisons: found.comparisons.map(presentComparison),
  }
}

function presentComparison(comparison: ComparisonForecast): ComparisonPlanJson {
  const { variant, version, weightBp, slowest, metrics } = comparison
  return {
    ...{ variant, version, weight: bpToPercent(weightBp) },
    ...presentTimes(comparison),
    slowest,
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
