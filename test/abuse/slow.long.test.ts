import t from 'tap'
import { skipWithout } from '../e2e/support/programs.ts'
import { checkSlow, type SlowPlan } from './support/check-slow.ts'

const PLAN: SlowPlan = {
  ...{ connections: 1_000, perSecond: 200, seconds: 20, settleSeconds: 8 },
  ...{ judged: 'p99Ms', factor: 2, graceMs: 2 },
}

t.test(
  'Slow connections at most double the p99 of all others.',
  skipWithout('slowhttptest'),
  async (t) => {
    t.setTimeout(900_000)
    await checkSlow(t, PLAN)
  },
)
