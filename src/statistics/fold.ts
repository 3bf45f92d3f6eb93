import { BASELINE_SIDE, CANARY_SIDE } from '../domain/cohort.ts'
import type { BetTally, EventTally, Pair, Side } from '../domain/cohort.ts'
import type {
  BetEvidence,
  EventEvidence,
  EventStratum,
  Latched,
  RatioEvidence,
} from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import { NO_COUNTS, NO_MOMENTS, NO_STRATA, NO_WEALTH } from './empty-evidence.ts'
import {
  eventHarmLogEvidences,
  eventProofLogEvidence,
  provenStrata,
  provenWealth,
} from './event-evidence.ts'
import { calmBets, calmEvents } from './fold-calm.ts'
import { logMeanExp } from './log-sum-exp.ts'
import { addCounts, addLogs, addMoments, addPairs } from './moments.ts'
import { ratioLogEvidence } from './ratio-mismatch.ts'
import { largestStake, mixStarts } from './start-mixture.ts'
import { addEvents, updateStratum } from './strata.ts'

/** Where a cohort stands in its attempt. */
export type FoldPlace = {
  readonly cohort: number
  readonly step: number
  /** Probability of the canary at assignment. */
  readonly pi: number
  /** The newest start point that is not later than the cohort: it counts for start points 0 to `epoch`. */
  readonly epoch: number
  /** How many start points exist by now; later ones than `epoch` have begun, but not seen anything. */
  readonly starts: number
}

/** A settled cohort of an event metric. */
export type EventFold = FoldPlace & {
  readonly tally: EventTally
  /**
   * With keyed units: for every unit of this cohort that had the event, by side, the oldest start point
   * s since which this is its first one; it counts for the start points s to `epoch`. Null where every
   * request is a unit of its own. `tally.harmEvents` counts for all start points up to `epoch` in both
   * cases: with keyed units it has the requests that came without a key.
   */
  readonly harmSince: readonly (readonly number[])[] | null
}

/** A settled cohort of a metric that is bet on unit by unit. */
export type BetFold = FoldPlace & {
  readonly tally: BetTally
  /** B of its bets; absent = nothing was bet yet. */
  readonly cap?: number
}

/** `assigned`: units drawn, by side. */
export type RatioFold = Omit<FoldPlace, 'step'> & { readonly assigned: Readonly<Pair> }

/** Adds a cohort's events. Throws when the cohort is not later than the last one folded. */
export function foldEvents(evidence: EventEvidence, fold: EventFold, h: Hypothesis): EventEvidence {
  assertLater(evidence.foldedThrough, fold.cohort)
  const { pi, tally } = fold
  const since = fresh(evidence, fold.step)
  const units = tally.trials[BASELINE_SIDE] + tally.trials[CANARY_SIDE]
  const [baseline, canary] = tally.events
  // What was the same stays one object: with thousands of services, copies are much of what a tick leaves behind.
  const proof = addEvents(evidence.proof, pi, baseline, canary, units)
  const harm = foldHarm(evidence, fold, proof, units)
  const stepProof =
    since.stepProof === evidence.proof
      ? proof
      : addEvents(since.stepProof, pi, baseline, canary, units)
  const calm = calmEvents(evidence, since, fold, h, { proof, stepProof })
  const trials = addCounts(evidence.trials, tally.trials)
  const events = addCounts(evidence.events, tally.events)
  // Without an event no label was drawn: the evidence stands where it stood.
  const isQuiet = tally.harmEvents[0] + tally.harmEvents[1] === 0 && fold.harmSince === null
  // The same of the proof, but that its floor counts units without one, and that cohorts which waited for the end of a doubt may
  // have been added.
  const isUndoubted = evidence.calm === undefined && calm === undefined
  const hasFloor = h.better === 'lower' && (h.proof?.floor ?? 0) > 0
  const isSilent = baseline + canary === 0 && isUndoubted && !hasFloor
  // What waits for feedback counts a key once in all, so that its start points live on the same information.
  const isAnew = tally.harmUnits !== null && !('windowMs' in h.source)
  const stakes = isAnew ? largestStake : mixStarts
  const folded: EventEvidence = {
    kind: 'event',
    foldedThrough: fold.cohort,
    step: fold.step,
    harm,
    proof,
    stepProof,
    trials,
    events,
    stepTrials:
      since.stepTrials === evidence.trials ? trials : addCounts(since.stepTrials, tally.trials),
    stepEvents:
      since.stepEvents === evidence.events ? events : addCounts(since.stepEvents, tally.events),
    sup: latchAll(
      since.sup,
      isQuiet ? evidence.sup.harm : stakes(eventHarmLogEvidences(h, harm)),
      isSilent ? evidence.sup.proof : latchProof(evidence.sup.proof, h, proof, calm?.proof),
      isSilent
        ? since.sup.stepProof
        : latchProof(since.sup.stepProof, h, stepProof, calm?.stepProof),
    ),
  }
  const unscored = addUnscored(evidence.unscored, tally.unscored)
  if (unscored === undefined && calm === undefined) return folded
  // Only where there are any: they would be stored with every hypothesis.
  return {
    ...folded,
    ...(unscored === undefined ? undefined : { unscored }),
    ...(calm === undefined ? undefined : { calm }),
  }
}

