import t from 'tap'
import type { Pair } from '../../src/domain/cohort.ts'
import { isBaselineOutage, type Counts } from '../../src/statistics/outage.ts'

const counts = (units: number, events: number): Counts => ({
  trials: [units, 100],
  events: [events, 50] as Pair,
})

t.test('An outage is three times what was usual, and more than chance gives.', async (t) => {
  const usual = counts(1000, 9)
  t.ok(isBaselineOutage(usual, counts(100, 30)))
  t.ok(isBaselineOutage(usual, counts(100, 100)), 'nothing but failures')
  t.notOk(isBaselineOutage(usual, counts(100, 3)), 'three times, as chance may have it')
  t.notOk(isBaselineOutage(usual, counts(100_000, 2500)), 'beyond chance, but not three times')
  t.notOk(isBaselineOutage(usual, counts(100, 0)))
  t.notOk(isBaselineOutage(usual, counts(0, 0)))
})

t.test('Of a short past little can be said.', async (t) => {
  t.notOk(isBaselineOutage(counts(0, 0), counts(100, 100)))
  t.notOk(isBaselineOutage(counts(10, 0), counts(10, 4)))
  t.ok(isBaselineOutage(counts(100, 0), counts(10, 5)))
})

t.test(
  'Where nothing changes an outage is seen less than once in a million cohorts.',
  async (t) => {
    // The exact chance of each number of events among 200 units at a share of 2 %, known from a long past.
    const [units, share] = [200, 0.02]
    let chance = (1 - share) ** units
    let seen = 0
    for (let events = 0; events <= units; events += 1) {
      if (isBaselineOutage(counts(1e7, 2e5 - 1), counts(units, events))) seen += chance
      chance *= ((units - events) / (events + 1)) * (share / (1 - share))
    }
    t.ok(seen > 0 && seen < 1e-6, `${seen}`)
  },
)
