import type { Pair } from '../../../src/domain/cohort.ts'
import { Attempt, eventTally } from '../attempt.ts'
import { binomial } from '../deviates.ts'
import { planFor } from '../plan.ts'
import type { Random } from '../random.ts'
import type { Finding, Scenario } from '../scenario.ts'

/** Share of the requests and rate of failures of each segment. */
const SEGMENTS = {
  gold: { share: 0.1, rate: 0.004 },
  silver: { share: 0.3, rate: 0.01 },
  bronze: { share: 0.6, rate: 0.02 },
} as const
type Segment = keyof typeof SEGMENTS
const NAMES = Object.keys(SEGMENTS) as Segment[]

const PI = 0.1
const REQUESTS = 1000
const TICKS = 300

/** Errors judged for all requests and for three segments, which fail differently: alike, and one of them worse. */
export function segments(): Scenario[] {
  const errors = { kind: 'error-rate', maxIncrease: '0%', segments: true }
  const plan = planFor({ errors }, { maxTicks: TICKS, segments: NAMES })
  return [
    {
      name: 'segments-alike',
      title: 'errors of all and of three segments (0.4, 1 and 2 %), alike, 10 % canary, 300 looks',
      question: 'false-rollback',
      rollouts: [600, 40],
      promises: { serin: 0.05 },
      run: (random) => raceSegments(random, new Attempt(plan), 1),
    },
    {
      name: 'segments-one-worse',
      title: 'errors of the smallest segment, a tenth of the requests, 0.4 % → 4 %',
      question: 'detection',
      rollouts: [200, 20],
      run: (random) => raceSegments(random, new Attempt(plan), 10),
    },
  ]
}

function raceSegments(random: Random, attempt: Attempt, timesGold: number): Finding {
  for (let tick = 1; tick <= TICKS; tick += 1) {
    const cohort = attempt.open({ pi: PI })
    const all = { units: [0, 0] as Pair, events: [0, 0] as Pair }
    let left = REQUESTS
    let shareLeft = 1
    for (const name of NAMES) {
      const { share, rate } = SEGMENTS[name]
      const n = binomial(random, left, share / shareLeft)
      left -= n
      shareLeft -= share
      const canary = binomial(random, n, PI)
      const units: Pair = [n - canary, canary]
      const times = name === 'gold' ? timesGold : 1
      const events: Pair = [
        binomial(random, units[0], rate),
        binomial(random, units[1], rate * times),
      ]
      for (const side of [0, 1] as const) {
        all.units[side] += units[side]
        all.events[side] += events[side]
      }
      cohort.tallies[`errors@${name}`] = eventTally({ units, events })
    }
    cohort.tallies['errors'] = eventTally(all)
    attempt.fold(cohort)
    if (attempt.isHarmed()) return { serin: tick * REQUESTS }
  }
  return { serin: null }
}
