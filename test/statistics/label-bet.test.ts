import t from 'tap'
import type { EventStratum } from '../../src/domain/evidence.ts'
import {
  FALL_CHANGES,
  HARM_GRID,
  betChanges,
  PROOF_CHANGES,
  PROOF_GRID,
  harmLogEvidence,
  labelBetLogs,
  proofLogEvidence,
} from '../../src/statistics/label-bet.ts'
import { logMeanExp, logSumExp } from '../../src/statistics/log-sum-exp.ts'
import { near } from './near.ts'

t.test('Log-sums of exponentials neither overflow nor lose what is impossible.', async (t) => {
  near(t, logSumExp([Math.log(1), Math.log(2), Math.log(3)]), Math.log(6))
  near(t, logSumExp([1000, 1000]), 1000 + Math.log(2))
  near(t, logSumExp([-1000, -1001]), -1000 + Math.log1p(Math.exp(-1)))
  near(t, logSumExp([-Infinity, 3]), 3)
  t.equal(logSumExp([]), -Infinity)
  t.equal(logSumExp([-Infinity, -Infinity]), -Infinity)
  t.equal(logSumExp([Infinity, 0]), Infinity)
  near(t, logMeanExp([0, Math.log(3)]), Math.log(2))
})

t.test('The evidence of harm has its reference values.', async (t) => {
  near(t, harmLogEvidence([stratum(0.05, 12, 100)], 1), 1.736773273)
  t.equal(harmLogEvidence([stratum(0.05, 0, 0)], 1), 0)
  t.equal(harmLogEvidence([], 1), 0)
  near(t, harmLogEvidence([stratum(0.05, 0, 50)], 1), -1.079138807)
  near(t, harmLogEvidence([stratum(0.05, 5, 0)], 1), 8.909668014)
  near(t, harmLogEvidence(TWO_STRATA, 1), -0.023824575)
  near(t, harmLogEvidence(TWO_STRATA, 1.1), -0.533837199)
})

t.test('The evidence is the same however many others were asked for before.', async (t) => {
  const strata = [stratum(0.2, 30, 90), stratum(0.4, 3, 2)]
  const ratios = Array.from({ length: 300 }, (_, i) => 1 + i / 100)
  const first = ratios.map((ratio) => harmLogEvidence(strata, ratio))
  t.strictSame(
    ratios.map((ratio) => harmLogEvidence(strata, ratio)),
    first,
  )
  const expected = HARM_GRID.map((change) => {
    const [one, two] = [labelBetLogs(0.2, 1.1, 0, change), labelBetLogs(0.4, 1.1, 0, change)]
    return 30 * one.canary + 90 * one.baseline + (3 * two.canary + 2 * two.baseline)
  })
  near(t, harmLogEvidence(strata, 1.1), logMeanExp(expected))
  t.not(proofLogEvidence(strata, 1.1, 0.01), proofLogEvidence(strata, 1.1, 0))
  t.not(proofLogEvidence(strata, 1.1, 0), harmLogEvidence(strata, 1.1))
})

t.test(
  'The evidence of proof has its reference values, mirrored by a swap of the arms.',
  async (t) => {
    near(t, proofLogEvidence([stratum(0.2, 40, 200)], 1.25, 0), 2.479779697)
    near(t, harmLogEvidence([stratum(0.05, 12, 100)], 1.1, PROOF_GRID), 1.369546317)
    near(t, harmLogEvidence([stratum(0.05, 12, 100)], 1.1), 1.288773027)
    near(t, proofLogEvidence([stratum(0.95, 100, 12)], 1 / 1.1, 0), 1.369546317)
    near(t, proofLogEvidence([stratum(0.95, 100, 12)], 1 / 1.1, 0, FALL_CHANGES), 1.288773027)
  },
)

t.test(
  'A bet is the likelihood ratio of the labels, and the general bet with a floor.',
  async (t) => {
    for (const [pi, ratio, change] of [
      [0.05, 1, 2],
      [0.5, 1.25, -0.5],
      [0.9, 0.7, -15 / 16],
    ] as const) {
      const theta = (r: number) => (pi * r) / (1 - pi + pi * r)
      const [from, to] = [theta(ratio), theta(ratio * (1 + change))]
      const plain = labelBetLogs(pi, ratio, 0, change)
      near(t, plain.canary, Math.log(to / from))
      near(t, plain.baseline, Math.log((1 - to) / (1 - from)))
      t.equal(plain.quiet, 0)
      if (change > 0) continue
      const floor = 0.01
      const lambda = pi * (to / from - 1)
      const floored = labelBetLogs(pi, ratio, floor, change)
      near(t, floored.canary, Math.log1p(lambda * (1 / pi - floor)))
      near(t, floored.baseline, Math.log1p(-lambda * (ratio / (1 - pi) + floor)))
      near(t, floored.quiet, Math.log1p(-lambda * floor))
    }
  },
)

