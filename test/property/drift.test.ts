import { fc } from '../support/fast-check.ts'
import t from 'tap'
import type { DriftStratum } from '../../src/domain/evidence.ts'
import { binOf, decileEdges } from '../../src/statistics/bins.ts'
import { driftEffect, driftLogEvidence } from '../../src/statistics/drift.ts'

const pi = fc.double({ min: 0.01, max: 0.99, noNaN: true })
const count = fc.integer({ min: 0, max: 2000 })
const stratum: fc.Arbitrary<DriftStratum> = fc
  .record({ pi, bins: fc.array(fc.tuple(count, count), { minLength: 4, maxLength: 4 }) })
  .map(({ pi: share, bins }) => ({
    pi: share,
    baseline: bins.map(([b]) => b),
    canary: bins.map(([, c]) => c),
  }))
const EDGES = [-1, 0, 3]
const value = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
)
const sample = fc.array(value, { minLength: 1, maxLength: 200 })
const isClose = (a: number, b: number) => Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a))

t.test(
  'Counts of two replicas, added, give the evidence of the whole, in either order.',
  async () => {
    const add = (a: readonly number[], b: readonly number[]) => a.map((n, bin) => n + b[bin]!)
    fc.assert(
      fc.property(stratum, stratum, (a, b) => {
        const merged = (x: DriftStratum, y: DriftStratum) => ({
          pi: a.pi,
          baseline: add(x.baseline, y.baseline),
          canary: add(x.canary, y.canary),
        })
        return driftLogEvidence([merged(a, b)]) === driftLogEvidence([merged(b, a)])
      }),
    )
  },
)

t.test(
  'The order of strata does not matter, and the variants are each other’s mirror.',
  async () => {
    const mirror = (s: DriftStratum) => ({ pi: 1 - s.pi, baseline: s.canary, canary: s.baseline })
    fc.assert(
      fc.property(fc.array(stratum, { minLength: 1, maxLength: 4 }), (strata) => {
        const log = driftLogEvidence(strata)
        const effect = driftEffect(strata, EDGES)
        const swapped = driftEffect(strata.map(mirror), EDGES)
        return (
          isClose(log, driftLogEvidence(strata.toReversed())) &&
          isClose(log, driftLogEvidence(strata.map(mirror))) &&
          (effect === null
            ? swapped === null
            : isClose(effect.psi, swapped!.psi) && isClose(effect.ks, swapped!.ks))
        )
      }),
    )
  },
)

t.test(
  'One value more adds what its bin’s draw says: E stays a martingale at each draw.',
  async () => {
    fc.assert(
      fc.property(stratum, fc.integer({ min: 0, max: 3 }), (before, bin) => {
        const one = (counts: readonly number[]) => counts.with(bin, counts[bin]! + 1)
        const now = driftLogEvidence([before])
        const canary = driftLogEvidence([{ ...before, canary: one(before.canary) }])
        const baseline = driftLogEvidence([{ ...before, baseline: one(before.baseline) }])
        const mean = before.pi * Math.exp(canary - now) + (1 - before.pi) * Math.exp(baseline - now)
        return Math.abs(mean - 1) < 1e-6
      }),
    )
  },
)

/** Two doubles with none between them. */
const NEIGHBOURS = [999_999.999_999_999_7, 999_999.999_999_999_8]

t.test('Every value has one bin, in order, and few values have bins of their own.', async () => {
  fc.assert(
    fc.property(sample, value, (values, other) => {
      const edges = decileEdges(values)
      const bin = binOf(edges, other)
      const isWithin =
        (bin === 0 || edges[bin - 1]! < other) && (bin === edges.length || other <= edges[bin]!)
      const rises = edges.every((edge, i) => i === 0 || edges[i - 1]! < edge)
      const distinct = [...new Set(values.map((v) => v + 0))]
      const isApart = new Set(distinct.map((v) => binOf(edges, v))).size === distinct.length
      return isWithin && rises && (distinct.length > 10 || isApart)
    }),
    { examples: [[NEIGHBOURS, 0]] },
  )
})
