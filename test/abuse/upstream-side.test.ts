import t from 'tap'
import { checkFuzz, startUpstreamFuzz } from './support/check-fuzz.ts'
import { readNumber } from './support/run-cases.ts'

t.test('Mutated answers reach their own client alone, well-formed or visibly cut.', async (t) => {
  t.setTimeout(120_000)
  const seed = readNumber('SERIN_FUZZ_SEED', 20_260_101)
  const count = readNumber('SERIN_FUZZ_COUNT', 300)
  await checkFuzz(t, await startUpstreamFuzz(t), { seed, count })
})