t.test('Over all label sequences the evidence has expectation 1 under the null.', async (t) => {
  const cases = [
    { pi: 0.05, ratio: 1, evidence: harmLogEvidence },
    { pi: 0.3, ratio: 1.1, evidence: harmLogEvidence },
    { pi: 0.2, ratio: 1.25, evidence: proofWithoutFloor },
    { pi: 0.5, ratio: 1.5, evidence: proofWithoutFloor },
  ]
  for (const { pi, ratio, evidence } of cases) {
    const theta = (pi * ratio) / (1 - pi + pi * ratio)
    for (let n = 1; n <= 12; n += 1) near(t, expectation(n, theta, pi, ratio, evidence), 1, 1e-13)
    t.ok(expectation(12, theta * 0.9, pi, ratio, harmLogEvidence) < 1, 'better: harm shrinks')
    t.ok(expectation(12, theta * 1.1, pi, ratio, proofWithoutFloor) < 1, 'worse: proof shrinks')
    t.ok(expectation(12, theta * 1.1, pi, ratio, harmLogEvidence) > 1, 'worse: harm grows')
  }
})

t.test(
  'Over all sequences of units the proof with a floor has expectation 1 at its margin.',
  async (t) => {
    for (const [pi, ratio, floor] of [
      [0.2, 1.5, 0.1],
      [0.5, 1, 0.02],
      [0.05, 1.1, 0.3],
    ] as const) {
      const baseline = 0.15
      const margin = ratio * baseline + floor
      near(t, expectationOfUnits(8, { pi, ratio, floor, baseline, canary: margin }), 1, 1e-12)
      t.ok(expectationOfUnits(8, { pi, ratio, floor, baseline, canary: margin * 1.2 }) < 1)
      t.ok(expectationOfUnits(8, { pi, ratio, floor, baseline, canary: margin * 0.8 }) > 1)
    }
  },
)

t.test('The chance ever to pass 20 under the null is that of the exact recursion.', async (t) => {
  near(t, chanceToPass(0.05, 100), 0.0099895, 5e-8)
  near(t, chanceToPass(0.05, 1000), 0.0207705, 5e-8)
  near(t, chanceToPass(0.5, 100), 0.0209535, 5e-8)
  near(t, chanceToPass(0.5, 1000), 0.0328209, 5e-8)
})

t.test(
  'Without any failure the floor lets a canary be proved after a known number of units.',
  async (t) => {
    // Units of both sides; × π: 4,618, 4,807 and 5,383 of the canary at a floor of 0.1 %.
    for (const [pi, floor, units] of [
      [0.05, 0.001, 92_351],
      [0.2, 0.001, 24_032],
      [0.5, 0.001, 10_766],
      [0.05, 0.005, 18_472],
      [0.2, 0.005, 4_808],
      [0.5, 0.005, 2_155],
    ] as const) {
      const log = (trials: number) => proofLogEvidence([stratum(pi, 0, 0, trials)], 1.5, floor)
      t.ok(log(units) >= Math.log(20), `${units} units suffice at ${pi}, floor ${floor}`)
      t.ok(log(units - 1) < Math.log(20), 'and one less does not')
    }
    t.equal(proofLogEvidence([stratum(0.05, 0, 0, 1e9)], 1.5, 0), 0, 'without a floor: never')
  },
)

t.test('A margin may be changed: the same counts are read with another ratio.', async (t) => {
  const counts = [stratum(0.2, 60, 160)]
  t.ok(harmLogEvidence(counts, 1) > harmLogEvidence(counts, 1.2))
  t.ok(proofLogEvidence(counts, 2.5, 0) > proofLogEvidence(counts, 2, 0))
})

t.test(
  'The bets of proof are those of harm with the ratio divided instead of multiplied.',
  async (t) => {
    for (const [grid, changes] of [
      [PROOF_GRID, PROOF_CHANGES],
      [HARM_GRID, FALL_CHANGES],
    ] as const) {
      for (const [index, excess] of grid.entries()) near(t, 1 + changes[index]!, 1 / (1 + excess))
    }
  },
)

t.test('Within a small margin the smallest bet of a proof stands for equal rates.', async (t) => {
  for (const ratio of [1.1, 1.5]) t.equal(betChanges('below', ratio), PROOF_CHANGES)
  for (const ratio of [0.9, 0.5]) t.equal(betChanges('above', ratio), PROOF_GRID)
  near(t, 1.03 * (1 + betChanges('below', 1.03)[0]!), 1, 1e-15)
  near(t, 0.97 * (1 + betChanges('above', 0.97)[0]!), 1, 1e-15)
  near(t, betChanges('above', 0.97).at(-1)!, 150 * (1 / 0.97 - 1), 1e-12)
  t.equal(betChanges('above', 0.97), betChanges('above', 0.97), 'the same array')
  for (let n = 1; n <= 100; n++) {
    const margin = n / 2000
    near(t, (1 + margin) * (1 + betChanges('below', 1 + margin)[0]!), 1, 1e-12)
  }
})

