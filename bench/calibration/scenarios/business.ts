import type { Cohort, EventTally, Pair, Side } from '../../../src/domain/cohort.ts'
import { addToBet, countEvent } from '../../../src/metrics/capped-value.ts'
import { emptyBetTally, emptyEventTally } from '../../../src/metrics/tally.ts'
import type { RolloutPlan } from '../../../src/rollout/plan.ts'
import { Attempt, eventTally } from '../attempt.ts'
import { binomial, normal } from '../deviates.ts'
import { hypothesisOf, planFor } from '../plan.ts'
import type { Random } from '../random.ts'
import { excludesOne, growthbookBelow } from '../rivals.ts'
import type { Finding, Scenario } from '../scenario.ts'

const WINDOW = { window: '1s' }
const BUYERS = 0.04

/** Conversion of units, of which 4 % buy: alike, and exactly as much lower as the proof has to exclude. */
export function conversion(): Scenario[] {
  const kind = { kind: 'conversion', event: 'purchase', ...WINDOW }
  const alike = planFor({ conversion: { ...kind, maxDecrease: '0%' } }, { maxTicks: 200 })
  const margin = planFor({ conversion: { ...kind, maxDecrease: '10%' } }, { maxTicks: 200 })
  const tight = planFor({ conversion: { ...kind, maxDecrease: '3%' } }, { maxTicks: 200 })
  return [
    {
      name: 'conversion-alike',
      title: 'conversion 4 % of units on both sides, 20 % canary, 200 looks every 1,000 units',
      question: 'false-rollback',
      rollouts: [1000, 100],
      promises: { serin: 0.05 },
      run: (random) => raceConversion(random, alike, 1, (attempt) => attempt.isHarmed()),
    },
    {
      name: 'conversion-margin',
      title: 'conversion exactly 10 % lower, 20 % canary, 200 looks every 1,000 units',
      question: 'false-promotion',
      rollouts: [1000, 100],
      promises: { serin: 0.05 },
      run: (random) =>
        raceConversion(random, margin, 0.9, (attempt) => attempt.isProved('conversion')),
    },
    {
      name: 'conversion-tight',
      title: 'conversion alike, to be proved within 3 %, 20 % canary, 200 looks every 20,000 units',
      question: 'proof',
      rollouts: [400, 40],
      run: (random) =>
        raceConversion(random, tight, 1, (attempt) => attempt.isProved('conversion'), 20_000),
    },
    {
      name: 'conversion-tight-margin',
      title: 'conversion exactly 3 % lower, 20 % canary, 200 looks every 20,000 units',
      question: 'false-promotion',
      rollouts: [400, 40],
      promises: { serin: 0.05 },
      run: (random) =>
        raceConversion(random, tight, 0.97, (attempt) => attempt.isProved('conversion'), 20_000),
    },
  ]
}

function raceConversion(
  random: Random,
  plan: RolloutPlan,
  times: number,
  acts: (attempt: Attempt) => boolean,
  perTick = 1000,
): Finding {
  const pi = 0.2
  const attempt = new Attempt(plan)
  for (let tick = 1; tick <= 200; tick += 1) {
    const cohort = attempt.open({ pi })
    const canary = binomial(random, perTick, pi)
    const units: Pair = [perTick - canary, canary]
    const events: Pair = [
      binomial(random, units[0], BUYERS),
      binomial(random, units[1], BUYERS * times),
    ]
    cohort.assigned = units
    cohort.tallies = { conversion: eventTally({ units, events }) }
    attempt.fold(cohort)
    if (acts(attempt)) return { serin: tick * perTick }
  }
  return { serin: null }
}

/** What a race of totals is run with. */
type TotalsRace = {
  readonly plan: RolloutPlan
  readonly pi: number
  readonly units: number
  readonly ticks: number
  readonly cap: number
  /** A unit's total. */
  readonly draw: (random: Random, side: Side) => number
  /** By name: whether it acts, given serin's attempt and the moments of the uncapped totals so far. */
  readonly methods: Readonly<Record<string, (attempt: Attempt, seen: Totals) => boolean>>
}

type Totals = { readonly pi: number; n: Pair; sum: Pair; sumSq: Pair }