/**
 * Adds a cohort's bets. A tally without bets (nothing to centre on was known yet, so λ = 0) adds its
 * moments only. Throws when the cohort is not later than the last one folded.
 */
export function foldBets(evidence: BetEvidence, fold: BetFold, h: Hypothesis): BetEvidence {
  assertLater(evidence.foldedThrough, fold.cohort)
  const { tally } = fold
  const since = fresh(evidence, fold.step)
  const harm = foldStarts(evidence.harm, fold, NO_WEALTH, (wealth) => addLogs(wealth, tally.harm))
  const proof = addLogs(evidence.proof, tally.proof)
  const stepProof = addLogs(since.stepProof, tally.proof)
  const calm = calmBets(evidence, since, fold, h, { proof, stepProof })
  return {
    kind: 'bet',
    foldedThrough: fold.cohort,
    step: fold.step,
    harm,
    proof,
    stepProof,
    strata: updateStratum(evidence.strata, fold.pi, (stratum) => ({
      pi: fold.pi,
      ...addMoments(stratum ?? NO_MOMENTS, tally),
    })),
    stepMoments: addMoments(since.stepMoments, tally),
    sup: {
      harm: Math.max(evidence.sup.harm, mixStarts(harm.map(logMeanExp))),
      proof: latch(evidence.sup.proof, h, provenWealth(proof, calm?.proof)),
      stepProof: latch(since.sup.stepProof, h, provenWealth(stepProof, calm?.stepProof)),
    },
    ...(calm === undefined ? undefined : { calm }),
  }
}

/**
 * Adds the units drawn in a cohort. Each start point has a prior of its own on the counts since it.
 * Throws when the cohort is not later than the last one folded.
 */
export function foldRatio(evidence: RatioEvidence, fold: RatioFold): RatioEvidence {
  assertLater(evidence.foldedThrough, fold.cohort)
  const canary = fold.assigned[CANARY_SIDE]
  const total = fold.assigned[BASELINE_SIDE] + canary
  const starts = foldStarts(evidence.starts, fold, [], (strata) =>
    updateStratum(strata, fold.pi, (stratum) => ({
      pi: fold.pi,
      canary: (stratum?.canary ?? 0) + canary,
      total: (stratum?.total ?? 0) + total,
    })),
  )
  const sup = Math.max(evidence.sup, mixStarts(starts.map(ratioLogEvidence)))
  return { foldedThrough: fold.cohort, starts, sup }
}

function addUnscored(
  before: EventEvidence['unscored'],
  more: EventTally['unscored'],
): EventEvidence['unscored'] {
  if (before === undefined || more === undefined) return before ?? more
  return addPairs(before, more)
}