t.test(
  'A bet on a small margin grows nearly as fast as any can, and keeps its level.',
  async (t) => {
    for (const [direction, ratio] of [
      ['below', 1.03],
      ['above', 0.97],
    ] as const) {
      const pi = 0.2
      const margin = (pi * ratio) / (1 - pi + pi * ratio)
      // What the likelihood ratio of equal rates grows by for each event of variants alike.
      const best = pi * Math.log(pi / margin) + (1 - pi) * Math.log((1 - pi) / (1 - margin))
      const growth = (change: number) => {
        const { canary, baseline } = labelBetLogs(pi, ratio, 0, change)
        return pi * canary + (1 - pi) * baseline
      }
      near(t, Math.max(...betChanges(direction, ratio).map(growth)), best, 1e-12)
      const grid = direction === 'above' ? PROOF_GRID : PROOF_CHANGES
      t.ok(Math.max(...grid.map(growth)) < 0, 'those of the whole grid do not grow')
      for (const change of betChanges(direction, ratio)) {
        const { canary, baseline } = labelBetLogs(pi, ratio, 0, change)
        near(t, margin * Math.exp(canary) + (1 - margin) * Math.exp(baseline), 1, 1e-12)
      }
    }
  },
)

t.test('Harm, and what is to be better, is bet on from a small difference on.', async (t) => {
  for (const ratio of [1, 1.03]) t.equal(betChanges('above', ratio), HARM_GRID)
  for (const ratio of [1, 0.97]) t.equal(betChanges('below', ratio), FALL_CHANGES)
  for (const pi of [0.05, 0.2, 0.5]) {
    for (const excess of [0.02, 0.03, 0.05]) {
      const [from, to] = [1, 1 + excess].map((r) => (pi * r) / (1 - pi + pi * r)) as [
        number,
        number,
      ]
      // What the likelihood ratio of the true difference grows by for each event.
      const best = to * Math.log(to / from) + (1 - to) * Math.log((1 - to) / (1 - from))
      const growth = (change: number) => {
        const { canary, baseline } = labelBetLogs(pi, 1, 0, change)
        return to * canary + (1 - to) * baseline
      }
      const grown = Math.max(...HARM_GRID.map(growth))
      t.ok(grown > 0.7 * best, `${grown} of ${best} at ${pi}, ${excess}`)
    }
  }
})

const TWO_STRATA = [stratum(0.05, 6, 100), stratum(0.2, 30, 90)]

function stratum(pi: number, canary: number, baseline: number, trials = 0): EventStratum {
  return { pi, canary, baseline, trials }
}

function proofWithoutFloor(strata: readonly EventStratum[], ratio: number): number {
  return proofLogEvidence(strata, ratio, 0)
}

/** Σ over all 2ⁿ label sequences of P_θ(sequence) · E(sequence). */
function expectation(
  n: number,
  theta: number,
  pi: number,
  ratio: number,
  evidence: (strata: readonly EventStratum[], ratio: number) => number,
): number {
  let sum = 0
  for (let labels = 0; labels < 2 ** n; labels += 1) {
    let canary = 0
    for (let bits = labels; bits > 0; bits >>= 1) canary += bits & 1
    const probability = theta ** canary * (1 - theta) ** (n - canary)
    sum += probability * Math.exp(evidence([stratum(pi, canary, n - canary)], ratio))
  }
  return sum
}

/** Σ over all sequences of n units (event on either side, or none) of P(sequence) · E(sequence). */
function expectationOfUnits(
  n: number,
  rates: { pi: number; ratio: number; floor: number; baseline: number; canary: number },
): number {
  const { pi, ratio, floor } = rates
  const inCanary = pi * rates.canary
  const inBaseline = (1 - pi) * rates.baseline
  let sum = 0
  for (let sequence = 0; sequence < 3 ** n; sequence += 1) {
    const seen = [0, 0, 0]
    for (let unit = 0, rest = sequence; unit < n; unit += 1, rest = Math.floor(rest / 3))
      seen[rest % 3]! += 1
    const [canary, baseline, none] = seen as [number, number, number]
    const probability =
      inCanary ** canary * inBaseline ** baseline * (1 - inCanary - inBaseline) ** none
    const log = proofLogEvidence([stratum(pi, canary, baseline, n)], ratio, floor)
    sum += probability * Math.exp(log)
  }
  return sum
}

/** P(E ≥ 20 within n events) under ratio 1: exact, by recursion over the number of canary events. */
function chanceToPass(pi: number, n: number): number {
  let waiting = new Map([[0, 1]])
  let passed = 0
  for (let events = 1; events <= n; events += 1) {
    const next = new Map<number, number>()
    for (const [canary, chance] of waiting) {
      next.set(canary, (next.get(canary) ?? 0) + chance * (1 - pi))
      next.set(canary + 1, (next.get(canary + 1) ?? 0) + chance * pi)
    }
    waiting = new Map()
    for (const [canary, chance] of next) {
      const log = harmLogEvidence([stratum(pi, canary, events - canary)], 1)
      if (log >= Math.log(20)) passed += chance
      else waiting.set(canary, chance)
    }
  }
  return passed
}
