import t from 'tap'
import type { DriftStratum } from '../../src/domain/evidence.ts'
import { driftEffect, driftLogEvidence, stabilityIndex } from '../../src/statistics/drift.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { foldDrift } from '../../src/statistics/fold-drift.ts'
import type { DriftEvidence } from '../../src/domain/evidence.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { DRIFT, rolloutSpec } from '../fakes/simulated-service.ts'
import { near } from './near.ts'

const stratum = (pi: number, baseline: number[], canary: number[]): DriftStratum => ({
  pi,
  baseline,
  canary,
})
const L5 = stratum(0.2, [80, 90, 100, 110, 120], [30, 25, 20, 15, 10])

t.test('log-evidence of the reference case (π = .2, τ = .3, κ = 68.4444)', (t) => {
  near(t, driftLogEvidence([L5]), 5.427973084, 1e-8)
  t.equal(driftLogEvidence([]), 0)
  near(t, driftLogEvidence([L5, L5]), 2 * 5.427973084, 1e-8)
  t.end()
})

t.test('PSI of the reference case', (t) => {
  const psi = stabilityIndex([0.1, 0.2, 0.3, 0.25, 0.15], [0.12, 0.22, 0.28, 0.22, 0.16])
  near(t, psi, 0.011412879, 1e-8)
  t.end()
})

t.test('E has expectation 1 under H0, whatever the bins (exact enumeration)', (t) => {
  // Five values in fixed bins; every one of the 2^5 ways in which a coin of π could have dealt them.
  const bins = [0, 0, 1, 2, 1]
  for (const pi of [0.05, 0.3, 0.8]) {
    let sum = 0
    for (let ways = 0; ways < 2 ** bins.length; ways++) {
      const counts = { baseline: [0, 0, 0], canary: [0, 0, 0] }
      let probability = 1
      for (const [i, bin] of bins.entries()) {
        const isCanary = ((ways >> i) & 1) === 1
        counts[isCanary ? 'canary' : 'baseline'][bin]!++
        probability *= isCanary ? pi : 1 - pi
      }
      sum += probability * Math.exp(driftLogEvidence([{ pi, ...counts }]))
    }
    near(t, sum, 1, 1e-12)
  }
  t.end()
})

t.test(
  'PSI is corrected for what it is without a shift, and bins without a value do not count',
  (t) => {
    const [nb, nc] = [2000, 500]
    const counts = (n: number) => [n / 4, n / 4, n / 4, n / 4]
    const equal = driftEffect([stratum(0.2, counts(nb), counts(nc))], [1, 2, 3])!
    near(t, equal.psi, -3 * (1 / nc + 1 / nb), 1e-9)
    const padded = driftEffect(
      [stratum(0.2, [...counts(nb), 0], [...counts(nc), 0])],
      [1, 2, 3, 4],
    )!
    near(t, padded.psi, equal.psi, 1e-12)
    t.match(equal, { ks: 0, w1: 0, baseline: [0.25, 0.25, 0.25, 0.25] })
    t.end()
  },
)

t.test('KS and W1 come from the cumulative shares at the edges', (t) => {
  const effect = driftEffect([stratum(0.5, [50, 30, 20, 0], [20, 30, 40, 10])], [1, 2, 4])!
  near(t, effect.ks, 0.3, 1e-12)
  near(t, effect.w1, 0.3 * 1 + 0.3 * 2, 1e-12)
  t.end()
})

t.test(
  'a change with time and weight at once is no shift: it is compared within each weight',
  (t) => {
    const early = stratum(0.05, [9000, 500], [474, 26])
    const late = stratum(0.5, [500, 9000], [500, 9000])
    t.ok(Math.abs(driftEffect([early, late], [1])!.psi) < 0.001)
    const pooled = stratum(0.3, [9500, 9500], [974, 9026])
    t.ok(driftEffect([pooled], [1])!.psi > 0.5)
    t.end()
  },
)

t.test('without values on both sides there is no effect', (t) => {
  t.equal(driftEffect([], [1]), null)
  t.equal(driftEffect([stratum(0.2, [5, 5], [0, 0]), stratum(0.5, [0, 0], [1, 1])], [1]), null)
  t.end()
})

t.test('cohorts are added by start point, step and weight, in assignment order', (t) => {
  const [h] = buildHypotheses(rolloutSpec({ analysis: { metrics: [DRIFT] } }).analysis)
  const none = emptyEvidence('1->2#1', [h!], 0).hypotheses['drift'] as DriftEvidence
  t.same(none, {
    kind: 'drift',
    foldedThrough: -1,
    step: -1,
    starts: [[]],
    stepCanary: 0,
    sup: { harm: 0, proof: 0, stepProof: 0 },
  })
  const tally = { kind: 'drift' as const, baseline: [8, 2], canary: [0, 3] }
  const place = { cohort: 1, step: 0, pi: 0.2, epoch: 0, starts: 1 }
  const unknown = foldDrift(none, { ...place, tally: { ...tally, baseline: [], canary: [] } })
  t.match(unknown, { foldedThrough: 1, starts: [[]], stepCanary: 0 })
  const first = foldDrift(unknown, { ...place, cohort: 2, tally })
  const second = foldDrift(first, { ...place, cohort: 3, epoch: 1, starts: 2, tally })
  const third = foldDrift(second, {
    ...place,
    cohort: 4,
    step: 1,
    epoch: 1,
    starts: 3,
    pi: 0.5,
    tally,
  })
  t.equal(second.stepCanary, 6)
  t.equal(third.stepCanary, 3)
  t.same(third.starts, [
    [stratum(0.2, [16, 4], [0, 6]), stratum(0.5, [8, 2], [0, 3])],
    [stratum(0.2, [8, 2], [0, 3]), stratum(0.5, [8, 2], [0, 3])],
    [],
  ])
  t.ok(third.sup.harm >= second.sup.harm)
  t.throws(() => foldDrift(third, { ...place, cohort: 4, tally }), /assignment order/)
  t.end()
})
