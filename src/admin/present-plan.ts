import type { Service } from '../domain/service.ts'
import { bpToPercent } from '../domain/units.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import type { StepForecast } from '../rollout/forecast.ts'
import type { Times } from '../rollout/racer.ts'
import { describeSuggestion, type ForecastWithAdvice } from '../rollout/suggestions.ts'
import type { PlanSchema, StepPlanSchema, TimesSchema } from './schema-plan.ts'
import type { Json } from './schema-value.ts'

/** Half, and four of five, of the rollouts have it within so many seconds; null = never. */
export type TimesJson = Json<typeof TimesSchema>

/** A forecast as the API shows it: weights in percent, other shares as fractions. */
export type PlanJson = Json<typeof PlanSchema>

/** One step of a forecast. */
export type StepPlanJson = Json<typeof StepPlanSchema>

/** Builds the JSON of `GET …/plan`. */
export function presentPlan(
  service: Service,
  { forecast, suggestions }: ForecastWithAdvice,
): PlanJson {
  const version = (name: string) => service.variants.find((v) => v.name === name)!.version
  return {
    service: service.name,
    versions: { baseline: version(BASELINE), canary: version(CANARY) },
    strategy: forecast.strategy,
    watchWeight: bpToPercent(forecast.watchBp),
    unit: forecast.unit,
    unitsPerSecond: forecast.unitsPerSecond,
    trafficFrom: forecast.trafficFrom,
    baseline: forecast.baseline,
    steps: forecast.steps.map(presentStep),
    pauseSeconds: forecast.pauseSeconds,
    approvals: forecast.approvals,
    ...presentTimes(forecast),
    maxDurationSeconds: forecast.maxDurationSeconds,
    fits: forecast.fits,
    suggestions: suggestions.map(describeSuggestion),
  }
}

function presentStep(step: StepForecast): StepPlanJson {
  return {
    index: step.index,
    weight: bpToPercent(step.weightBp),
    proves: step.proves,
    ...presentTimes(step),
    slowest: step.slowest,
    minimums: step.minimums.map(({ name, seconds }) => ({ name, seconds: toTenths(seconds) })),
    metrics: step.metrics.map(({ name, regression, see, margin, floor, prove }) => ({
      name,
      regression,
      see: presentTimes(see),
      margin,
      floor,
      prove: presentTimes(prove),
    })),
  }
}

/** Times as the API shows them: to tenths of a second; null = never. */
export function presentTimes({ p50Seconds, p80Seconds }: Times): TimesJson {
  return { p50Seconds: toTenths(p50Seconds), p80Seconds: toTenths(p80Seconds) }
}

function toTenths(seconds: number): number | null {
  return Number.isFinite(seconds) ? Math.round(seconds * 10) / 10 : null
}
