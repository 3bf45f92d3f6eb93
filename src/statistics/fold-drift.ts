import type { DriftTally } from '../domain/cohort.ts'
import type { DriftEvidence, DriftStratum } from '../domain/evidence.ts'
import { driftLogEvidence } from './drift.ts'
import { assertLater, foldStarts, type FoldPlace } from './fold.ts'
import { updateStratum } from './strata.ts'
import { mixStarts } from './start-mixture.ts'

/**
 * Adds the values of a cohort. Each start point has a prior of its own on the counts since it. Cohorts
 * from before the bins were known have no counts and change nothing but the place. Throws when the cohort
 * is not later than the last one folded.
 */
export function foldDrift(
  evidence: DriftEvidence,
  fold: FoldPlace & { readonly tally: DriftTally },
): DriftEvidence {
  assertLater(evidence.foldedThrough, fold.cohort)
  const { cohort, step, pi, tally } = fold
  const starts = foldStarts<readonly DriftStratum[]>(evidence.starts, fold, [], (strata) =>
    tally.baseline.length === 0
      ? strata
      : updateStratum(strata, pi, (stratum) => ({
          pi,
          baseline: addCounts(stratum?.baseline, tally.baseline),
          canary: addCounts(stratum?.canary, tally.canary),
        })),
  )
  const harm = Math.max(evidence.sup.harm, mixStarts(starts.map(driftLogEvidence)))
  const units = tally.canary.reduce((sum, count) => sum + count, 0)
  const stepCanary = (evidence.step === step ? evidence.stepCanary : 0) + units
  return {
    kind: 'drift',
    foldedThrough: cohort,
    step,
    starts,
    stepCanary,
    sup: { harm, proof: 0, stepProof: 0 },
  }
}

function addCounts(
  before: readonly number[] | undefined,
  counts: readonly number[],
): readonly number[] {
  return before === undefined ? [...counts] : before.map((count, bin) => count + counts[bin]!)
}
