import t from 'tap'
import { checkHandOver } from './support/check-hand-over.ts'

t.test('2,000 requests survive reloads, restarts and a hand-over.', async (t) => {
  t.setTimeout(110_000)
  await checkHandOver(t, 2_000, 20_260_101)
})
