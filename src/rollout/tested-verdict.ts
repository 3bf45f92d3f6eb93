import { BASELINE_SIDE, type Pair } from '../domain/cohort.ts'
import type { BetEvidence, EventEvidence, Evidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import type { Verdict } from '../domain/verdict.ts'
import { isFarApart } from '../statistics/event-evidence.ts'

type Tested = EventEvidence | BetEvidence

/**
 * Share of the baseline's values above a cap that was learnt, twenty times what it was learnt for, from which on nothing is
 * proved by what is capped at it. Of normal errors a margin of 5 % on the RMSE is then one of 5.6 %, at a share of 10 %
 * (errors twice as large as they were) one of 7.4 %, and where most values are above it any canary is "no worse".
 */
const PASSED_SHARE = 0.02

/** What the evidence of a hypothesis says: harm, no worse, or neither yet. */
export function testedVerdict(
  hypothesis: Hypothesis,
  found: Tested,
  caps: Evidence['caps'],
): Verdict {
  const { harm, proof } = hypothesis
  const isHarmed = found.sup.harm >= Math.log(1 / harm.alpha)
  if (isHarmed && (found.kind === 'bet' || isFarApart(hypothesis, found))) return 'failed'
  const isProved = proof !== null && found.sup.proof >= Math.log(1 / proof.alpha)
  return isProved && passedCap(hypothesis, found, caps) === undefined
    ? 'successful'
    : 'inconclusive'
}

/**
 * Where a cap was learnt from values that were much smaller (in a calm hour): the share of the baseline's that are above it
 * since, in the attempt or in the step that was folded last, and the cap. Undefined where these are as few as they should
 * be, or the cap is configured, since the metric is meant as it is then. It can only keep a proof back.
 */
export function passedCap(
  { source, metric, proof }: Hypothesis,
  found: Tested,
  caps: Evidence['caps'],
): { readonly share: number; readonly cap: number } | undefined {
  if (source.of !== 'above-cap' || proof === null || found.kind !== 'event') return undefined
  const cap = caps[metric!]
  const share = Math.max(
    shareOf(found.events, found.trials),
    shareOf(found.stepEvents, found.stepTrials),
  )
  return cap === undefined || share <= PASSED_SHARE ? undefined : { share, cap }
}

function shareOf(events: Readonly<Pair>, trials: Readonly<Pair>): number {
  return trials[BASELINE_SIDE] === 0 ? 0 : events[BASELINE_SIDE] / trials[BASELINE_SIDE]
}
