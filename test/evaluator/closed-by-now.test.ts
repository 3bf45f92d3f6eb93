import t from 'tap'
import { closedByNow } from '../../src/evaluator/closed-by-now.ts'
import { state } from '../fakes/rollout.ts'
import { sampleCohort } from '../store/samples.ts'

const record = (...cohorts: ReturnType<typeof sampleCohort>[]) => ({
  ...{ state: state(), evidence: null, units: [] },
  cohorts,
})

t.test(
  'cohorts that a clock ahead has closed are closed now, the others as they were',
  async (t) => {
    const closed = sampleCohort(1, { closedAt: 900, settledAt: 950 })
    const open = sampleCohort(2)
    const ahead = sampleCohort(3, { closedAt: 2000 })
    const settled = sampleCohort(4, { closedAt: 3000, settledAt: 4000 })
    const found = closedByNow(record(closed, open, ahead, settled), 1000)
    t.strictSame(found.cohorts, [
      closed,
      open,
      { ...ahead, closedAt: 1000 },
      { ...settled, closedAt: 1000, settledAt: 1000 },
    ])
  },
)

t.test('nothing is made anew where no clock was ahead', async (t) => {
  const all = record(sampleCohort(1, { closedAt: 1000, settledAt: 1000 }), sampleCohort(2))
  t.equal(closedByNow(all, 1000), all)
})
