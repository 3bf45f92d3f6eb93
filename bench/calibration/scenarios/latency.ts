import type { Pair, Side } from '../../../src/domain/cohort.ts'
import type { RolloutPlan } from '../../../src/rollout/plan.ts'
import { LogHistogram } from '../../../src/statistics/histogram.ts'
import { Attempt, eventTally } from '../attempt.ts'
import { normal } from '../deviates.ts'
import { planFor } from '../plan.ts'
import type { Random } from '../random.ts'
import type { Finding, Scenario } from '../scenario.ts'

/** The half-life of the baseline's latencies, in ticks of a second, and the samples for a quantile: as in the gateway. */
const HALF_LIFE = 600
const SAMPLES = 4

type LatencySetting = {
  readonly plan: RolloutPlan
  readonly requests: number
  readonly ticks: number
  /** The canary's latencies are the baseline's times this. */
  readonly factor: number
  readonly acts: (attempt: Attempt) => boolean
}

/** Latencies, lognormal, on a day that swings by half: alike, slower, and exactly at the margin. */
export function latency(): Scenario[] {
  const planOf = (quantile: number, maxIncrease: string) =>
    planFor({ latency: { kind: 'latency', quantile, maxIncrease } }, { maxTicks: 600 })
  const isHarmed = (attempt: Attempt) => attempt.isHarmed()
  const isProved = (attempt: Attempt) => attempt.isProved('latency')
  const p95 = planOf(0.95, '0%')
  return [
    {
      name: 'latency-alike',
      title:
        'lognormal latencies that swing by half over the day, alike, p95, 5 % canary, 600 looks',
      question: 'false-rollback',
      rollouts: [400, 30],
      promises: { serin: 0.05 },
      run: (random) =>
        raceLatency(random, { plan: p95, requests: 100, ticks: 600, factor: 1, acts: isHarmed }),
    },
    ...(
      [
        [0.95, 1.2, 50],
        [0.95, 1.1, 100],
        [0.99, 1.2, 100],
      ] as const
    ).map(([quantile, factor, requests]): Scenario => {
      const plan = planOf(quantile, '0%')
      return {
        name: `latency-worse-${quantile}-${factor}`,
        title: `all latencies ${Math.round(100 * factor - 100)} % longer, p${100 * quantile}, 5 % canary`,
        question: 'detection',
        rollouts: [200, 20],
        run: (random) =>
          raceLatency(random, { plan, requests, ticks: 600, factor, acts: isHarmed }),
      }
    }),
    {
      name: 'latency-margin',
      title: 'all latencies exactly 10 % longer, p95, 5 % canary',
      question: 'false-promotion',
      rollouts: [400, 30],
      promises: { serin: 0.05 },
      run: (random) =>
        raceLatency(random, {
          plan: planOf(0.95, '10%'),
          requests: 100,
          ticks: 600,
          factor: 1.1,
          acts: isProved,
        }),
    },
  ]
}

function raceLatency(random: Random, setting: LatencySetting): Finding {
  const { plan, requests, ticks, factor, acts } = setting
  const pi = 0.05
  const attempt = new Attempt(plan)
  const baseline = new LogHistogram()
  const quantile = (q: number) => (baseline.count < SAMPLES / (1 - q) ? null : baseline.quantile(q))
  for (let tick = 1; tick <= ticks; tick += 1) {
    const level = 40 * (1 + 0.5 * Math.sin((2 * Math.PI * tick) / ticks))
    const cohort = attempt.open({ pi }, quantile)
    const terms = cohort.terms.thresholds['latency']
    const [units, slow, slowHarm]: Pair[] = [
      [0, 0],
      [0, 0],
      [0, 0],
    ] as [Pair, Pair, Pair]
    baseline.scale(0.5 ** (1 / HALF_LIFE))
    for (let i = 0; i < requests; i += 1) {
      const side: Side = random() < pi ? 1 : 0
      const ms = level * Math.exp(0.5 * normal(random)) * (side === 1 ? factor : 1)
      if (side === 0) baseline.add(ms)
      if (terms === undefined) continue
      units![side] += 1
      if (ms > (side === 1 ? terms.proofMs : terms.baselineMs)) slow![side] += 1
      if (ms > (side === 1 ? terms.harmMs : terms.baselineMs)) slowHarm![side] += 1
    }
    cohort.tallies['latency'] = eventTally({ units: units!, events: slow! }, slowHarm!)
    attempt.fold(cohort)
    if (acts(attempt)) return { serin: tick * requests }
  }
  return { serin: null }
}
