import type { Pair, Side } from '../../../src/domain/cohort.ts'
import type { Hypothesis } from '../../../src/domain/hypothesis.ts'
import type { RolloutPlan } from '../../../src/rollout/plan.ts'
import { meansPlan } from '../../../src/statistics/planner.ts'
import { Attempt, Bets } from '../attempt.ts'
import { normal } from '../deviates.ts'
import { hypothesisOf, planFor } from '../plan.ts'
import type { Random } from '../random.ts'
import { excludesOne } from '../rivals.ts'
import type { Finding, Scenario } from '../scenario.ts'

/** Four deviations of a normal error. */
const CAP = 4

/** What a race of values is run with. */
type ValueRace = {
  readonly plan: RolloutPlan
  readonly id: string
  readonly pi: number
  readonly requests: number
  readonly ticks: number
  /** A value of one side. */
  readonly draw: (random: Random, side: Side) => number
  /** By name: whether it acts, given serin's attempt and the moments of the uncapped values so far. */
  readonly methods: Readonly<Record<string, (attempt: Attempt, seen: Moments) => boolean>>
}

/** Sums of uncapped values so far. */
type Moments = { readonly pi: number; n: Pair; sum: Pair; sumSq: Pair }

/** Squared errors of a model: alike, worse, and within the margin of the proof. */
export function rmse(): Scenario[] {
  const metrics = { rmse: { kind: 'rmse', maxIncrease: '0%', labelWindow: '1s', cap: CAP } }
  const plan = planFor(metrics, { maxTicks: 400 })
  const draw =
    (factor: number): ValueRace['draw'] =>
    (random, side) =>
      (normal(random) * (side === 1 ? factor : 1)) ** 2
  const shared = { plan, id: 'rmse' }
  const harm = { serin: (attempt: Attempt) => attempt.isHarmed() }
  const rivals = {
    ...harm,
    'peeked t': (_: Attempt, seen: Moments) => seen.n[1] >= 1000 && tOf(seen) > 1.645,
    'point rule': (_: Attempt, { n, sum }: Moments) =>
      n[1] >= 1000 && Math.sqrt(sum[1] / n[1] / (sum[0] / n[0])) > 1.05,
    asymptotic: (_: Attempt, seen: Moments) =>
      seen.n[1] >= 1000 && excludesOne([seen], Math.log(1.1025)) === 'above',
  }
  const proved = { serin: (attempt: Attempt) => attempt.isProved('rmse') }
  return [
    {
      name: 'rmse-alike',
      title: 'normal errors, alike, 20 % canary, 200 looks every 200 requests',
      question: 'false-rollback',
      rollouts: [600, 40],
      promises: { serin: 0.05 },
      run: (random) =>
        raceValues(random, {
          ...shared,
          pi: 0.2,
          requests: 200,
          ticks: 200,
          draw: draw(1),
          methods: rivals,
        }),
    },
    ...([1.05, 1.1] as const).map((factor): Scenario => ({
      name: `rmse-worse-${factor}`,
      title: `RMSE ${percent(factor - 1)} higher, 20 % canary, a look every 100 requests`,
      question: 'detection',
      rollouts: [200, 20],
      run: (random) =>
        raceValues(random, {
          ...shared,
          pi: 0.2,
          requests: 100,
          ticks: 400,
          draw: draw(factor),
          methods: rivals,
        }),
    })),
    ...(
      [
        [0.05, 500, 160],
        [0.2, 100, 300],
        [0.5, 100, 200],
      ] as const
    ).flatMap(([pi, requests, ticks]): Scenario[] => {
      const setting = { ...shared, pi, requests, ticks, methods: proved }
      return [
        {
          name: `rmse-proof-${pi}`,
          title: `RMSE alike, to be proved within 5 %, ${percent(pi)} canary`,
          question: 'proof',
          rollouts: [200, 40],
          plans: { serin: proofPlan(hypothesisOf(plan, 'rmse'), pi) },
          run: (random) => raceValues(random, { ...setting, draw: draw(1) }),
        },
        {
          name: `rmse-margin-${pi}`,
          title: `RMSE exactly 5 % higher, ${percent(pi)} canary`,
          question: 'false-promotion',
          rollouts: [500, 40],
          promises: { serin: 0.05 },
          run: (random) => raceValues(random, { ...setting, draw: draw(1.05) }),
        },
      ]
    }),
  ]
}

/** Draws request by request and looks after each tick. */
function raceValues(random: Random, setting: ValueRace): Finding {
  const { plan, id, pi, requests, ticks, draw, methods } = setting
  const attempt = new Attempt(plan)
  const hypothesis = hypothesisOf(plan, id)
  const seen: Moments = { pi, n: [0, 0], sum: [0, 0], sumSq: [0, 0] }
  const acted: Record<string, number | null> = Object.fromEntries(
    Object.keys(methods).map((method) => [method, null]),
  )
  for (let tick = 1; tick <= ticks; tick += 1) {
    const cohort = attempt.open({ pi })
    const bets = new Bets(cohort, hypothesis)
    for (let i = 0; i < requests; i += 1) {
      const side: Side = random() < pi ? 1 : 0
      const y = draw(random, side)
      seen.n[side] += 1
      seen.sum[side] += y
      seen.sumSq[side] += y * y
      bets.add(side, y)
    }
    cohort.tallies[id] = bets.tally
    attempt.fold(cohort)
    for (const [method, acts] of Object.entries(methods)) {
      if (acted[method] === null && acts(attempt, seen)) acted[method] = tick * requests
    }
    if (Object.values(acted).every((at) => at !== null)) break
  }
  return acted
}

function proofPlan({ proof }: Hypothesis, pi: number) {
  // Squares of normal errors: mean 1, variance 2.
  const [baselineMean, canaryMean, baselineVariance, canaryVariance] = [1, 1, 2, 2]
  return meansPlan({
    direction: 'below',
    pi,
    ratio: proof!.ratio,
    alpha: proof!.alpha,
    ratePerSecond: 1,
    settleSeconds: 0,
    baselineMean,
    canaryMean,
    baselineVariance,
    canaryVariance,
    // On the scale of the squares.
    cap: CAP ** 2,
  })!
}

function tOf({ n, sum, sumSq }: Moments): number {
  const mean = [sum[0] / n[0], sum[1] / n[1]] as const
  const variance = ([0, 1] as const).reduce<number>(
    (total, side) => total + (sumSq[side] / n[side] - mean[side] ** 2) / n[side],
    0,
  )
  return (mean[1] - mean[0]) / Math.sqrt(variance)
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
