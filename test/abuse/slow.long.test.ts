import t from 'tap'
import { skipWithout } from '../e2e/support/programs.ts'
import { checkSlow } from './support/check-slow.ts'

const PLAN = { connections: 1_000, perSecond: 200, seconds: 20, factor: 2, graceMs: 2 }

for (const mode of ['headers', 'body', 'read'] as const) {
  t.test(
    `1,000 slow connections (${mode}) at most double the p99 of everybody else.`,
    skipWithout('slowhttptest'),
    async (t) => {
      t.setTimeout(300_000)
      await checkSlow(t, mode, PLAN)
    },
  )
}
