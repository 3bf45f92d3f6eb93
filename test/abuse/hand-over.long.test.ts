import t from 'tap'
import { checkHandOver } from './support/check-hand-over.ts'
import { readNumber } from './support/run-cases.ts'

t.test('200,000 requests survive reloads, restarts and a hand-over.', async (t) => {
  t.setTimeout(3_600_000)
  await checkHandOver(t, 200_000, readNumber('SERIN_LOAD_SEED', Date.now() % 1_000_000_000))
})
