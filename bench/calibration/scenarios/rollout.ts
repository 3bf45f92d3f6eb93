import type { Cohort, Pair, Side } from '../../../src/domain/cohort.ts'
import type { EventEvidence } from '../../../src/domain/evidence.ts'
import type { RolloutState } from '../../../src/domain/rollout-state.ts'
import { judge } from '../../../src/rollout/judge.ts'
import type { Observation } from '../../../src/rollout/observation.ts'
import { NO_PAST, reconcile } from '../../../src/rollout/reconcile.ts'
import { step } from '../../../src/rollout/step.ts'
import type { RolloutPlan } from '../../../src/rollout/plan.ts'
import { capLimits, cappedMeanOf } from '../../../src/statistics/above-cap.ts'
import { LogHistogram } from '../../../src/statistics/histogram.ts'
import { Attempt, Bets, eventTally } from '../attempt.ts'
import { normal } from '../deviates.ts'
import { hypothesisOf, planFor } from '../plan.ts'
import type { Random } from '../random.ts'
import type { Finding, Scenario } from '../scenario.ts'

const REQUESTS = 500
const TICKS = 400
const CAP = 4
const METRICS = {
  errors: { kind: 'error-rate', maxIncrease: '0%' },
  latency: { kind: 'latency', quantile: 0.95, maxIncrease: '10%' },
  rmse: { kind: 'rmse', maxIncrease: '5%', labelWindow: '1s', minLabels: 500, cap: CAP },
}

/** How the canary differs from a baseline with 1 % errors, lognormal latencies and normal errors. */
type Canary = { readonly errorRate: number; readonly slower: number; readonly rmse: number }

const ALIKE: Canary = { errorRate: 0.01, slower: 1, rmse: 1 }
const HEALTHY = { ready: true, downForMs: 0, failing: false }
const QUIET = { attempts: 0, failures: 0, clientErrors: 0 }

/** Whole rollouts, 5 → 20 → 50 → 100 %, decided by the same `step` as in the gateway. */
export function wholeRollouts(): Scenario[] {
  const plan = planFor(METRICS, {
    maxTicks: TICKS,
    weights: [5, 20, 50],
    minTicks: 20,
    minRequests: 500,
  })
  const rollouts: [number, number] = [200, 10]
  const run =
    (change: Partial<Canary>): Scenario['run'] =>
    (random) =>
      runRollout(random, plan, { ...ALIKE, ...change })
  return [
    {
      name: 'rollout-alike',
      title: 'a whole rollout on errors, p95 and RMSE, 500 requests a tick, alike',
      question: 'false-rollback',
      rollouts,
      promises: { 'rolled back': 0.05 },
      run: run({}),
    },
    {
      name: 'rollout-errors-margin',
      title: 'a whole rollout; errors at the margin of the proof (1.5 × and 0.1 %)',
      question: 'false-promotion',
      rollouts,
      promises: { promoted: 0.05 },
      run: run({ errorRate: 0.016 }),
    },
    {
      name: 'rollout-rmse-margin',
      title: 'a whole rollout; RMSE exactly 5 % higher, which is allowed and not to be proved',
      question: 'false-promotion',
      rollouts,
      promises: { promoted: 0.05, 'rolled back': 0.05 },
      run: run({ rmse: 1.05 }),
    },
    {
      name: 'rollout-slower-margin',
      title: 'a whole rollout; all latencies exactly 10 % longer',
      question: 'false-promotion',
      rollouts,
      promises: { promoted: 0.05, 'rolled back': 0.05 },
      run: run({ slower: 1.1 }),
    },
    {
      name: 'rollout-errors-worse',
      title: 'a whole rollout; errors 3 %',
      question: 'detection',
      rollouts,
      run: run({ errorRate: 0.03 }),
    },
  ]
}

