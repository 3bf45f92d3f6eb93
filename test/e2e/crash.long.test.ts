import t from 'tap'
import { checkCrashes } from './support/check-crashes.ts'

t.test('A gateway killed at twenty random moments goes on where its store is.', async (t) => {
  t.setTimeout(600_000)
  t.testdir({})
  await Promise.all([11, 12, 13, 14].map((seed) => checkCrashes(t, seed, 5)))
})
