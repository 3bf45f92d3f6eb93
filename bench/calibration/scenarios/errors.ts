import { eventsPlan } from '../../../src/statistics/planner.ts'
import { planFor } from '../plan.ts'
import { plainHarm, race, serinHarm, serinHarms, serinProof } from '../race.ts'
import { asymptotic, fixedZ, flagger, peekedZ, plannedForZ, pointRule } from '../rivals.ts'
import type { Scenario } from '../scenario.ts'
import { drawTicks, type TickSetting } from './draw-events.ts'

const BASE_RATE = 0.01
/** What the planner's figures are of: no start points for late harm. */
const PLAIN = 'label bets from the start'
const ERRORS = { errors: { kind: 'error-rate', maxIncrease: '0%' } }

/** Errors of a canary that is as good, at one weight and over a day with a ramp. */
export function errorsAlike(): Scenario[] {
  const ticks = 300
  const methods = harmMethods(ticks, BASE_RATE, plannedForZ(0.05, BASE_RATE, 2 * BASE_RATE))
  const [onePlan, rampPlan] = [harmPlan(ticks), harmPlan(ticks, [5, 20, 50])]
  const constant: TickSetting = { pi: 0.05, requests: 1000, rates: [BASE_RATE, BASE_RATE] }
  return [
    {
      name: 'alike-constant',
      title: 'errors 1 % on both sides, 5 % canary, 300 looks every 1,000 requests',
      question: 'false-rollback',
      rollouts: [2000, 150],
      promises: { serin: 0.05, 'serin, α 1 %': 0.01 },
      run: (random) =>
        race(
          drawTicks(random, ticks, () => constant),
          methods(),
        ),
    },
    {
      name: 'alike-lenient-limit',
      title: 'errors 0.5 % on both sides, a fixed limit of 1 % on the canary, 5 % canary',
      question: 'false-rollback',
      rollouts: [300, 60],
      promises: { serin: 0.05 },
      run: (random) => {
        const half = { ...constant, rates: [0.005, 0.005] as const }
        const lenient = { serin: serinHarm(onePlan), 'Flagger, limit 1 %': flagger(0.01) }
        return race(
          drawTicks(random, ticks, () => half),
          lenient,
        )
      },
    },
    {
      name: 'alike-day',
      title: 'errors between 0.4 and 2 % over the day on both sides, ramp 5 → 20 → 50 %',
      question: 'false-rollback',
      rollouts: [1000, 60],
      promises: { serin: 0.05 },
      run: (random) => {
        const rateAt = (tick: number) =>
          0.004 * 5 ** ((1 - Math.cos((2 * Math.PI * tick) / 200)) / 2)
        const setting = (tick: number): TickSetting => {
          const step = Math.floor(tick / 100)
          const rate = rateAt(tick)
          return { step, pi: [0.05, 0.2, 0.5][step]!, requests: 1000, rates: [rate, rate] }
        }
        return race(drawTicks(random, ticks, setting), {
          serin: serinHarm(rampPlan),
          'peeked z, weights pooled': peekedZ(),
          'asymptotic, weights pooled': asymptotic(true),
          'asymptotic, within weights': asymptotic(false),
          'point rule': pointRule(),
        })
      },
    },
  ]
}

/** Errors of a canary that is worse, from the start. */
export function errorsWorse(): Scenario[] {
  const cases = [
    { times: 1.25, base: 0.01, requests: 1000, ticks: 500 },
    { times: 1.5, base: 0.01, requests: 500, ticks: 500 },
    { times: 2, base: 0.01, requests: 250, ticks: 400 },
    { times: 5, base: 0.01, requests: 50, ticks: 600 },
    { times: 10, base: 0.001, requests: 100, ticks: 600 },
  ]
  return cases.map(({ times, base, requests, ticks }): Scenario => {
    const rates = [base, base * times] as const
    const methods = harmMethods(ticks, base, plannedForZ(0.05, base, base * times))
    const planned = harmPlanned(0.05, rates)
    return {
      name: `worse-${times}`,
      title: `errors ${percent(base)} → ${percent(rates[1])}, 5 % canary, a look every ${requests} requests`,
      question: 'detection',
      rollouts: [times < 1.5 ? 300 : 400, 40],
      // Above a factor of 2 a few events decide, and the formula's walk is none any more.
      ...(times > 1.25 && times <= 2 ? { plans: { [PLAIN]: planned } } : {}),
      ...(times === 5 ? { medianAtMost: { serin: 5000 } } : {}),
      run: (random) =>
        race(
          drawTicks(random, ticks, () => ({ pi: 0.05, requests, rates })),
          { ...methods(), [PLAIN]: plainHarm() },
        ),
    }
  })
}

