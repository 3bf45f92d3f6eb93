import {
  forecastExperimentWithAdvice,
  type ExperimentForecastWithAdvice,
} from '../rollout/experiment-advice.ts'
import type { ExperimentPlan } from '../rollout/experiment-plan.ts'
import { forecastWithAdvice, type ForecastWithAdvice } from '../rollout/suggestions.ts'
import {
  readExperimentTraffic,
  readTraffic,
  type ComparisonInput,
  type GivenTraffic,
  type TrafficInput,
} from './read-traffic.ts'

/** What the forecast of a running experiment is made from. */
export type ExperimentReading = {
  readonly plan: ExperimentPlan
  readonly inputs: readonly ComparisonInput[]
}

/** Forecasts a rollout with what is observed of it; `lately` as in `readTraffic`. Null: there is no traffic, given or seen. */
export function forecastRunning(
  input: TrafficInput,
  lately: number | null,
  given: GivenTraffic,
  regression: number | null,
): ForecastWithAdvice | null {
  const traffic = readTraffic(input, given, lately)
  return traffic === null ? null : forecastWithAdvice(input.plan, traffic, regression)
}

/** The same of an experiment; null also where nothing is compared. */
export function forecastRunningExperiment(
  { plan, inputs }: ExperimentReading,
  given: GivenTraffic,
  regression: number | null,
): ExperimentForecastWithAdvice | null {
  const traffic = readExperimentTraffic(inputs, given)
  return traffic === null ? null : forecastExperimentWithAdvice(plan, traffic, regression)
}
