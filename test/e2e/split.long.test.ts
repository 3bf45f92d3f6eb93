import t from 'tap'
import { checkSplit } from './support/check-split.ts'

t.test('100,000 requests of 10,000 keys keep to their weights and variants.', async (t) => {
  t.setTimeout(600_000)
  await checkSplit(t, 100_000, 10_000)
})
