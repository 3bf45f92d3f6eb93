import t from 'tap'
import { figuresOf, roleOf, verdictOf } from '../../../src/admin/dashboard/service/metric-words.ts'
import { presentMetric } from '../../../src/admin/present-metric.ts'
import { verdictFigures } from '../../../src/domain/metric-facts.ts'
import type { MetricReport } from '../../../src/domain/verdict.ts'
import { fakeMetric } from '../fake-deps.ts'

const metric = (changes: Partial<MetricReport>) => presentMetric(fakeMetric(changes))

t.test('A metric that failed says whether evidence or a limit failed it.', async (t) => {
  const harm = { ...fakeMetric().evidence, harm: { log: 5, threshold: 4.6 } }
  const none = { ...harm, harm: null, nonInferiority: null }
  const limit = { max: 5, min: null, ticksBeyond: 3, baselineBeyond: false, tooFew: false }
  const failed = { verdict: 'failed' } as const
  t.equal(verdictOf(metric({ ...failed, evidence: harm, limit })), 'worse')
  t.equal(verdictOf(metric({ ...failed, limit })), 'beyond its limit')
  t.equal(verdictOf(metric({ ...failed, limit, evidence: none })), 'beyond its limit')
  const disagree = { ...failed, kind: 'disagreement', evidence: harm, limit }
  t.equal(verdictOf(metric(disagree)), 'beyond its limit')
  t.equal(verdictOf(metric({ ...failed, kind: 'drift', evidence: harm })), 'shift flagged')
  t.equal(verdictOf(metric({ verdict: 'successful', limit })), 'no worse')
  const kept = { verdict: 'successful', limit, evidence: none } as const
  t.equal(verdictOf(metric(kept)), 'within its limit')
  t.equal(verdictOf(metric({ limit })), 'not known yet')
  t.equal(verdictOf(metric({ evidence: harm })), 'worse by little')
})

t.test('A limit says what is held against it where the metric shows something else.', async (t) => {
  const limit = { max: 5, min: null, ticksBeyond: 3, baselineBeyond: false, tooFew: false }
  const none = { value: null, n: 0 }
  const noteOf = (
    changes: Partial<
      typeof limit & { canary: object; baseline: object; byChance: boolean; countsAs: number }
    >,
  ) => {
    const figures = figuresOf(metric({ kind: 'rmse', limit: { ...limit, ...changes } as never }))
    return figures.find(({ label }) => label === 'limit')!.note
  }
  const held = { baseline: none, canary: { value: 14.2, n: 312 } }
  t.equal(noteOf(held), '14.2 (n 312) is held against it')
  const both = { ...held, baselineBeyond: true }
  t.equal(noteOf(both), '14.2 (n 312) is held against it; the baseline is beyond it too')
  t.equal(
    noteOf({ ...held, byChance: true }),
    '14.2 (n 312) is held against it; what is beyond it may be so by chance',
  )
  t.equal(
    noteOf({ ...held, byChance: true, countsAs: 36 }),
    '14.2 (n 312) is held against it; what is beyond it may be so by chance; by key it counts as 36',
  )
  t.equal(noteOf({}), '', 'an older decision has no figures of it')
  const { baseline, canary } = fakeMetric()
  t.equal(noteOf({ baseline, canary }), '')
  const failed = { verdict: 'failed' } as const
  const broken = metric({ ...failed, limit: { ...limit, ...held } })
  t.same(verdictFigures(broken), held)
  const harm = { ...fakeMetric().evidence, harm: { log: 5, threshold: 4.6 } }
  const shown = metric({ ...failed, evidence: harm, limit: { ...limit, ...held } })
  t.same(verdictFigures(shown), shown)
})

t.test('A metric says what its failure does.', async (t) => {
  t.equal(roleOf(metric({})), 'rolls back')
  t.equal(roleOf(metric({ onFailure: 'pause', outsideAlpha: true })), 'pauses · outside α')
  const guard = { name: 'rmse/label-missing', kind: 'label-missing', required: false } as const
  t.equal(roleOf(metric({ ...guard, onFailure: 'pause' })), 'label-missing · pauses')
  t.equal(roleOf(metric({ required: false, onFailure: 'warn' })), 'only reported')
})