/** Frequent errors of a canary that is a little worse: of a difference there is a bet, however small a part it is. */
export function errorsSlightlyWorse(): Scenario[] {
  const plan = harmPlan(200, [20])
  return [1.03, 1.05].map((times) => {
    const rates = [0.2, 0.2 * times] as const
    return {
      name: `slightly-worse-${times}`,
      title: `errors 20 % → ${percent(rates[1])}, 20 % canary, a look every 5,000 requests`,
      question: 'detection',
      rollouts: [200, 40],
      medianAtMost: { serin: 600_000 },
      run: (random) =>
        race(
          drawTicks(random, 200, () => ({ pi: 0.2, requests: 5000, rates })),
          {
            serin: serinHarm(plan),
            'peeked z': peekedZ(),
            'z once, as planned': fixedZ(plannedForZ(0.2, rates[0], rates[1])),
          },
        ),
    }
  })
}

/** The planner's figures for harm, at other weights and factors than the race has. */
export function errorsPlanned(): Scenario[] {
  const cases = [
    { pi: 0.01, times: 2, requests: 1000 },
    { pi: 0.05, times: 1.25, requests: 2000 },
    { pi: 0.2, times: 2, requests: 50 },
    { pi: 0.2, times: 1.25, requests: 1000 },
    { pi: 0.5, times: 2, requests: 50 },
    { pi: 0.5, times: 1.5, requests: 100 },
  ]
  return cases.map(({ pi, times, requests }): Scenario => {
    const rates = [BASE_RATE, BASE_RATE * times] as const
    const planned = harmPlanned(pi, rates)
    return {
      name: `planned-${times}-${pi}`,
      title: `errors 1 % → ${percent(rates[1])}, ${percent(pi)} canary`,
      question: 'detection',
      rollouts: [1000, 150],
      plans: { [PLAIN]: planned },
      run: (random) =>
        race(
          drawTicks(random, 1000, () => ({ pi, requests, rates })),
          { [PLAIN]: plainHarm() },
        ),
    }
  })
}

/** Proving that errors are no more than a margin above the baseline's. */
export function errorsProved(): Scenario[] {
  const cases = [
    { margin: 0.25, pi: 0.2, floor: 0, requests: 500, ticks: 800 },
    { margin: 0.5, pi: 0.2, floor: 0, requests: 250, ticks: 500 },
    { margin: 1, pi: 0.2, floor: 0, requests: 100, ticks: 500 },
    { margin: 0.5, pi: 0.05, floor: 0.001, requests: 500, ticks: 600 },
    { margin: 0.5, pi: 0.2, floor: 0.001, requests: 250, ticks: 500 },
    { margin: 0.5, pi: 0.5, floor: 0.001, requests: 200, ticks: 400 },
  ]
  return cases.flatMap(({ margin, pi, floor, requests, ticks }): Scenario[] => {
    const metric = {
      kind: 'error-rate',
      maxIncrease: '0%',
      sensitivity: `${100 * margin}%`,
      floor: `${100 * floor}%`,
    }
    const plan = planFor({ errors: metric }, { maxTicks: ticks })
    const planned = eventsPlan({
      direction: 'below',
      pi,
      ratio: 1 + margin,
      alpha: 0.05,
      ratePerSecond: 1,
      settleSeconds: 0,
      baselineRate: BASE_RATE,
      canaryRate: BASE_RATE,
      floor,
    })!
    const name = `${margin}-${pi}-${floor}`
    const what = `margin ${percent(margin)}, floor ${percent(floor)}, ${percent(pi)} canary`
    const run =
      (canaryRate: number): Scenario['run'] =>
      (random) =>
        race(
          drawTicks(random, ticks, () => ({ pi, requests, rates: [BASE_RATE, canaryRate] })),
          { serin: serinProof(plan) },
        )
    const atMargin: Scenario = {
      name: `margin-${name}`,
      title: `errors of the canary exactly at the margin: ${what}`,
      question: 'false-promotion',
      rollouts: [800, 60],
      promises: { serin: 0.05 },
      run: run(BASE_RATE * (1 + margin) + floor),
    }
    return [
      {
        name: `proof-${name}`,
        title: `errors 1 % on both sides, to be proved: ${what}`,
        question: 'proof',
        rollouts: [400, 60],
        plans: { serin: planned },
        run: run(BASE_RATE),
      },
      ...(margin === 0.5 ? [atMargin] : []),
    ]
  })
}

function harmPlanned(pi: number, [baselineRate, canaryRate]: readonly [number, number]) {
  return eventsPlan({
    direction: 'above',
    pi,
    ratio: 1,
    alpha: 0.05,
    ratePerSecond: 1,
    settleSeconds: 0,
    baselineRate,
    canaryRate,
    floor: 0,
  })!
}

/** Every rule that is compared, as a maker of one rollout's watchers; plans are read once. */
function harmMethods(ticks: number, limit: number, plannedZ: number) {
  const plan = harmPlan(ticks)
  return () => ({
    ...serinHarms(plan, { serin: 0.05, 'serin, α 1 %': 0.01 }),
    'peeked z': peekedZ(),
    'z once, as planned': fixedZ(plannedZ),
    asymptotic: asymptotic(false),
    'point rule': pointRule(),
    [`Flagger, limit ${percent(limit)}`]: flagger(limit),
  })
}

function harmPlan(maxTicks: number, weights: readonly number[] = [5]) {
  return planFor(ERRORS, { maxTicks, weights })
}

function percent(share: number): string {
  return `${Math.round(share * 1e6) / 1e4} %`
}
