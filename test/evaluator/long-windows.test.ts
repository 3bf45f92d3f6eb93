import t from 'tap'
import type { Cohort } from '../../src/domain/cohort.ts'
import { CohortCycle } from '../../src/evaluator/cohort-cycle.ts'
import { cohortNumberAt } from '../../src/evaluator/cohort-number.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import type { RolloutRecord } from '../../src/store/store.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { cohort } from '../fakes/evidence.ts'
import { planOf, state } from '../fakes/rollout.ts'
import { ERRORS, ManualClock, RMSE, rolloutSpec, service } from '../fakes/simulated-service.ts'

const INTERVAL_MS = 2000

/** A process that takes a rollout up, and what the store has of it: cohorts of some requests, one after the other. */
function takeUp(windowMs: number) {
  const metrics = [ERRORS, { ...RMSE, labelWindowMs: windowMs }]
  const of = service(rolloutSpec({ analysis: { metrics, intervalMs: INTERVAL_MS } }))
  const [plan, clock] = [planOf(of), new ManualClock()]
  const book = new ServiceBook({ service: of, clock, remember: () => {}, previous: null })
  const closed = { closedAt: clock.ms, settledAt: clock.ms }
  const any = cohort(plan, { ...closed, assigned: [19, 1] })
  const first = cohortNumberAt(clock.ms - windowMs)
  const cohorts: readonly Cohort[] = Array.from({ length: windowMs / INTERVAL_MS }, (_, i) => ({
    ...any,
    number: first + (i * INTERVAL_MS) / 100,
  }))
  const none = emptyEvidence('1.4->2.0#1', plan.hypotheses, cohorts[0]!.number)
  const foldedThrough = cohorts.at(-1)!.number
  const hypotheses = plan.hypotheses.map(({ id, source }) => {
    const found = none.hypotheses[id]!
    return [id, 'windowMs' in source ? found : { ...found, foldedThrough }] as const
  })
  const evidence = { ...none, hypotheses: Object.fromEntries(hypotheses) }
  const record: RolloutRecord = { state: state(), evidence, cohorts, units: [] }
  return {
    cohorts,
    clock,
    plan,
    take: () => new CohortCycle(plan, state(), book, clock.ms, record),
  }
}

t.test('cohorts of days that wait for their labels are taken up', async (t) => {
  const { cohorts, take } = takeUp(75 * 3_600_000)
  t.equal(cohorts.length, 135_000)
  t.ok(take().lastNumber >= cohorts.at(-1)!.number)
})

t.test(
  'what was due while no process ran is folded a part at a look, and all is archived',
  async (t) => {
    const { cohorts, clock, plan, take } = takeUp(3_600_000)
    const cycle = take()
    clock.ms += 3_600_000
    const archived: Cohort[] = []
    const dropped: number[] = []
    let looks = 0
    while (cycle.fold(state(), clock.ms, clock.ms)) {
      const changes = cycle.changes()
      t.ok(changes.archive.length <= 50, `${changes.archive.length}`)
      archived.push(...changes.archive)
      dropped.push(...changes.drop)
      cycle.stored(changes)
      looks += 1
    }
    const numbers = cohorts.map(({ number }) => number)
    t.equal(looks, cohorts.length / 50)
    t.strictSame(
      archived.map(({ number }) => number),
      numbers,
    )
    t.strictSame(dropped, numbers)
    for (const { id, source } of plan.hypotheses) {
      if ('windowMs' in source)
        t.equal(cycle.evidence.hypotheses[id]!.foldedThrough, numbers.at(-1))
    }
  },
)
