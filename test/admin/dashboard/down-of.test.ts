import t from 'tap'
import { downOf } from '../../../src/admin/dashboard/parts/down-of.ts'

t.test('who gets requests and has no healthy upstream is named', (t) => {
  const well = { healthy: 1, upstreams: 2 }
  const down = { healthy: 0, upstreams: 2 }
  const weights = { baseline: 90, canary: 10 }
  t.equal(downOf({ baseline: well, canary: well }, weights), null)
  t.equal(downOf({ baseline: down, canary: well }, weights), 'baseline')
  t.equal(downOf({ baseline: well, canary: down }, { baseline: 100, canary: 0 }), null)
  t.equal(downOf({ baseline: well, shadow: down }, weights), null, 'copies alone')
  t.equal(downOf({ baseline: { healthy: 0, upstreams: 0 } }, weights), null, 'not known yet')
  t.end()
})
