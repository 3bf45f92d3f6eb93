import type { BetTally, Pair } from '../../src/domain/cohort.ts'
import type { EventEvidence } from '../../src/domain/evidence.ts'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { forecast, type StepForecast } from '../../src/rollout/forecast.ts'
import { foldHypothesis } from '../../src/rollout/fold-cohort.ts'
import { judge } from '../../src/rollout/judge.ts'
import { etaOf, missingFor } from '../../src/rollout/missing.ts'
import type { RolloutPlan } from '../../src/rollout/plan.ts'
import type { Traffic } from '../../src/rollout/traffic.ts'
import { step } from '../../src/rollout/step.ts'
import { publishTerms } from '../../src/rollout/terms.ts'
import { addBet } from '../../src/statistics/mean-bet.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { cohort, events } from '../fakes/evidence.ts'
import { NOW, planOf, seen, state } from '../fakes/rollout.ts'
import { ERRORS, RMSE, rolloutSpec, service } from '../fakes/simulated-service.ts'

/** One weight that is left with proof, by a canary that is as the baseline. */
export type Trial = {
  readonly percent: number
  /** Requests a second. */
  readonly rps: number
  readonly errorRate: number
  readonly labelWindowMs: number
}

/** What many rollouts took, in seconds, and what was forecast of them. */
export type TrialResult = {
  readonly p50: number
  readonly p80: number
  readonly forecast: StepForecast
  /** Median of what the status said halfway to the forecast's median, and of what was left then. */
  readonly eta: { readonly said: number; readonly left: number }
}

/** Root mean square of the errors, which are normal. */
export const RMS = 3

/** Errors and RMSE within 5 %, 1,000 requests at least; a step before it where `earlierPercent` is given. */
export function trialService(
  { percent, labelWindowMs }: Trial,
  ramp: { readonly earlierPercent: number; readonly keyed: boolean } | null = null,
) {
  const earlier = ramp === null ? [] : [ramp.earlierPercent]
  const steps = [...earlier, percent, 100].map((weight) => ({
    kind: 'weight' as const,
    weightBp: weight * 100,
    minDurationMs: 1000,
    minRequests: 1000,
  }))
  const metrics = [
    { ...ERRORS, floor: 0.001 },
    { ...RMSE, cap: RMS * 3.29, labelWindowMs },
  ]
  const spec = { steps, maxDurationMs: 1e9 }
  return service(rolloutSpec({ spec, analysis: { metrics } }), ramp?.keyed ?? false)
}

/** What somebody who knows the trial's traffic tells the planner. */
export function trafficOf({ rps, errorRate }: Trial): Traffic {
  return { unitsPerSecond: rps, from: 'given', errorRate, evidence: null, exceedance: null }
}

/** What the planner says at the start of the trial's step. */
export function forecastTrial(trial: Trial): StepForecast {
  return forecast(planOf(trialService(trial)), trafficOf(trial)).steps[0]!
}

/**
 * Runs the pure part of the control loop (terms, folding, verdicts, `step`) on drawn cohorts of one
 * second, `runs` times from seeds of their own, until the step is left.
 */
export function simulateTrial(trial: Trial, runs: number): TrialResult {
  const plan = planOf(trialService(trial))
  const expected = forecastTrial(trial)
  const lookAt = Math.round(expected.p50Seconds / 2)
  const all = Array.from({ length: runs }, (_, run) => runOnce(plan, trial, run + 1, lookAt))
  const times = all.map(({ seconds }) => seconds).sort((a, b) => a - b)
  const later = all.filter(({ said }) => said !== null)
  return {
    p50: times[Math.floor(runs * 0.5)]!,
    p80: times[Math.floor(runs * 0.8)]!,
    forecast: expected,
    eta: {
      said: median(later.map(({ said }) => said!)),
      left: median(later.map(({ seconds }) => seconds - lookAt)),
    },
  }
}

function runOnce(
  plan: RolloutPlan,
  trial: Trial,
  seed: number,
  lookAt: number,
): { readonly seconds: number; readonly said: number | null } {
  const random = createRandom(seed)
  const pi = trial.percent / 100
  const warmUp = plan.spec.analysis.warmUpMs / 1000
  const waiting = plan.hypotheses.map((hypothesis) => ({
    hypothesis,
    window: 'windowMs' in hypothesis.source ? hypothesis.source.windowMs / 1000 : 0,
    cohorts: [] as ReturnType<typeof drawCohort>[],
  }))
  const now = { ...state(), weightBp: pi * 10_000, startedAt: NOW, stepEnteredAt: NOW }
  let evidence = emptyEvidence('1.4->2.0#1', plan.hypotheses, 1)
  let said: number | null = null
  for (let second = 1; ; second++) {
    if (second > warmUp) {
      const terms = publishTerms(plan.hypotheses, evidence, pi, () => null)
      const drawn = drawCohort(plan, trial, second, random, terms)
      for (const { cohorts } of waiting) cohorts.push(drawn)
    }
    for (const { hypothesis, window, cohorts } of waiting) {
      while (cohorts.length > 0 && cohorts[0]!.number + window <= second) {
        evidence = foldHypothesis(evidence, hypothesis, cohorts.shift()!, () => [[], []])
      }
    }
    const observation = seen({
      now: NOW + second * 1000,
      lastRequestAt: NOW + second * 1000,
      stepCanaryUnits: (evidence.hypotheses['errors'] as EventEvidence).stepTrials[1],
      reports: judge(plan, evidence, {
        limits: [],
        step: 0,
        stepEnteredAt: 0,
        now: second * 1000,
        pi,
        unitsPerSecond: trial.rps,
        latency: () => ({ value: null, n: 0 }),
      }),
    })
    if (second === lookAt) said = etaOf(missingFor(plan, now, observation))
    // A false alarm is a verdict too: at most one rollout in twenty has one.
    const next = step(plan, now, observation).state
    if (next.step > 0 || next.phase !== 'progressing') return { seconds: second, said }
  }
}

function drawCohort(
  plan: RolloutPlan,
  { percent, rps, errorRate }: Trial,
  second: number,
  random: () => number,
  terms: ReturnType<typeof publishTerms>,
) {
  const drawn = cohort(plan, { number: second, pi: percent / 100, terms })
  const units: Pair = [0, 0]
  const failed: Pair = [0, 0]
  const beyond: Pair = [0, 0]
  const tally = drawn.tallies['rmse'] as BetTally
  const bets = terms.bets['rmse']
  const [harm, proof] = [1.05 ** 2, 1.05 ** 2]
  for (let request = 0; request < rps; request++) {
    const side = random() < percent / 100 ? 1 : 0
    units[side]++
    if (random() < errorRate) failed[side]++
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    const error = Math.abs(normal) * RMS
    const cap = terms.caps['rmse']!
    // The margin of the metric stands in what the canary's are held against.
    if (error > (side === 1 ? 1.05 * cap : cap)) beyond[side]++
    const y = Math.min(error, cap) ** 2
    tally.n[side]++
    tally.sum[side] += y
    tally.sumSq[side] += y ** 2
    if (bets !== undefined) addBet(tally, bets, side, y, percent / 100, harm, proof)
  }
  const tallies = {
    ...drawn.tallies,
    errors: events(units, failed),
    'rmse/above-cap': events(units, beyond),
    'rmse/label-missing': events(units, [0, 0]),
  }
  return { ...drawn, assigned: units, observed: units, tallies }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
