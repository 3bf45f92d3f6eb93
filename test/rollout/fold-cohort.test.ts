import t from 'tap'
import type { EventEvidence, Evidence } from '../../src/domain/evidence.ts'
import { NO_PAIR_EVIDENCE } from '../../src/rollout/fold-pairs.ts'
import { foldAssignments, foldHypothesis } from '../../src/rollout/fold-cohort.ts'
import { forgetChangedMargins } from '../../src/rollout/forget-margins.ts'
import { emptyEvidence, withNewHypotheses } from '../../src/statistics/empty-evidence.ts'
import { bets, cohort, events } from '../fakes/evidence.ts'
import { plan } from '../fakes/rollout.ts'
import { ERRORS, RMSE } from '../fakes/simulated-service.ts'

const PLAN = plan({ analysis: { metrics: [ERRORS, RMSE] } })
const NONE = emptyEvidence('1.4->2.0#1', PLAN.hypotheses, 1)
const byId = (id: string) => PLAN.hypotheses.find((h) => h.id === id)!
const unasked = () => {
  throw new Error('units without keys have no history')
}

t.test('a cohort adds to the one hypothesis that it is folded for', (t) => {
  const tallies = { errors: events([80, 20], [8, 2]), rmse: bets([80, 20], [4, 4], 1) }
  const after = foldHypothesis(NONE, byId('errors'), cohort(PLAN, { tallies }), unasked)
  t.match(after.hypotheses['errors'], { trials: [80, 20], events: [8, 2], foldedThrough: 1 })
  t.equal(after.hypotheses['rmse'], NONE.hypotheses['rmse'])
  const both = foldHypothesis(after, byId('rmse'), cohort(PLAN, { tallies }), unasked)
  t.match(both.hypotheses['rmse'], { stepMoments: { n: [80, 20], sum: [320, 80] } })
  t.end()
})

t.test('warm-up cohorts add nothing, to no hypothesis and not to the ratio test', (t) => {
  const warm = cohort(PLAN, {
    judged: false,
    assigned: [80, 20],
    tallies: { errors: events([80, 20], [8, 2]) },
  })
  t.same(foldHypothesis(NONE, byId('errors'), warm, unasked), NONE)
  t.equal(foldAssignments(NONE, warm), NONE)
  t.end()
})

t.test('a cohort in which the canary was alone adds to the figures of its step alone', (t) => {
  const tallies = { errors: events([0, 100], [0, 10]) }
  const alone = cohort(PLAN, { pi: 1, step: 3, assigned: [0, 100], tallies })
  t.equal(foldAssignments(NONE, alone), NONE)
  const after = foldHypothesis(NONE, byId('errors'), alone, unasked).hypotheses['errors']
  t.match(after, { step: 3, stepTrials: [0, 100], stepEvents: [0, 10], trials: [0, 0], proof: [] })
  t.end()
})

t.test('a cohort of a version that did not ask a question adds nothing to it', (t) => {
  const whole = cohort(PLAN, { tallies: { errors: events([80, 20], [8, 2]) } })
  const { 'client-error': _, ...tallies } = whole.tallies
  t.same(foldHypothesis(NONE, byId('client-error'), { ...whole, tallies }, unasked), NONE)
  t.end()
})

t.test('evidence of a version that did not ask a question begins with nothing of it', (t) => {
  const { 'client-error': _, ...hypotheses } = NONE.hypotheses
  const old = { ...NONE, hypotheses, starts: [1, 5] }
  const known = withNewHypotheses(old, PLAN.hypotheses)
  t.same(known, { ...NONE, starts: [1, 5] })
  t.equal(withNewHypotheses(known, PLAN.hypotheses), known)
  const tallies = { 'client-error': events([80, 20], [8, 2]) }
  const late = cohort(PLAN, { number: 6, epoch: 1, tallies })
  const { harm } = foldHypothesis(known, byId('client-error'), late, unasked).hypotheses[
    'client-error'
  ] as EventEvidence
  const stratum = { pi: 0.2, baseline: 8, canary: 2, trials: 100 }
  t.same(harm, [[stratum], [stratum]])
  t.end()
})

t.test('the draws of a cohort go to the ratio test', (t) => {
  const after = foldAssignments(NONE, cohort(PLAN, { assigned: [80, 20] }))
  t.same(after.ratio.starts, [[{ pi: 0.2, canary: 20, total: 100 }]])
  t.end()
})

t.test('labels that did not come are those assigned without the ones that did', (t) => {
  const labelled = { 'rmse/label-missing': events([78, 11], [0, 0]) }
  const waited = cohort(PLAN, { assigned: [80, 20], tallies: labelled })
  const after = foldHypothesis(NONE, byId('rmse/label-missing'), waited, unasked)
  const found = after.hypotheses['rmse/label-missing'] as EventEvidence
  t.match(found, { trials: [80, 20], events: [2, 9] })
  t.same(found.harm, [[{ pi: 0.2, baseline: 2, canary: 9, trials: 100 }]])
  t.end()
})

