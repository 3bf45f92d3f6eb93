import t from 'tap'
import { describeRollback } from '../../src/domain/describe-rollback.ts'

t.test('a rollback is told by who or what brought it about', async (t) => {
  t.equal(describeRollback('operator'), 'by an operator')
  t.equal(describeRollback('breaker'), 'by the breaker')
  t.equal(describeRollback('variant-down'), 'because no upstream of the canary answered')
  t.equal(describeRollback('max-duration'), 'because its time was over')
  t.equal(describeRollback('rmse/label-missing'), 'because of rmse/label-missing')
})
