import type { EventTally, Side } from '../../../src/domain/cohort.ts'
import { UnitIndex } from '../../../src/metrics/unit-index.ts'
import { Attempt } from '../attempt.ts'
import { beta } from '../deviates.ts'
import { planFor } from '../plan.ts'
import { serinHarm, type RaceTick } from '../race.ts'
import type { Random } from '../random.ts'
import type { Finding, Scenario } from '../scenario.ts'

const USERS = 5000
const REQUESTS = 1000
const TICKS = 100
const RATE = 0.02
const METRICS = { errors: { kind: 'error-rate', maxIncrease: '0%' } }
const AS_REQUESTS = 'every request a unit'

/** Users who keep their variant, twenty requests each, some of whom fail far more often than others. */
export function stickyUsers(): Scenario[] {
  const cases = [
    { icc: 0.02, weights: [20] },
    { icc: 0.1, weights: [20] },
    { icc: 0.3, weights: [20] },
    { icc: 0.3, weights: [5, 20, 50] },
  ]
  return cases.map(({ icc, weights }): Scenario => {
    const plan = planFor(METRICS, { maxTicks: TICKS, weights, keyed: true })
    const requestPlan = planFor(METRICS, { maxTicks: TICKS, weights })
    return {
      name: `sticky-${icc}-${weights.join('-')}`,
      title: `sticky users with a correlation of ${icc} within a user, errors 2 %, ${weights.join(' → ')} % canary, alike`,
      question: 'false-rollback',
      rollouts: [400, 40],
      promises: { serin: 0.05 },
      mustFail: icc >= 0.3 ? [AS_REQUESTS] : [],
      run: (random) => {
        const byKey = new Attempt(plan)
        const byRequest = serinHarm(requestPlan)
        return raceUsers(random, icc, weights, byKey, byRequest)
      },
    }
  })
}

function raceUsers(
  random: Random,
  icc: number,
  weights: readonly number[],
  byKey: Attempt,
  byRequest: (tick: RaceTick) => boolean,
): Finding {
  const shape = 1 / icc - 1
  const rates = Float64Array.from({ length: USERS }, () =>
    beta(random, RATE * shape, (1 - RATE) * shape),
  )
  // A user's place is fixed, so that raising the weight moves users to the canary only.
  const places = Float64Array.from({ length: USERS }, () => random())
  const index = new UnitIndex(USERS)
  const acted: { serin: number | null; [AS_REQUESTS]: number | null } = {
    serin: null,
    [AS_REQUESTS]: null,
  }
  for (let tick = 0; tick < TICKS; tick += 1) {
    const step = Math.floor((tick * weights.length) / TICKS)
    const pi = weights[step]! / 100
    const requests: RaceTick = { pi, step, units: [0, 0], events: [0, 0] }
    const tally: EventTally = {
      kind: 'event',
      trials: [0, 0],
      events: [0, 0],
      harmEvents: [0, 0],
      harmUnits: [[], []],
    }
    const failed = new Set<number>()
    for (let i = 0; i < REQUESTS; i += 1) {
      const user = Math.floor(random() * USERS)
      const side: Side = places[user]! < pi ? 1 : 0
      const isFailure = random() < rates[user]!
      requests.units[side] += 1
      if (isFailure) requests.events[side] += 1
      if (index.claim(user)) {
        tally.trials[side] += 1
        if (isFailure) tally.events[side] += 1
      }
      if (isFailure && !failed.has(user)) {
        failed.add(user)
        tally.harmUnits![side].push(user)
      }
    }
    const cohort = byKey.open({ pi, step })
    cohort.tallies['errors'] = tally
    byKey.fold(cohort, (id, epoch, units) => index.harmSince(id, epoch, units))
    const at = (tick + 1) * REQUESTS
    if (byKey.isHarmed()) acted.serin ??= at
    if (byRequest(requests)) acted[AS_REQUESTS] ??= at
  }
  return acted
}
