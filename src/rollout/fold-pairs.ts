import { BASELINE_SIDE, CANARY_SIDE, type EventTally } from '../domain/cohort.ts'
import type { Evidence } from '../domain/evidence.ts'
import {
  NO_PAIRS,
  type PairCohort,
  type PairCounts,
  type PairEvidence,
  type PairRatios,
  type PairSeries,
  type PairSup,
  type PairTally,
  type PairTest,
} from '../domain/pairs.ts'
import { logMeanExp } from '../statistics/log-sum-exp.ts'
import {
  pairedHarmLogEvidence,
  pairedProofLogEvidence,
  shareAboveLogEvidence,
  shareBelowLogEvidence,
  type FailedPairs,
} from '../statistics/paired-bet.ts'
import { addPairTallies } from './pair-tally.ts'

/** No pairs yet; E = 1, so the suprema begin at ln 1. */
export const NO_PAIR_EVIDENCE: PairEvidence = {
  counts: NO_PAIRS,
  step: -1,
  stepCounts: NO_PAIRS,
  sup: {},
}

/** Of a series whose cohorts wait for nothing; see PairSeries. */
const NO_NUMBER = -1

const NO_SUP: PairSup = { harm: 0, proof: 0 }

/** Adds the pairs of one interval to what the mirror steps of an attempt have said. */
export function foldPairs(
  evidence: Evidence,
  tests: readonly PairTest[],
  { step, counts: more, tallies = {} }: PairCohort,
): Evidence {
  const before = evidence.pairs ?? NO_PAIR_EVIDENCE
  const counts = addPairs(before.counts, more)
  const stepCounts = addPairs(before.step === step ? before.stepCounts : NO_PAIRS, more)
  const sup = { ...before.sup }
  let { series } = before
  for (const test of tests) {
    const tally = tallies[test.id]
    if (tally !== undefined) {
      const known = series?.[test.id]
      // An earlier version has counted it by labels, whose pairs were others: it begins anew.
      const isOther = known !== undefined && known.foldedThrough !== NO_NUMBER
      const cohort = { number: NO_NUMBER, step, tally }
      const added = addToSeries(isOther ? undefined : known, cohort)
      series = { ...series, [test.id]: added }
      sup[test.id] = latch(isOther ? undefined : sup[test.id], tallyEvidence(test, added.all))
    } else if (isCounted(test)) {
      sup[test.id] = latch(sup[test.id], countEvidence(test, counts))
    }
  }
  const known = series === undefined ? undefined : { series }
  return { ...evidence, pairs: { counts, step, stepCounts, sup, ...known } }
}

/** Adds what the labels of one mirrored cohort have said, whose window is over, to one test. */
export function foldPairLabels(
  evidence: Evidence,
  test: PairTest,
  cohort: { readonly number: number; readonly step: number; readonly tally: PairTally },
): Evidence {
  const before = evidence.pairs ?? NO_PAIR_EVIDENCE
  const series = addToSeries(before.series?.[test.id], cohort)
  const sup = latch(before.sup[test.id], tallyEvidence(test, series.all))
  const pairs = {
    ...before,
    series: { ...before.series, [test.id]: series },
    sup: { ...before.sup, [test.id]: sup },
  }
  return { ...evidence, pairs }
}

/** The largest evidence of a test so far. */
export function supOf(pairs: PairEvidence, id: string): PairSup {
  return pairs.sup[id] ?? NO_SUP
}

/** Whether the counts of all pairs answer a test; else it has tallies of its own. */
export function isCounted({ asks, segment }: PairTest): boolean {
  return (asks.of === 'failure' && segment === undefined) || asks.of === 'disagreement'
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

function addToSeries(
  before: PairSeries | undefined,
  {
    number,
    step,
    tally,
  }: { readonly number: number; readonly step: number; readonly tally: PairTally },
): PairSeries {
  if (before === undefined) return { foldedThrough: number, step, all: tally, inStep: tally }
  return {
    foldedThrough: number,
    step,
    all: addPairTallies(before.all, tally),
    inStep: before.step === step ? addPairTallies(before.inStep, tally) : tally,
  }
}

function latch({ harm, proof } = NO_SUP, now: PairSup): PairSup {
  return { harm: Math.max(harm, now.harm), proof: Math.max(proof, now.proof) }
}

function countEvidence({ asks }: PairTest, counts: PairCounts): PairSup {
  if (asks.of === 'disagreement') {
    const { compared, disagreed } = counts
    return {
      harm: shareAboveLogEvidence(disagreed, compared, asks.max),
      proof: shareBelowLogEvidence(disagreed, compared, asks.max),
    }
  }
  return ratioEvidence(asks as PairRatios, counts, counts)
}

function tallyEvidence({ asks }: PairTest, tally: PairTally): PairSup {
  if (tally.kind === 'bet') return { harm: logMeanExp(tally.harm), proof: logMeanExp(tally.proof) }
  const { trials, events, harmEvents, both } = tally
  const pairs = trials[CANARY_SIDE]
  const cells = (of: EventTally['events'], bothFailed: number): FailedPairs => ({
    pairs,
    canaryFailed: of[CANARY_SIDE] - bothFailed,
    baselineFailed: of[BASELINE_SIDE] - bothFailed,
    bothFailed,
  })
  return ratioEvidence(asks as PairRatios, cells(harmEvents, both![1]), cells(events, both![0]))
}

function ratioEvidence(asks: PairRatios, harm: FailedPairs, proof: FailedPairs): PairSup {
  return {
    harm: pairedHarmLogEvidence(harm, asks.harmRatio),
    proof: pairedProofLogEvidence(proof, asks.proofRatio, asks.floor),
  }
}
