import t from 'tap'
import type { Hypothesis } from '../../src/domain/hypothesis.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { foldAlone } from '../../src/statistics/fold-alone.ts'
import { foldBets, foldEvents } from '../../src/statistics/fold.ts'
import { bets, events } from '../fakes/evidence.ts'
import { plan } from '../fakes/rollout.ts'
import { DRIFT, ERRORS, RMSE } from '../fakes/simulated-service.ts'

const PLAN = plan({ analysis: { metrics: [ERRORS, RMSE, DRIFT] } })
const NONE = emptyEvidence('1.4->2.0#1', PLAN.hypotheses, 0).hypotheses
const byId = (id: string): Hypothesis => PLAN.hypotheses.find((h) => h.id === id)!
const BEFORE = { cohort: 1, step: 0, pi: 0.2, epoch: 0, starts: 1 }

t.test('a cohort without a comparison adds to the events of its step alone', async (t) => {
  const none = NONE['errors'] as Parameters<typeof foldEvents>[0]
  const tally = events([80, 20], [8, 4])
  const before = foldEvents(none, { ...BEFORE, tally, harmSince: null }, byId('errors'))
  const once = foldAlone(before, { cohort: 2, step: 1 }, events([0, 50], [0, 5]))
  const twice = foldAlone(once, { cohort: 3, step: 1 }, events([0, 30], [0, 1]))
  const { harm, proof, trials, events: all, sup } = before
  t.same(twice, {
    ...{ kind: 'event', foldedThrough: 3, step: 1, harm, proof, trials, events: all },
    ...{ stepProof: [], stepTrials: [0, 80], stepEvents: [0, 6], sup: { ...sup, stepProof: 0 } },
  })
})

t.test('and to the moments of its step, whatever its tally says of bets', async (t) => {
  const none = NONE['rmse'] as Parameters<typeof foldBets>[0]
  const before = foldBets(none, { ...BEFORE, tally: bets([80, 20], [4, 5], 1, 0.1) }, byId('rmse'))
  const tally = bets([0, 50], [0, 4], 1, 9, 9)
  const after = foldAlone(before, { cohort: 2, step: 1 }, tally)
  const { harm, proof, strata, sup } = before
  t.match(after, { foldedThrough: 2, step: 1, stepProof: Array(7).fill(0) })
  t.match(after, { stepMoments: { n: [0, 50], sum: [0, 200] } })
  t.match(after, { harm, proof, strata, sup: { ...sup, stepProof: 0 } })
})

t.test('a drift has no figure of a step', async (t) => {
  const tally = { kind: 'drift', baseline: [0, 0], canary: [3, 4] } as const
  const drift = { ...tally, baseline: [...tally.baseline], canary: [...tally.canary] }
  const after = foldAlone(NONE['drift']!, { cohort: 2, step: 1 }, drift)
  t.same(after, { ...NONE['drift'], foldedThrough: 2 })
})

t.test('cohorts come in assignment order here too', async (t) => {
  const once = foldAlone(NONE['errors']!, { cohort: 2, step: 1 }, events([0, 1], [0, 0]))
  t.throws(
    () => foldAlone(once, { cohort: 2, step: 1 }, events([0, 1], [0, 0])),
    /assignment order/,
  )
})
