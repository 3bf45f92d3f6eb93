import type { Hypothesis } from '../domain/hypothesis.ts'
import type { MirrorStepSpec, StepSpec, Strategy } from '../domain/rollout-spec.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { firstUnits, passageShare, unitsUntil, type Passage } from '../statistics/passage.ts'
import { windowSeconds } from './figures.ts'
import { proofMargin } from './margin.ts'
import { longestOf, type Longest } from './longest.ts'
import { provingStep, watchWeight, type RolloutPlan } from './plan.ts'
import { harmPassage, proofGrowths, regressionOf } from './race.ts'
import {
  judgedFrom,
  minimumsOf,
  mirrorMinimumsOf,
  segmentOf,
  type Minimum,
} from './step-minimums.ts'
import { baselineValue, expectLabelled, type BaselineValue, type Traffic } from './traffic.ts'

/** Seconds within which half, and four of five, of the rollouts have it; Infinity = never. */
export type Times = { readonly p50Seconds: number; readonly p80Seconds: number }

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

/** One required hypothesis in one step. */
export type MetricForecast = {
  readonly name: string
  /** To see a canary that is worse by this from the step's beginning on; a fraction of the baseline. */
  readonly regression: number
  readonly see: Times
  readonly margin: number
  readonly floor: number
  /** To prove an equal canary no worse than the margin, were this the step that needs it. */
  readonly prove: Times
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
  const required = plan.hypotheses.filter((h) => h.required && h.proof !== null)
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
    baseline: required.map((h) => ({ name: h.id, ...baselineValue(h, traffic) })),
  }
}

type Place = {
  readonly step: Extract<StepSpec, { kind: 'weight' }>
  readonly index: number
  /** Seconds from the start of the attempt, pauses left out. */
  readonly sinceStart: number
  readonly earlier: readonly StepForecast[]
  readonly proves: boolean
}

/** A hypothesis on its way to proof: how many units it has, so many seconds after the step began. */
type Racer = {
  readonly name: string
  readonly passage: Passage
  readonly unitsAt: (seconds: number) => number
  readonly secondsAt: (units: number) => number
}

function forecastStep(
  plan: RolloutPlan,
  traffic: Traffic,
  required: readonly Hypothesis[],
  place: Place,
  regression: number | null,
): StepForecast {
  const { step, index, earlier, proves } = place
  const pi = step.weightBp / WHOLE_BP
  const racers = required.map((h) => racerOf(plan, traffic, h, place))
  const minimums = minimumsOf(plan, step, traffic, place.sinceStart)
  const metricOf = (hypothesis: Hypothesis, which: number): MetricForecast => {
    const { secondsAt, passage } = racers[which]!
    const change = regressionOf(hypothesis, regression)
    const harm = { regression: change, isFirst: earlier.length === 0 }
    return {
      name: hypothesis.id,
      regression: change,
      see: timesOf((share) =>
        secondsAt(unitsUntil(harmPassage(hypothesis, pi, traffic, harm), share)),
      ),
      margin: proofMargin(hypothesis)!,
      floor: hypothesis.proof!.floor,
      prove: timesOf((share) => secondsAt(unitsUntil(passage, share))),
    }
  }
  const least = Math.max(...minimums.map(({ seconds }) => seconds))
  let metrics: readonly MetricForecast[] | null = null
  let longest: Longest | null = null
  const findLongest = (of: readonly MetricForecast[]): Longest => {
    const proofs = of.map(({ name, prove }, which) => ({
      ...{ name, seconds: prove.p80Seconds, metric: required[which]!.metric },
    }))
    return longestOf(plan, proves ? [...minimums, ...proofs] : minimums, (changed, name) => {
      const least = minimumsOf(changed, step, traffic, place.sinceStart)
      const found = least.find((minimum) => minimum.name === name)
      if (found !== undefined) return found.seconds
      const hypothesis = changed.hypotheses.find((h) => h.id === name)!
      const { secondsAt, passage } = racerOf(changed, traffic, hypothesis, place)
      return secondsAt(unitsUntil(passage, 0.8))
    })
  }
  return {
    index,
    weightBp: step.weightBp,
    proves,
    minimums,
    ...(proves ? timesOf((share) => lastOf(racers, least, share)) : timesOf(() => least)),
    // They cost a search each, which a search for what would fit does without.
    get metrics() {
      return (metrics ??= required.map(metricOf))
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
    ...longestOf(plan, minimums, secondsOf),
    metrics: [],
  }
}

/** A required hypothesis on its way to proof in a step. */
export function racerOf(
  plan: RolloutPlan,
  traffic: Traffic,
  hypothesis: Hypothesis,
  { step, sinceStart, earlier }: Pick<Place, 'step' | 'sinceStart' | 'earlier'>,
): Racer {
  const pi = step.weightBp / WHOLE_BP
  const window = windowSeconds(hypothesis)
  const isLabelled = 'windowMs' in hypothesis.source
  const share = isLabelled ? expectLabelled(hypothesis, traffic) : 1
  const perSecond = traffic.unitsPerSecond * share * segmentOf(plan, hypothesis, traffic)
  const begin = judgedFrom(plan, hypothesis, pi, traffic)
  const delay = Math.max(0, begin - sinceStart)
  const lag = window + plan.spec.analysis.intervalMs / 1000
  return {
    name: hypothesis.id,
    passage: {
      growths: proofGrowths(hypothesis, plan.hypotheses, pi, traffic),
      before: plan.keyed
        ? provedBefore(plan, hypothesis, traffic, earlier, perSecond, begin)
        : null,
      goal: Math.log(1 / hypothesis.proof!.alpha),
    },
    unitsAt: (seconds) => Math.max(0, seconds - delay - lag) * perSecond,
    secondsAt: (units) => delay + units / perSecond + lag,
  }
}

// With a sticky key every key counts once in the attempt, so the proof is one of all steps together.
function provedBefore(
  { hypotheses }: RolloutPlan,
  hypothesis: Hypothesis,
  traffic: Traffic,
  earlier: readonly StepForecast[],
  perSecond: number,
  begin: number,
) {
  let start = 0
  const parts = earlier.map(({ weightBp, p50Seconds }) => {
    const units = Math.max(0, p50Seconds - Math.max(0, begin - start)) * perSecond
    start += p50Seconds
    return proofGrowths(hypothesis, hypotheses, weightBp / WHOLE_BP, traffic).map(
      ({ mean, variance }) => ({
        mean: mean * units,
        variance: variance * units,
      }),
    )
  })
  if (parts.length === 0) return null
  return parts.reduce((sum, part) =>
    sum.map(({ mean, variance }, bet) => ({
      mean: mean + part[bet]!.mean,
      variance: variance + part[bet]!.variance,
    })),
  )
}

function lastOf(racers: readonly Racer[], least: number, share: number): number {
  // Tenths of a second: a busy service is through within a few of them.
  const tenths = firstUnits((tenth) => {
    const seconds = tenth / 10
    if (seconds < least) return false
    return (
      racers.reduce(
        (all, { passage, unitsAt }) => all * passageShare(passage, unitsAt(seconds)),
        1,
      ) >= share
    )
  })
  return tenths / 10
}

/** The times of something, by the seconds within which a share of the rollouts has it. */
export function timesOf(at: (share: number) => number): Times {
  return { p50Seconds: at(0.5), p80Seconds: at(0.8) }
}
