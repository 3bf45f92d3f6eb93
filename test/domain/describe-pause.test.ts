import t from 'tap'
import { describePause } from '../../src/domain/describe-pause.ts'

t.test('a pause says who or what is behind it, not what it is called inside', async (t) => {
  t.equal(describePause('metric', 'rmse'), 'because of rmse')
  t.equal(describePause('baseline', null), 'because the baseline is sick')
  t.equal(describePause('override', null), 'because somebody set the weight')
  t.equal(describePause('of-tomorrow', null), 'because of of-tomorrow')
})
