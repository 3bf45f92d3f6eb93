import t from 'tap'
import { beta } from '../../bench/calibration/deviates.ts'
import { limitedKeys, type LimitedKeys } from '../../bench/calibration/limited-keys.ts'
import { createStream } from '../../bench/calibration/random.ts'
import { CANARY_SIDE } from '../../src/domain/cohort.ts'

const ZIPF = { keys: 500, skew: 1, pi: 0.2, max: 0.05, requestsPerSecond: 20, seconds: 600 }

function findings(runs: number, setting: LimitedKeys) {
  return Array.from({ length: runs }, (_, n) => limitedKeys(createStream(`keys ${n}`), setting))
}

t.test('a sound canary whose keys differ is not rolled back for one of them', async (t) => {
  const icc = 0.3
  const shape = 1 / icc - 1
  const found = findings(60, {
    ...ZIPF,
    rate: (random) => beta(random, 0.02 * shape, 0.98 * shape),
  })
  t.ok(found.some(({ byRequest }) => byRequest !== null))
  t.same(
    found.filter(({ byKey }) => byKey !== null),
    [],
  )
})

t.test('a bad one is: at once where all fails, after some more requests else', async (t) => {
  const of = (canary: number) =>
    findings(10, { ...ZIPF, rate: (_, side) => (side === CANARY_SIDE ? canary : 0.02) })
  for (const { byKey, byRequest } of of(1)) t.equal(byKey, byRequest)
  for (const { byKey, byRequest } of of(0.25)) t.ok(byKey! <= 4 * byRequest!, `${byKey}`)
  const twice = of(0.1).filter(({ byKey }) => byKey !== null)
  t.ok(twice.length >= 5, `${twice.length} of 10 at twice the limit`)
})