function runRollout(random: Random, plan: RolloutPlan, canary: Canary): Finding {
  const begun = reconcile(plan, null, { now: 0, past: NO_PAST, actor: 'configuration' })
  if ('refused' in begun) throw new Error(begun.detail)
  let { state } = begun
  const attempt = new Attempt(plan)
  const baseline = new LogHistogram()
  state = step(plan, state, observe(plan, state, attempt, 0)).state
  for (let tick = 1; tick <= TICKS; tick += 1) {
    const cohort = attempt.open({ pi: state.weightBp / 10_000, step: state.step }, (q) =>
      baseline.count < 4 / (1 - q) ? null : baseline.quantile(q),
    )
    drawCohort(random, plan, cohort, canary, baseline)
    attempt.fold(cohort)
    state = step(plan, state, observe(plan, state, attempt, tick * 1000)).state
    const requests = tick * REQUESTS
    if (state.phase === 'watching') return { promoted: requests, 'rolled back': null, paused: null }
    if (state.phase === 'rolled-back')
      return { promoted: null, 'rolled back': requests, paused: null }
    if (state.phase === 'paused') return { promoted: null, 'rolled back': null, paused: requests }
  }
  return { promoted: null, 'rolled back': null, paused: null }
}

function drawCohort(
  random: Random,
  plan: RolloutPlan,
  cohort: Cohort,
  canary: Canary,
  baseline: LogHistogram,
): void {
  const terms = cohort.terms.thresholds['latency']
  const none = (): Pair => [0, 0]
  const [units, failed, timed, slow, slowHarm, aboveCap] = Array.from({ length: 6 }, none)
  const rmse = hypothesisOf(plan, 'rmse')
  const bets = new Bets(cohort, rmse)
  for (let i = 0; i < REQUESTS; i += 1) {
    const side: Side = random() < cohort.pi ? 1 : 0
    const isCanary = side === 1
    units![side] += 1
    if (random() < (isCanary ? canary.errorRate : ALIKE.errorRate)) failed![side] += 1
    const ms = 40 * Math.exp(0.5 * normal(random)) * (isCanary ? canary.slower : 1)
    if (!isCanary) baseline.add(ms)
    if (terms !== undefined) {
      timed![side] += 1
      if (ms > (isCanary ? terms.proofMs : terms.baselineMs)) slow![side] += 1
      if (ms > (isCanary ? terms.harmMs : terms.baselineMs)) slowHarm![side] += 1
    }
    const error = Math.abs(normal(random)) * (isCanary ? canary.rmse : 1)
    // One margin, so one limit for harm and proof.
    if (error > capLimits(CAP, side, cappedMeanOf(rmse)).harm) aboveCap![side] += 1
    bets.add(side, Math.min(error, CAP) ** 2)
  }
  cohort.assigned = units!
  cohort.observed = units!
  const count = (events: Pair) => eventTally({ units: units!, events })
  cohort.tallies = {
    errors: count(failed!),
    latency: eventTally({ units: timed!, events: slow! }, slowHarm!),
    rmse: bets.tally,
    'rmse/above-cap': count(aboveCap!),
    // Of a label-missing hypothesis the tally counts the labels that came: here all of them.
    'rmse/label-missing': count(none()),
    'no-answer': count(none()),
    'client-error': count(none()),
  }
}

function observe(
  plan: RolloutPlan,
  state: RolloutState,
  attempt: Attempt,
  now: number,
): Observation {
  const { evidence } = attempt
  const errors = evidence.hypotheses['errors'] as EventEvidence
  return {
    now,
    confirmation: 'given',
    reports: judge(plan, evidence, {
      limits: [],
      step: state.step,
      stepEnteredAt: state.stepEnteredAt,
      now,
      pi: state.weightBp / 10_000,
      unitsPerSecond: REQUESTS,
      latency: () => ({ value: null, n: 0 }),
    }),
    ratioMismatch: { log: evidence.ratio.sup, threshold: Math.log(1000) },
    breaker: { tripped: false, canary: QUIET, baseline: QUIET },
    baseline: HEALTHY,
    canary: HEALTHY,
    stepCanaryUnits: errors.step === state.step ? errors.stepTrials[1] : 0,
    predictions: {
      baseline: { looked: 0, unreadable: 0 },
      canary: { looked: 0, unreadable: 0 },
    },
    labels: new Map(),
    lastRequestAt: now,
  }
}
