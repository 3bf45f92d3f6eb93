import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { NO_PAIRS, type PairCounts } from '../../src/domain/pairs.ts'
import {
  pairedHarmLogEvidence,
  pairedProofLogEvidence,
  shareAboveLogEvidence,
  shareBelowLogEvidence,
  shareBounds,
} from '../../src/statistics/paired-bet.ts'
import { near } from './near.ts'

const counts = (change: Partial<PairCounts>): PairCounts => ({ ...NO_PAIRS, ...change })

/** Probability of each way in which a pair can end, for independent failures. */
function fates(
  canary: number,
  baseline: number,
): readonly { readonly p: number; readonly counts: Partial<PairCounts> }[] {
  return [
    { p: canary * (1 - baseline), counts: { canaryFailed: 1 } },
    { p: (1 - canary) * baseline, counts: { baselineFailed: 1 } },
    { p: canary * baseline, counts: { bothFailed: 1 } },
    { p: (1 - canary) * (1 - baseline), counts: {} },
  ]
}

/** E of the e-value after `n` pairs, by enumeration of all orders. */
function expectation(
  ways: ReturnType<typeof fates>,
  n: number,
  evidence: (counts: PairCounts) => number,
): number {
  const walk = (left: number, p: number, sum: PairCounts): number => {
    if (left === 0) return p * Math.exp(evidence(sum))
    return ways.reduce((all, way) => {
      const { canaryFailed = 0, baselineFailed = 0, bothFailed = 0 } = way.counts
      return (
        all +
        walk(left - 1, p * way.p, {
          ...sum,
          pairs: sum.pairs + 1,
          canaryFailed: sum.canaryFailed + canaryFailed,
          baselineFailed: sum.baselineFailed + baselineFailed,
          bothFailed: sum.bothFailed + bothFailed,
        })
      )
    }, 0)
  }
  return walk(n, 1, NO_PAIRS)
}

t.test('failures alike are proved within a small margin, by bets that are as small', (t) => {
  const alike = counts({ pairs: 1e6, canaryFailed: 20_000, baselineFailed: 20_000 })
  t.ok(pairedProofLogEvidence(alike, 1.05, 0) > Math.log(20))
  t.ok(pairedProofLogEvidence(alike, 1, 0) < 0, 'and better than it is none of them')
  t.end()
})

t.test('evidence of harm is worth 1 at its null, less below it, more above it', (t) => {
  for (const ratio of [1, 1.2, 1.5]) {
    const at = (canary: number) =>
      expectation(fates(canary, 0.2), 5, (c) => pairedHarmLogEvidence(c, ratio))
    near(t, at(0.2 * ratio), 1, 1e-9)
    t.ok(at(0.1 * ratio) < 1)
    t.ok(at(0.3 * ratio) > 1)
  }
  t.end()
})

t.test('evidence of being no worse is worth 1 at its null, with its allowance', (t) => {
  for (const [ratio, floor] of [
    [1.5, 0],
    [1.5, 0.05],
    [1.1, 0.2],
  ] as const) {
    const at = (canary: number) =>
      expectation(fates(canary, 0.2), 5, (c) => pairedProofLogEvidence(c, ratio, floor))
    near(t, at(0.2 * ratio + floor), 1, 1e-9)
    t.ok(at(0.2 * ratio + floor + 0.1) < 1)
    t.ok(at(0.1) > 1)
  }
  t.end()
})

t.test('at ratio 1 only pairs in which one of the two fails say anything', (t) => {
  const some = { canaryFailed: 9, baselineFailed: 4 }
  const evidence = pairedHarmLogEvidence(counts({ pairs: 13, ...some }), 1)
  near(t, pairedHarmLogEvidence(counts({ pairs: 900, bothFailed: 80, ...some }), 1), evidence, 1e-9)
  t.end()
})

t.test('a service without failures is proved within its floor, and its pairs count', (t) => {
  const at = (pairs: number) => pairedProofLogEvidence(counts({ pairs }), 1.5, 0.01)
  t.equal(at(0), 0)
  t.ok(at(2000) > Math.log(20))
  t.end()
})

t.test('evidence on a share is worth 1 where the share is the limit', (t) => {
  const limit = 0.05
  const at = (p: number, evidence: typeof shareAboveLogEvidence) => {
    const n = 12
    let [sum, ways] = [0, 1]
    for (let hits = 0; hits <= n; hits++) {
      sum += ways * p ** hits * (1 - p) ** (n - hits) * Math.exp(evidence(hits, n, limit))
      ways *= (n - hits) / (hits + 1)
    }
    return sum
  }
  near(t, at(limit, shareAboveLogEvidence), 1, 1e-9)
  near(t, at(limit, shareBelowLogEvidence), 1, 1e-9)
  t.ok(at(0.02, shareAboveLogEvidence) < 1)
  t.ok(at(0.1, shareAboveLogEvidence) > 1)
  t.ok(at(0.1, shareBelowLogEvidence) < 1)
  t.ok(at(0.02, shareBelowLogEvidence) > 1)
  t.end()
})

t.test('the bounds of a share are the limits at which the evidence decides', (t) => {
  const { lower, upper } = shareBounds(60, 500, 0.025)
  t.ok(lower < 0.12 && upper > 0.12)
  near(t, shareAboveLogEvidence(60, 500, lower), Math.log(40), 1e-4)
  near(t, shareBelowLogEvidence(60, 500, upper), Math.log(40), 1e-4)
  t.end()
})

t.test(
  'of nothing, and of what always or never happens, the bounds are as wide as they must be',
  (t) => {
    t.same(shareBounds(0, 0, 0.05), { lower: 0, upper: 1 })
    t.match(shareBounds(0, 500, 0.05), { lower: 0 })
    t.ok(shareBounds(0, 500, 0.05).upper < 0.02)
    t.match(shareBounds(500, 500, 0.05), { upper: 1 })
    t.same(shareBounds(1, 2, 0.05), { lower: 0, upper: 1 }, 'two pairs exclude nothing')
    t.end()
  },
)

t.test('looked at after every pair, the bounds hold in nearly all runs', (t) => {
  const random = createRandom(7)
  let missed = 0
  for (let run = 0; run < 200; run++) {
    let hits = 0
    let isMissed = false
    for (let n = 1; n <= 600 && !isMissed; n++) {
      if (random() < 0.05) hits++
      isMissed =
        shareAboveLogEvidence(hits, n, 0.05) >= Math.log(20) ||
        shareBelowLogEvidence(hits, n, 0.05) >= Math.log(20)
    }
    if (isMissed) missed++
  }
  t.ok(missed <= 20, `${missed} of 200 at twice 5 %`)
  t.end()
})