/** The evidence with what belongs to its step alone begun anew where `step` is another one. */
export function fresh<E extends EventEvidence | BetEvidence>(evidence: E, step: number): E {
  if (evidence.step === step) return evidence
  const sup = { ...evidence.sup, stepProof: 0 }
  const isBet = evidence.kind === 'bet'
  const begun: E = isBet
    ? { ...evidence, sup, stepProof: NO_WEALTH, stepMoments: NO_MOMENTS }
    : { ...evidence, sup, stepProof: NO_STRATA, stepTrials: NO_COUNTS, stepEvents: NO_COUNTS }
  if (evidence.calm === undefined) return begun
  const stepProof = isBet ? NO_WEALTH : NO_STRATA
  const { doubted } = evidence.calm
  return {
    ...begun,
    calm: {
      ...{ ...evidence.calm, stepProof },
      ...(doubted === undefined ? undefined : { doubted: { ...doubted, stepProof } }),
    },
  }
}

/** The larger of the supremum so far and the evidence now; the supremum where nothing is to be proved. */
function latch(sup: number, h: Hypothesis, wealth: readonly number[]): number {
  return h.proof === null ? sup : Math.max(sup, logMeanExp(wealth))
}

/** The suprema with those of one cohort more; they mostly stand, and then it is the same object. */
function latchAll(sup: Latched, harm: number, proof: number, stepProof: number): Latched {
  const isSame = harm <= sup.harm && proof <= sup.proof && stepProof <= sup.stepProof
  return isSame ? sup : { harm: Math.max(sup.harm, harm), proof, stepProof }
}

/** The same of events; `calm`: the strata without outages of the baseline. */
function latchProof(
  sup: number,
  h: Hypothesis,
  strata: readonly EventStratum[],
  calm?: readonly EventStratum[],
): number {
  if (h.proof === null) return sup
  return Math.max(sup, eventProofLogEvidence(h, provenStrata(h, strata, calm)))
}

/** The value of each start point with the cohort added to those that have begun by then; `none` = before it. */
export function foldStarts<T>(
  byStart: readonly T[],
  place: Pick<FoldPlace, 'epoch' | 'starts'>,
  none: T,
  add: (value: T, start: number) => T,
): readonly T[] {
  const all = byStart.slice()
  for (let start = 0; start < Math.max(place.starts, byStart.length); start += 1) {
    const value = byStart[start] ?? none
    all[start] = start <= place.epoch ? add(value, start) : value
  }
  return all
}

/** The strata of each start point with the cohort's events on the side of harm; `proof`: those of the proof with its own. */
function foldHarm(
  before: EventEvidence,
  fold: EventFold,
  proof: readonly EventStratum[],
  units: number,
): EventEvidence['harm'] {
  const [baseline, canary] = fold.tally.events
  const harm = before.harm.slice()
  for (let start = 0; start < Math.max(fold.starts, harm.length); start += 1) {
    const strata = before.harm[start] ?? NO_STRATA
    const onBaseline = harmEvents(fold, BASELINE_SIDE, start)
    const onCanary = harmEvents(fold, CANARY_SIDE, start)
    const isSame = strata === before.proof && onBaseline === baseline && onCanary === canary
    if (start > fold.epoch) harm[start] = strata
    else if (isSame) harm[start] = proof
    else harm[start] = addEvents(strata, fold.pi, onBaseline, onCanary, units)
  }
  return harm
}

function harmEvents({ harmSince, tally }: EventFold, side: Side, start: number): number {
  let events = tally.harmEvents[side]
  if (harmSince !== null) for (const since of harmSince[side]!) if (since <= start) events += 1
  return events
}

/** Throws where a cohort is not later than the last one folded. */
export function assertLater(foldedThrough: number, cohort: number): void {
  if (cohort <= foldedThrough)
    throw new Error(
      `cohorts are folded in assignment order: cohort ${cohort} after cohort ${foldedThrough}`,
    )
}