t.test('labels that came and could not be scored are missing too, and counted', (t) => {
  const id = 'rmse/label-missing'
  const fold = (evidence: Evidence, number: number, unscored: [number, number]) => {
    const tallies = { [id]: events([70, 11], unscored) }
    const waited = cohort(PLAN, { number, assigned: [80, 20], tallies })
    return foldHypothesis(evidence, byId(id), waited, unasked)
  }
  const first = fold(NONE, 1, [0, 0])
  t.equal((first.hypotheses[id] as EventEvidence).unscored, undefined)
  const second = fold(first, 2, [4, 1])
  t.match(second.hypotheses[id], { trials: [160, 40], events: [20, 18], unscored: [4, 1] })
  const third = fold(second, 3, [2, 1])
  t.match(third.hypotheses[id], { unscored: [6, 2] })
  t.match(fold(third, 4, [0, 0]).hypotheses[id], { unscored: [6, 2] }, 'they stay')
  t.end()
})

t.test('labels are missed only where predictions are looked at', (t) => {
  const labelled = { 'rmse/label-missing': events([7, 1], [0, 0]) }
  const sampled = cohort(PLAN, { assigned: [80, 20], observed: [8, 3], tallies: labelled })
  const after = foldHypothesis(NONE, byId('rmse/label-missing'), sampled, unasked)
  t.match(after.hypotheses['rmse/label-missing'], { trials: [8, 3], events: [1, 2] })
  t.end()
})

t.test('with keys, each one counts from the start point that its history says', (t) => {
  const keyed = plan({}, true)
  const tally = {
    ...events([80, 20], [8, 2]),
    harmEvents: [0, 0] as [number, number],
    harmUnits: [[7], [8, 9]] as [number[], number[]],
  }
  const asked: unknown[] = []
  const after = foldHypothesis(
    { ...emptyEvidence('1.4->2.0#1', keyed.hypotheses, 1), starts: [1, 5] },
    keyed.hypotheses[0]!,
    cohort(keyed, { epoch: 1, tallies: { errors: tally } }),
    (...args) => (asked.push(args), [[1], [0, 0]]),
  )
  t.same(asked, [['errors', 1, [[7], [8, 9]]]])
  const { harm } = after.hypotheses['errors'] as EventEvidence
  t.same(
    harm.map(([s]) => [s!.baseline, s!.canary]),
    [
      [0, 2],
      [1, 2],
    ],
  )
  t.end()
})

t.test(
  'a cohort that has lost a share is judged by what was known at once, not by feedback',
  (t) => {
    const tallies = { errors: events([80, 20], [8, 2]), rmse: bets([80, 20], [4, 4], 1) }
    for (const shares of ['complete', 'incomplete'] as const) {
      const found = cohort(PLAN, { tallies, shares })
      const errors = foldHypothesis(NONE, byId('errors'), found, unasked).hypotheses['errors']
      t.match(errors, { trials: [80, 20] })
      const rmse = foldHypothesis(NONE, byId('rmse'), found, unasked).hypotheses['rmse']
      t.equal(rmse === NONE.hypotheses['rmse'], shares === 'incomplete')
    }
    t.end()
  },
)

t.test('what was the largest evidence under another margin is forgotten with it', (t) => {
  const sup = { harm: 3, proof: 2, stepProof: 1 }
  const errors = { ...(NONE.hypotheses['errors'] as EventEvidence), sup }
  const before: Evidence = { ...NONE, hypotheses: { ...NONE.hypotheses, errors } }
  const { margins } = PLAN.fingerprint
  t.equal(forgetChangedMargins(before, margins, margins), before)
  const asked = (change: object) =>
    plan({ analysis: { metrics: [{ ...ERRORS, ...change }, RMSE] } }).fingerprint.margins
  for (const other of [asked({ maxChange: 0.2 }), asked({ floor: 0.5 })]) {
    const after = forgetChangedMargins(before, margins, other)
    t.match(after.hypotheses['errors'], { sup: { harm: 0, proof: 0, stepProof: 0 } })
    t.equal(after.hypotheses['rmse'], before.hypotheses['rmse'])
  }
  t.match(forgetChangedMargins(before, undefined, margins).hypotheses['errors']!.sup, { harm: 0 })
  t.equal(
    forgetChangedMargins(before, margins, asked({ maxChange: null })),
    before,
    'none is asked',
  )
  const latched = { 'errors/mirror': { harm: 4, proof: 0 }, 'rmse/mirror': { harm: 1, proof: 2 } }
  const pairs = { ...NO_PAIR_EVIDENCE, sup: latched }
  const mirrored = forgetChangedMargins({ ...before, pairs }, margins, asked({ maxChange: 0.2 }))
  t.same(mirrored.pairs!.sup, { 'rmse/mirror': { harm: 1, proof: 2 } }, 'of pairs, too')
  const unknown = margins.replaceAll('errors', 'faults')
  t.same(forgetChangedMargins(before, margins, unknown), before, 'of which it has nothing yet')
  t.end()
})
