import type { Pair } from '../../../src/domain/cohort.ts'
import { planFor } from '../plan.ts'
import { plainHarm, race, serinHarm, serinProof, type RaceTick } from '../race.ts'
import type { Random } from '../random.ts'
import type { Finding, Scenario } from '../scenario.ts'
import { drawTicks, type TickSetting } from './draw-events.ts'

const RATE = 0.01
const METRICS = { errors: { kind: 'error-rate', maxIncrease: '0%', floor: '0%' } }
/** How many ticks later the failures of the slow side come. */
const LATE = 30
const ON_ARRIVAL = 'folded on arrival'

/** Failures of one side that come later, and a canary that breaks late. */
export function timing(): Scenario[] {
  const ticks = 300
  const plan = planFor(METRICS, { maxTicks: ticks })
  const rampPlan = planFor(METRICS, { maxTicks: 400, weights: [5, 20, 50] })
  const onsetPlan = planFor(METRICS, { maxTicks: 400 })
  return [
    {
      name: 'late-baseline',
      title: `errors alike; those of the baseline come ${LATE} ticks later (timeouts)`,
      question: 'false-rollback',
      rollouts: [400, 40],
      promises: { serin: 0.05 },
      mustFail: [ON_ARRIVAL],
      run: (random) => raceDelays(random, ticks, RATE, 0, () => serinHarm(plan)),
    },
    {
      name: 'late-canary',
      title: `errors of the canary at the margin (1.5 ×), ${LATE} ticks later (timeouts)`,
      question: 'false-promotion',
      rollouts: [400, 40],
      promises: { serin: 0.05 },
      mustFail: [ON_ARRIVAL],
      run: (random) => raceDelays(random, ticks, 1.5 * RATE, 1, () => serinProof(plan)),
    },
    {
      name: 'onset',
      title:
        'errors 0.7 × the baseline’s for 150 ticks of 1,000 requests, then 2 ×; requests since then',
      question: 'detection',
      rollouts: [400, 40],
      run: (random) => {
        const setting = (tick: number): TickSetting => ({
          pi: 0.05,
          requests: 1000,
          rates: [RATE, RATE * (tick < 150 ? 0.7 : 2)],
        })
        const methods = { serin: serinHarm(onsetPlan), 'without start points': plainHarm() }
        return since(150_000, race(drawTicks(random, 400, setting), methods))
      },
    },
    {
      name: 'onset-ramp',
      title:
        'errors 0.7 × the baseline’s, then 2 × as the ramp 5 → 20 → 50 % reaches 50 %; requests since then',
      question: 'detection',
      rollouts: [400, 40],
      run: (random) => {
        const setting = (tick: number): TickSetting => {
          const step = tick < 50 ? 0 : tick < 150 ? 1 : 2
          const rates = [RATE, RATE * (tick < 150 ? 0.7 : 2)] as const
          return { step, pi: [0.05, 0.2, 0.5][step]!, requests: 1000, rates }
        }
        return since(150_000, race(drawTicks(random, 400, setting), { serin: serinHarm(rampPlan) }))
      },
    },
  ]
}

/** Time since the onset; what acted before it acted at 0. */
function since(onset: number, finding: Finding): Finding {
  return Object.fromEntries(
    Object.entries(finding).map(([method, at]) => [
      method,
      at === null ? null : Math.max(0, at - onset),
    ]),
  )
}

/** In assignment order a cohort waits until all of its outcomes are there; on arrival each is counted when it comes. */
function raceDelays(
  random: Random,
  ticks: number,
  canaryRate: number,
  lateSide: 0 | 1,
  watch: () => (tick: RaceTick) => boolean,
): Finding {
  const drawn = [
    ...drawTicks(random, ticks, () => ({ pi: 0.05, requests: 1000, rates: [RATE, canaryRate] })),
  ]
  const arriving = drawn.map((tick, at): RaceTick => {
    const late = drawn[at - LATE]?.events[lateSide] ?? 0
    const events: Pair = lateSide === 0 ? [late, tick.events[1]] : [tick.events[0], late]
    return { ...tick, events }
  })
  const complete = race(drawn.slice(0, ticks - LATE), { serin: watch() })['serin'] ?? null
  return {
    serin: complete === null ? null : complete + LATE * 1000,
    ...race(arriving, { [ON_ARRIVAL]: watch() }),
  }
}
