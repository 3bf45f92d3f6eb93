import type { DriftEvidence } from '../../src/domain/evidence.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { binOf, decileEdges } from '../../src/statistics/bins.ts'
import { DRIFT_ALPHA, DRIFT_PSI, driftEffect } from '../../src/statistics/drift.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { foldDrift } from '../../src/statistics/fold-drift.ts'
import { DRIFT, rolloutSpec } from './simulated-service.ts'

/** Cohort at which a run reached 1/α first, and at which it was flagged first; null = never. */
export type DriftEnd = { readonly shownAt: number | null; readonly flaggedAt: number | null }

/**
 * One ramp 5, 20, 50 % over values from a normal distribution whose mean wanders with time for both
 * variants; the canary's is `shift(cohort)` standard deviations higher. Bins come from 500 values.
 */
export function drawDrift(
  random: () => number,
  options: {
    readonly cohorts: number
    readonly units: number
    readonly shift: (cohort: number) => number
  },
): DriftEnd {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const edges = decileEdges(Array.from({ length: 500 }, normal))
  const hypotheses = buildHypotheses(rolloutSpec({ analysis: { metrics: [DRIFT] } }).analysis)
  let evidence = emptyEvidence('r', hypotheses, 0).hypotheses['drift'] as DriftEvidence
  let shownAt: number | null = null
  for (let cohort = 0; cohort < options.cohorts; cohort++) {
    const third = Math.floor((3 * cohort) / options.cohorts)
    const pi = [0.05, 0.2, 0.5][third]!
    const zeros = () => Array.from({ length: edges.length + 1 }, () => 0)
    const tally = { kind: 'drift' as const, baseline: zeros(), canary: zeros() }
    const time = Math.sin((2 * Math.PI * cohort) / options.cohorts)
    for (let unit = 0; unit < options.units; unit++) {
      const isCanary = random() < pi
      const value = normal() + time + (isCanary ? options.shift(cohort) : 0)
      tally[isCanary ? 'canary' : 'baseline'][binOf(edges, value)]!++
    }
    const place = { cohort, step: third, pi, epoch: third, starts: third + 1 }
    evidence = foldDrift(evidence, { ...place, tally })
    if (evidence.sup.harm < Math.log(1 / DRIFT_ALPHA)) continue
    shownAt ??= cohort
    const psi = driftEffect(evidence.starts[0]!, edges)?.psi ?? 0
    if (psi >= DRIFT_PSI) return { shownAt, flaggedAt: cohort }
  }
  return { shownAt, flaggedAt: null }
}
