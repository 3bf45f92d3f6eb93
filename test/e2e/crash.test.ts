import t from 'tap'
import { checkCrashes } from './support/check-crashes.ts'

t.test('A gateway killed at four random moments goes on where its store is.', async (t) => {
  t.testdir({})
  await Promise.all([checkCrashes(t, 2, 2), checkCrashes(t, 5, 2)])
})
