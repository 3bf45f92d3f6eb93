import t from 'tap'
import { checkFuzz, startClientFuzz } from './support/check-fuzz.ts'
import { readNumber } from './support/run-cases.ts'

t.test('Mutated requests harm nobody, are answered or cut, and reach no upstream.', async (t) => {
  t.setTimeout(120_000)
  const seed = readNumber('SERIN_FUZZ_SEED', 20_260_101)
  const count = readNumber('SERIN_FUZZ_COUNT', 800)
  await checkFuzz(t, await startClientFuzz(t), { seed, count })
})
