import t from 'tap'
import { skipWithout } from '../e2e/support/programs.ts'
import { checkSlow, type SlowPlan } from './support/check-slow.ts'

// Other suites run beside this one, so the bound on the time tells a gateway that stands still from one that
// does not, and no more; that every request is answered holds anywhere.
const PLAN: SlowPlan = {
  ...{ connections: 100, perSecond: 50, seconds: 2, settleSeconds: 1 },
  ...{ judged: 'p50Ms', factor: 5, graceMs: 500 },
}

t.test('Slow connections do no harm.', skipWithout('slowhttptest'), async (t) => {
  t.setTimeout(120_000)
  await checkSlow(t, PLAN)
})