/** Revenue of units, of which 3 % buy: for lognormal amounts, and for ones whose variance is infinite. */
export function revenue(): Scenario[] {
  const planOf = (maxDecrease: string, cap: number) => {
    const sum = { kind: 'sum', event: 'purchase', field: 'amount', maxDecrease, cap, ...WINDOW }
    return planFor({ revenue: sum }, { maxTicks: 200 })
  }
  const lognormal = (random: Random) => Math.exp(1.2 * normal(random))
  // P(X > x) = (3 / x)^1.5: the mean is 9, and there is no variance.
  const pareto = (random: Random) => 3 * random() ** (-1 / 1.5)
  const total =
    (amount: (random: Random) => number, times = 1): TotalsRace['draw'] =>
    (random, side) =>
      random() < 0.03 * (side === 1 ? times : 1) ? amount(random) : 0
  const harm = { serin: (attempt: Attempt) => attempt.isHarmed() }
  const proof = { serin: (attempt: Attempt) => attempt.isProved('revenue') }
  return [
    {
      name: 'revenue-alike',
      title:
        'revenue, 97 % zeros and a lognormal rest, alike, 5 % canary, 100 looks every 500 units',
      question: 'false-rollback',
      rollouts: [400, 40],
      promises: { serin: 0.05 },
      mustFail: ['GrowthBook, from 100'],
      run: (random) =>
        raceTotals(random, {
          ...{ plan: planOf('0%', 20), cap: 20, pi: 0.05, units: 500, ticks: 100 },
          draw: total(lognormal),
          methods: {
            ...harm,
            'asymptotic, from 100': (_, seen) =>
              seen.n[1] >= 100 && excludesOne([seen], Math.log(1.1)) === 'below',
            'GrowthBook, from 100': (_, seen) => seen.n[1] >= 100 && growthbookBelow(seen),
            'GrowthBook, from 1,000': (_, seen) => seen.n[1] >= 1000 && growthbookBelow(seen),
          },
        }),
    },
    {
      name: 'revenue-heavy-tail',
      title:
        'revenue, 97 % zeros and a rest of infinite variance, cap 60, alike, 20 % canary, 200 looks every 500 units',
      question: 'false-rollback',
      rollouts: [400, 40],
      promises: { serin: 0.05 },
      run: (random) =>
        raceTotals(random, {
          ...{ plan: planOf('0%', 60), cap: 60, pi: 0.2, units: 500, ticks: 200 },
          draw: total(pareto),
          methods: harm,
        }),
    },
    {
      name: 'revenue-margin',
      title:
        'the same revenue, exactly 5 % less of it (below the cap), 50 % canary, 200 looks every 500 units',
      question: 'false-promotion',
      rollouts: [400, 40],
      promises: { serin: 0.05 },
      run: (random) =>
        raceTotals(random, {
          ...{ plan: planOf('5%', 60), cap: 60, pi: 0.5, units: 500, ticks: 200 },
          draw: total(pareto, 0.95),
          methods: proof,
        }),
    },
  ]
}

/** Draws unit by unit, books the totals as the gateway does, and looks after each tick. */
function raceTotals(random: Random, race: TotalsRace): Finding {
  const { plan, pi, units, ticks, draw, methods } = race
  const attempt = new Attempt(plan)
  const seen: Totals = { pi, n: [0, 0], sum: [0, 0], sumSq: [0, 0] }
  const acted: Record<string, number | null> = Object.fromEntries(
    Object.keys(methods).map((method) => [method, null]),
  )
  for (let tick = 1; tick <= ticks; tick += 1) {
    const cohort = attempt.open({ pi })
    cohort.tallies = { revenue: emptyBetTally('sum'), 'revenue/above-cap': emptyEventTally(false) }
    for (let i = 0; i < units; i += 1) {
      const side: Side = random() < pi ? 1 : 0
      const total = draw(random, side)
      cohort.assigned[side] += 1
      seen.n[side] += 1
      seen.sum[side] += total
      seen.sumSq[side] += total * total
      if (total > 0) bookTotal(cohort, race, side, total)
    }
    attempt.fold(cohort)
    for (const [method, acts] of Object.entries(methods)) {
      if (acted[method] === null && acts(attempt, seen)) acted[method] = tick * units
    }
    if (Object.values(acted).every((at) => at !== null)) break
  }
  return acted
}

// What a unit adds to a bet on 0, which all units are when their cohort is folded.
function bookTotal(cohort: Cohort, { plan, cap }: TotalsRace, side: Side, total: number): void {
  const hypothesis = hypothesisOf(plan, 'revenue')
  addToBet(cohort, hypothesis, side, 0, -1)
  addToBet(cohort, hypothesis, side, Math.min(total, cap), 1)
  if (total > cap) countEvent(cohort.tallies['revenue/above-cap'] as EventTally, side, 1)
}
