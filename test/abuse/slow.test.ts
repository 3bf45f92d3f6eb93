import t from 'tap'
import { skipWithout } from '../e2e/support/programs.ts'
import { checkSlow } from './support/check-slow.ts'

// Other suites run beside this one, so the bound on the time tells a gateway that stands still from one that
// does not, and no more; that every request is answered holds anywhere.
const PLAN = { connections: 100, perSecond: 50, seconds: 3, factor: 5, graceMs: 1_500 }

for (const mode of ['headers', 'body', 'read'] as const) {
  t.test(
    `100 slow connections (${mode}) keep nobody else from an answer.`,
    skipWithout('slowhttptest'),
    async (t) => {
      t.setTimeout(120_000)
      await checkSlow(t, mode, PLAN)
    },
  )
}
