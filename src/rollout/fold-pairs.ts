import type { Evidence } from '../domain/evidence.ts'
import {
  NO_PAIRS,
  type PairCohort,
  type PairCounts,
  type PairEvidence,
  type PairSup,
  type PairTest,
} from '../domain/pairs.ts'
import {
  pairedHarmLogEvidence,
  pairedProofLogEvidence,
  shareAboveLogEvidence,
  shareBelowLogEvidence,
} from '../statistics/paired-bet.ts'

/** No pairs yet; E = 1, so the suprema begin at ln 1. */
export const NO_PAIR_EVIDENCE: PairEvidence = {
  counts: NO_PAIRS,
  step: -1,
  stepCounts: NO_PAIRS,
  sup: {},
}

const NO_SUP: PairSup = { harm: 0, proof: 0 }

/** Adds the pairs of one interval to what the mirror steps of an attempt have said. */
export function foldPairs(
  evidence: Evidence,
  tests: readonly PairTest[],
  { step, counts: more }: PairCohort,
): Evidence {
  const before = evidence.pairs ?? NO_PAIR_EVIDENCE
  const counts = addPairs(before.counts, more)
  const stepCounts = addPairs(before.step === step ? before.stepCounts : NO_PAIRS, more)
  const sup = tests.map((test) => {
    const { harm, proof } = supOf(before, test.id)
    const now = logEvidence(test, counts)
    return [test.id, { harm: Math.max(harm, now.harm), proof: Math.max(proof, now.proof) }]
  })
  return { ...evidence, pairs: { counts, step, stepCounts, sup: Object.fromEntries(sup) } }
}

/** The largest evidence of a test so far. */
export function supOf(pairs: PairEvidence, id: string): PairSup {
  return pairs.sup[id] ?? NO_SUP
}

/** Sums of two counts. */
export function addPairs(a: PairCounts, b: PairCounts): PairCounts {
  return {
    pairs: a.pairs + b.pairs,
    canaryFailed: a.canaryFailed + b.canaryFailed,
    baselineFailed: a.baselineFailed + b.baselineFailed,
    bothFailed: a.bothFailed + b.bothFailed,
    compared: a.compared + b.compared,
    disagreed: a.disagreed + b.disagreed,
  }
}

function logEvidence({ asks }: PairTest, counts: PairCounts): PairSup {
  if (asks.of === 'failure') {
    return {
      harm: pairedHarmLogEvidence(counts, asks.harmRatio),
      proof: pairedProofLogEvidence(counts, asks.proofRatio, asks.floor),
    }
  }
  const { compared, disagreed } = counts
  return {
    harm: shareAboveLogEvidence(disagreed, compared, asks.max),
    proof: shareBelowLogEvidence(disagreed, compared, asks.max),
  }
}
