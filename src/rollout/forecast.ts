import type { Hypothesis } from '../domain/hypothesis.ts'
import type { MirrorStepSpec, Strategy } from '../domain/rollout-spec.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { longestOf, type Longest } from './longest.ts'
import { withMetric } from './metric-window.ts'
import { provingStep, watchWeight, type RolloutPlan } from './plan.ts'
import {
  forecastMetric,
  lastOf,
  proofSeconds,
  proofsOf,
  racerOf,
  timesOf,
  type MetricForecast,
  type RacePlace,
  type Racer,
  type Times,
} from './racer.ts'
import { minimumsOf, mirrorMinimumsOf, type Minimum } from './step-minimums.ts'
import { baselineValue, type BaselineValue, type Traffic } from './traffic.ts'

/** How long a rollout of an equal canary takes, and how soon a worse one is seen. Of blue-green: no steps, and the pauses alone. */
export type Forecast = Times & {
  readonly strategy: Strategy
  /** The canary's weight in the watch, in basis points. */
  readonly watchBp: number
  readonly unit: 'request' | 'key'
  readonly unitsPerSecond: number
  readonly trafficFrom: Traffic['from']
  /** Of the mirrors, and of the weights below 100 %. */
  readonly steps: readonly StepForecast[]
  /** Timed pauses, which are in the times of the whole, and approvals, which are not. */
  readonly pauseSeconds: number
  readonly approvals: number
  readonly maxDurationSeconds: number
  /** Four of five are through within `maxDuration`, which does not run in pauses. */
  readonly fits: boolean
  readonly baseline: readonly BaselineForecast[]
}

/** How long one step takes, with what it asks for. */
export type StepForecast = Times &
  Longest & {
    /** Among all steps, from 0. */
    readonly index: number
    /** 0 = a mirror: pairs of answers are judged by evidence of their own, and no metric is forecast. */
    readonly weightBp: number
    /** It is left only with the proof that the canary is no worse. */
    readonly proves: boolean
    readonly minimums: readonly Minimum[]
    readonly metrics: readonly MetricForecast[]
  }

/** What the forecast takes the baseline to be. */
export type BaselineForecast = { readonly name: string } & BaselineValue

/**
 * Forecasts the rollout of `plan` from its beginning under steady traffic. The canary is equal to the
 * baseline, but for what is to be seen. Metrics are taken to be independent: the proving step is left
 * when the last of them is proved. `regression`: the change for the worse to be seen, as a fraction of
 * the baseline; null = a doubling of failures, and twice the margin of any other metric.
 */
export function forecast(
  plan: RolloutPlan,
  traffic: Traffic,
  regression: number | null = null,
): Forecast {
  const { spec, steps, keyed } = plan
  const proving = provingStep(steps)
  const required = provedOf(plan)
  const found: StepForecast[] = []
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'mirror') found.push(forecastMirror(plan, traffic, step, index))
    if (step.kind !== 'weight' || step.weightBp === WHOLE_BP) continue
    // What was mirrored is no evidence of live steps, which begin with a warm-up of their own.
    const earlier = found.filter((s) => s.weightBp > 0)
    const sinceStart = earlier.reduce((sum, s) => sum + s.p50Seconds, 0)
    const place = { step, index, sinceStart, earlier, proves: index === proving }
    found.push(forecastStep(plan, traffic, required, place, regression))
  }
  const sum = (of: (times: Times) => number) => found.reduce((all, step) => all + of(step), 0)
  const [p50, p80] = [sum((s) => s.p50Seconds), sum((s) => s.p80Seconds)]
  const pauses = steps.filter((step) => step.kind === 'pause')
  const pauseSeconds = pauses.reduce((all, pause) => all + (pause.durationMs ?? 0), 0) / 1000
  return {
    strategy: spec.strategy,
    watchBp: watchWeight(plan),
    unit: keyed ? 'key' : 'request',
    unitsPerSecond: traffic.unitsPerSecond,
    trafficFrom: traffic.from,
    steps: found,
    pauseSeconds,
    approvals: pauses.filter((pause) => pause.durationMs === null).length,
    p50Seconds: p50 + pauseSeconds,
    p80Seconds: p80 + pauseSeconds,
    maxDurationSeconds: spec.maxDurationMs / 1000,
    fits: p80 <= spec.maxDurationMs / 1000,
    baseline: describeBaseline(required, traffic),
  }
}

/** The hypotheses of a plan that have to be proved. */
export function provedOf({ hypotheses }: RolloutPlan): readonly Hypothesis[] {
  return hypotheses.filter((h) => h.required && h.proof !== null)
}

/** What the baseline is taken to be on each of these. */
export function describeBaseline(
  required: readonly Hypothesis[],
  traffic: Traffic,
): readonly BaselineForecast[] {
  return required.map((h) => ({ name: h.id, ...baselineValue(h, traffic) }))
}

type Place = RacePlace & { readonly index: number; readonly proves: boolean }

function forecastStep(
  plan: RolloutPlan,
  traffic: Traffic,
  required: readonly Hypothesis[],
  place: Place,
  regression: number | null,
): StepForecast {
  const { step, index, earlier, proves } = place
  const minimums = minimumsOf(plan, step, traffic, place.sinceStart)
  const least = Math.max(...minimums.map(({ seconds }) => seconds))
  let racers: readonly Racer[] | null = null
  let metrics: readonly MetricForecast[] | null = null
  let longest: Longest | null = null
  const race = () => (racers ??= required.map((h) => racerOf(plan, traffic, h, place)))
  const findLongest = (of: readonly MetricForecast[]): Longest => {
    const proofs = proofsOf(required, of)
    const needed = proves ? [...minimums, ...proofs] : minimums
    const secondsOf = (changed: RolloutPlan, name: string) => {
      const least = minimumsOf(changed, step, traffic, place.sinceStart)
      const found = least.find((minimum) => minimum.name === name)
      return found?.seconds ?? proofSeconds(changed, traffic, name, place)
    }
    return longestOf(plan, needed, secondsOf, withMetric)
  }
  const times = proves
    ? timesOf((share) => lastOf(race(), least, share))
    : { p50Seconds: least, p80Seconds: least }
  return {
    index,
    weightBp: step.weightBp,
    proves,
    minimums,
    p50Seconds: times.p50Seconds,
    p80Seconds: times.p80Seconds,
    // They cost a search each, which a search for what would fit does without.
    get metrics() {
      const ask = { regression, isFirst: earlier.length === 0 }
      return (metrics ??= required.map((h, which) =>
        forecastMetric(h, race()[which]!, step.weightBp, traffic, ask),
      ))
    },
    get slowest() {
      return (longest ??= findLongest(this.metrics)).slowest
    },
    get slowestWindow() {
      return (longest ??= findLongest(this.metrics)).slowestWindow
    },
    get slowestCap() {
      return (longest ??= findLongest(this.metrics)).slowestCap
    },
  }
}

function forecastMirror(
  plan: RolloutPlan,
  traffic: Traffic,
  step: MirrorStepSpec,
  index: number,
): StepForecast {
  const minimums = mirrorMinimumsOf(plan, step, traffic)
  const secondsOf = (changed: RolloutPlan, name: string) =>
    mirrorMinimumsOf(changed, step, traffic).find((minimum) => minimum.name === name)!.seconds
  return {
    index,
    weightBp: 0,
    proves: false,
    minimums,
    ...timesOf(() => Math.max(...minimums.map(({ seconds }) => seconds))),
    ...longestOf(plan, minimums, secondsOf, withMetric),
    metrics: [],
  }
}
