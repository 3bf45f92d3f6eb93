import type { Pair } from '../domain/cohort.ts'
import type {
  BetEvidence,
  EventStratum,
  Evidence,
  HypothesisEvidence,
  RatioEvidence,
} from '../domain/evidence.ts'
import { isContinuous, type Hypothesis } from '../domain/hypothesis.ts'
import { EFFECT_GRID } from './mean-bet.ts'

/** Log-wealth of the bets of a continuous metric before the first one. */
export const NO_WEALTH: readonly number[] = EFFECT_GRID.map(() => 0)

/** Counts of nothing. */
export const NO_COUNTS: Readonly<Pair> = [0, 0]

/** Counts of no weight. */
export const NO_STRATA: readonly EventStratum[] = []

/** Moments of nothing. */
export const NO_MOMENTS: BetEvidence['stepMoments'] = { n: [0, 0], sum: [0, 0], sumSq: [0, 0] }

/** Evidence of an attempt that has judged nothing yet; its first start point is `firstCohort`. */
export function emptyEvidence(
  rollout: string,
  hypotheses: readonly Hypothesis[],
  firstCohort: number,
): Evidence {
  return {
    rollout,
    starts: [firstCohort],
    stepStart: 0,
    hypotheses: Object.fromEntries(hypotheses.map((h) => [h.id, emptyHypothesis(h)])),
    ratio: emptyRatio(),
    caps: {},
    limitTicks: {},
    measurements: {},
  }
}

/** Evidence with an empty part for each hypothesis that it has none of: versions before did not ask it. */
export function withNewHypotheses(evidence: Evidence, hypotheses: readonly Hypothesis[]): Evidence {
  const asked = hypotheses.filter((h) => evidence.hypotheses[h.id] === undefined)
  if (asked.length === 0) return evidence
  const added = Object.fromEntries(asked.map((h) => [h.id, emptyHypothesis(h)]))
  return { ...evidence, hypotheses: { ...evidence.hypotheses, ...added } }
}

/** No units counted since `foldedThrough`: a new attempt, or the start afresh after a mismatch was acknowledged. */
export function emptyRatio(foldedThrough = -1): RatioEvidence {
  return { foldedThrough, starts: [[]], sup: 0 }
}

function emptyHypothesis({ source }: Hypothesis): HypothesisEvidence {
  // E = 1 before the first observation, so the suprema begin at ln 1.
  const common = { foldedThrough: -1, step: -1, sup: { harm: 0, proof: 0, stepProof: 0 } }
  if (isContinuous(source)) {
    const wealth = { harm: [NO_WEALTH], proof: NO_WEALTH, stepProof: NO_WEALTH }
    return { kind: 'bet', ...common, ...wealth, strata: [], stepMoments: NO_MOMENTS }
  }
  if (source.of === 'drift') return { kind: 'drift', ...common, starts: [[]], stepCanary: 0 }
  const none = NO_COUNTS
  const counts = { trials: none, events: none, stepTrials: none, stepEvents: none }
  const strata = { harm: [NO_STRATA], proof: NO_STRATA, stepProof: NO_STRATA }
  return { kind: 'event', ...common, ...strata, ...counts }
}
