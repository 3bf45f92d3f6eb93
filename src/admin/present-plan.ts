import type { Service } from '../domain/service.ts'
import { bpToPercent } from '../domain/units.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import type { Forecast, StepForecast, Times } from '../rollout/forecast.ts'
import { describeSuggestion, type ForecastWithAdvice } from '../rollout/suggestions.ts'

/** Half, and four of five, of the rollouts have it within so many seconds; null = never. */
export type TimesJson = { readonly p50Seconds: number | null; readonly p80Seconds: number | null }

/** A forecast as the API shows it: weights in percent, other shares as fractions. */
export type PlanJson = TimesJson & {
  readonly service: string
  readonly versions: { readonly baseline: string; readonly canary: string }
  readonly strategy: Forecast['strategy']
  /** The canary's weight in the watch. */
  readonly watchWeight: number
  readonly unit: Forecast['unit']
  readonly unitsPerSecond: number
  readonly trafficFrom: Forecast['trafficFrom']
  readonly baseline: Forecast['baseline']
  readonly steps: readonly StepPlanJson[]
  readonly pauseSeconds: number
  readonly approvals: number
  readonly maxDurationSeconds: number
  readonly fits: boolean
  /** Sentences; each is enough alone. Empty where it fits. */
  readonly suggestions: readonly string[]
}

export type StepPlanJson = TimesJson & {
  readonly index: number
  readonly weight: number
  readonly proves: boolean
  readonly slowest: string
  readonly minimums: readonly { readonly name: string; readonly seconds: number | null }[]
  readonly metrics: readonly MetricPlanJson[]
}

/** `see`: a canary that is worse by `regression`; `prove`: an equal one, within the margin. */
export type MetricPlanJson = {
  readonly name: string
  readonly regression: number
  readonly see: TimesJson
  readonly margin: number
  readonly floor: number
  readonly prove: TimesJson
}

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

function presentTimes({ p50Seconds, p80Seconds }: Times): TimesJson {
  return { p50Seconds: toTenths(p50Seconds), p80Seconds: toTenths(p80Seconds) }
}

function toTenths(seconds: number): number | null {
  return Number.isFinite(seconds) ? Math.round(seconds * 10) / 10 : null
}
