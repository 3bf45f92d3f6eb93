import t from 'tap'
import { RATIO_ALPHA, ratioLogEvidence } from '../../src/statistics/ratio-mismatch.ts'
import { mixStarts } from '../../src/statistics/start-mixture.ts'
import { near } from './near.ts'

t.test('The evidence of a mismatched ratio has its reference values.', async (t) => {
  near(t, ratioLogEvidence([{ pi: 0.05, canary: 560, total: 10_000 }]), 1.48566448, 1e-8)
  near(t, ratioLogEvidence([{ pi: 0.05, canary: 500, total: 10_000 }]), -0.346657143, 1e-8)
  near(t, ratioLogEvidence([{ pi: 0.05, canary: 620, total: 10_000 }]), 6.907712748, 1e-8)
})

t.test('Nothing counted is no evidence, and strata multiply.', async (t) => {
  t.equal(ratioLogEvidence([]), 0)
  near(t, ratioLogEvidence([{ pi: 0.3, canary: 0, total: 0 }]), 0)
  const strata = [
    { pi: 0.05, canary: 560, total: 10_000 },
    { pi: 0.2, canary: 1900, total: 10_000 },
  ]
  near(
    t,
    ratioLogEvidence(strata),
    strata.reduce((sum, stratum) => sum + ratioLogEvidence([stratum]), 0),
  )
})

t.test('Over all draws the evidence has expectation 1 at the configured share.', async (t) => {
  for (const pi of [0.05, 0.5]) {
    let [sum, ways] = [0, 1]
    for (let canary = 0; canary <= 12; canary += 1) {
      const log = ratioLogEvidence([{ pi, canary, total: 12 }])
      sum += ways * pi ** canary * (1 - pi) ** (12 - canary) * Math.exp(log)
      ways = (ways * (12 - canary)) / (canary + 1)
    }
    near(t, sum, 1, 1e-9)
  }
})

t.test('Both too many and too few units of the canary are found.', async (t) => {
  const threshold = Math.log(1 / RATIO_ALPHA)
  t.ok(ratioLogEvidence([{ pi: 0.5, canary: 51_500, total: 100_000 }]) > threshold)
  t.ok(ratioLogEvidence([{ pi: 0.5, canary: 48_500, total: 100_000 }]) > threshold)
  t.ok(ratioLogEvidence([{ pi: 0.5, canary: 50_000, total: 100_000 }]) < 0)
})

t.test('A share that is off is found after a known number of units.', async (t) => {
  const found = (pi: number, share: number) => {
    let total = 0
    const log = () => mixStarts([ratioLogEvidence([{ pi, canary: total * share, total }])])
    while (log() < Math.log(1 / RATIO_ALPHA) && total < 1e5) total += 100
    return total
  }
  t.same([found(0.05, 0.055), found(0.05, 0.06), found(0.5, 0.51)], [41_000, 13_800, 50_900])
})
