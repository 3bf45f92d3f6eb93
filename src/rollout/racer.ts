import type { Hypothesis } from '../domain/hypothesis.ts'
import type { StepSpec } from '../domain/rollout-spec.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { firstUnits, passageShare, unitsUntil, type Passage } from '../statistics/passage.ts'
import { windowSeconds } from './figures.ts'
import { proofMargin } from './margin.ts'
import type { RolloutPlan } from './plan.ts'
import { harmPassage, proofGrowths, regressionOf } from './race.ts'
import { judgedFrom, segmentOf, type Minimum } from './step-minimums.ts'
import { expectValued, type Traffic } from './traffic.ts'

/** Seconds within which half, and four of five, of the rollouts have it; Infinity = never. */
export type Times = { readonly p50Seconds: number; readonly p80Seconds: number }

/** One required hypothesis in one step, or of one challenger. */
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

/** A hypothesis on its way to proof: how many units it has, so many seconds after the step began. */
export type Racer = {
  readonly name: string
  readonly passage: Passage
  readonly unitsAt: (seconds: number) => number
  readonly secondsAt: (units: number) => number
}

/** Where a race is run. */
export type RacePlace = {
  readonly step: Extract<StepSpec, { kind: 'weight' }>
  /** Seconds from the start of the attempt, pauses left out. */
  readonly sinceStart: number
  /** What was judged before the step, and for how long. */
  readonly earlier: readonly (Pick<Times, 'p50Seconds'> & { readonly weightBp: number })[]
}

/** A required hypothesis on its way to proof in a step. */
export function racerOf(
  plan: RolloutPlan,
  traffic: Traffic,
  hypothesis: Hypothesis,
  { step, sinceStart, earlier }: RacePlace,
): Racer {
  const pi = step.weightBp / WHOLE_BP
  const window = windowSeconds(hypothesis)
  const isLater = 'windowMs' in hypothesis.source
  const share = isLater ? expectValued(hypothesis, plan.metrics, traffic) : 1
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
  earlier: RacePlace['earlier'],
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

/** Seconds until the last of these is proved, in a share of the rollouts; no sooner than `least`. */
export function lastOf(racers: readonly Racer[], least: number, share: number): number {
  // Tenths of a second: a busy service is through within a few of them.
  const chanceAt = (tenths: number) =>
    racers.reduce(
      (all, { passage, unitsAt }) => all * passageShare(passage, unitsAt(tenths / 10)),
      1,
    )
  const first = Math.ceil(least * 10)
  return Number.isFinite(first) && chanceAt(first) < share
    ? firstUnits(chanceAt, share) / 10
    : first / 10
}

/** The times of something, by the seconds within which a share of the rollouts has it. */
export function timesOf(at: (share: number) => number): Times {
  return { p50Seconds: at(0.5), p80Seconds: at(0.8) }
}

/** What a forecast says of one hypothesis; see `forecast` for `regression`. `isFirst`: no step was judged before this one. */
export function forecastMetric(
  hypothesis: Hypothesis,
  { passage, secondsAt }: Racer,
  weightBp: number,
  traffic: Traffic,
  { regression, isFirst }: { readonly regression: number | null; readonly isFirst: boolean },
): MetricForecast {
  const change = regressionOf(hypothesis, regression)
  const asked = { regression: change, isFirst }
  const harm = harmPassage(hypothesis, weightBp / WHOLE_BP, traffic, asked)
  return {
    name: hypothesis.id,
    regression: change,
    see: timesOf((share) => secondsAt(unitsUntil(harm, share))),
    margin: proofMargin(hypothesis)!,
    floor: hypothesis.proof!.floor,
    prove: timesOf((share) => secondsAt(unitsUntil(passage, share))),
  }
}

/** The proofs among what is waited for, each as long as four of five take. */
export function proofsOf(
  required: readonly Hypothesis[],
  metrics: readonly MetricForecast[],
): readonly Minimum[] {
  return metrics.map(({ name, prove }, which) => ({
    ...{ name, seconds: prove.p80Seconds, metric: required[which]!.metric },
  }))
}

/** The same of one hypothesis under a plan that is changed. */
export function proofSeconds(
  plan: RolloutPlan,
  traffic: Traffic,
  id: string,
  place: RacePlace,
): number {
  const hypothesis = plan.hypotheses.find((h) => h.id === id)!
  const { secondsAt, passage } = racerOf(plan, traffic, hypothesis, place)
  return secondsAt(unitsUntil(passage, 0.8))
}
