import { BASELINE_SIDE, CANARY_SIDE } from '../domain/cohort.ts'
import type { BetEvidence, EventEvidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import { foldCalm, type Proofs } from './calm.ts'
import { NO_STRATA, NO_WEALTH } from './empty-evidence.ts'
import type { BetFold, EventFold } from './fold.ts'
import { addLogs, poolMoments } from './moments.ts'
import { addEvents, addStrata } from './strata.ts'

/** The strata of the proofs without outages of the baseline; undefined where they are the same. `after`: those of all. */
export function calmEvents(
  { trials, events, proof }: EventEvidence,
  since: EventEvidence,
  { pi, tally }: EventFold,
  h: Hypothesis,
  after: Proofs<EventEvidence['proof']>,
): EventEvidence['calm'] {
  if (h.proof === null) return undefined
  const [baseline, canary] = tally.events
  // Most cohorts: nothing speaks for an outage, and none is kept apart.
  if (since.calm === undefined && h.better === 'lower' && baseline === 0) return undefined
  const units = tally.trials[BASELINE_SIDE] + tally.trials[CANARY_SIDE]
  return foldCalm({
    before: {
      ...{ proof, stepProof: since.stepProof, calm: since.calm },
      baseline: [trials[BASELINE_SIDE], events[BASELINE_SIDE]],
    },
    after,
    more: addEvents(NO_STRATA, pi, baseline, canary, units),
    baseline: [tally.trials[BASELINE_SIDE], baseline],
    ...{ better: h.better, cap: 1, none: NO_STRATA, add: addStrata },
  })
}

/** The log-wealth of the proofs without them. Values that nothing is bet on yet have no cap to be held against. */
export function calmBets(
  { strata, proof }: BetEvidence,
  since: BetEvidence,
  { tally, cap }: BetFold,
  h: Hypothesis,
  after: Proofs<BetEvidence['proof']>,
): BetEvidence['calm'] {
  if (h.proof === null || cap === undefined) return since.calm
  const { n, sum } = poolMoments(strata)
  return foldCalm({
    before: {
      ...{ proof, stepProof: since.stepProof, calm: since.calm },
      baseline: [n[BASELINE_SIDE], sum[BASELINE_SIDE]],
    },
    after,
    more: tally.proof,
    baseline: [tally.n[BASELINE_SIDE], tally.sum[BASELINE_SIDE]],
    ...{ better: h.better, cap, none: NO_WEALTH, add: addLogs },
  })
}
