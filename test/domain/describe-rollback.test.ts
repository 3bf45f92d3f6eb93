import t from 'tap'
import { describeRollback, describeRollbackCause } from '../../src/domain/describe-rollback.ts'

t.test('a rollback is told by who or what brought it about', async (t) => {
  t.equal(describeRollback('operator'), 'by an operator')
  t.equal(describeRollback('breaker'), 'by the breaker')
  t.equal(describeRollback('variant-down'), 'because no upstream of the canary answered')
  t.equal(describeRollback('max-duration'), 'because its time was over')
  t.equal(describeRollback('rmse/label-missing'), 'because of rmse/label-missing')
})

t.test('and the same after "because", without a second one', async (t) => {
  const cases: readonly (readonly [reason: string, clause: string])[] = [
    ['operator', 'an operator asked for it'],
    ['breaker', 'too many requests to the canary had no good answer (the breaker)'],
    ['variant-down', 'no upstream of the canary answered'],
    ['max-duration', 'its time (maxDuration) was over'],
    ['rolled-back-before', 'this version was rolled back before'],
    ['rmse/label-missing', 'the metric rmse/label-missing failed'],
  ]
  for (const [reason, clause] of cases) t.equal(describeRollbackCause(reason), clause)
})
