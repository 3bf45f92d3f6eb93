import { BASELINE_SIDE, CANARY_SIDE, type Side } from '../domain/cohort.ts'
import type { EventEvidence, EventStratum } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import { unbiasedEvents } from '../statistics/event-evidence.ts'
import { FALL_CHANGES, harmLogEvidence, proofLogEvidence } from '../statistics/label-bet.ts'
import { logMeanExp } from '../statistics/log-sum-exp.ts'

/**
 * Whether a challenger is shown to have more, or fewer, of what a guard counts (missing labels, requests without an answer,
 * answers with a 4xx) than the baseline; null = neither. In a rollout only more of it is harm; in an experiment either way
 * the metrics beside it are read from other requests on one side than on the other. Each way has the guard's α.
 *
 * Where nearly everybody is missed, whose the missed ones are says little, and whose the others are says much: each is half
 * of the stake. The bets are those of harm, and the same downward, on the attempt so far, without later start points.
 */
export function guardDiffers(
  hypothesis: Hypothesis,
  found: EventEvidence,
): 'more' | 'fewer' | null {
  const { harm, source } = hypothesis
  const missed = found.harm[0] ?? []
  const came = source.of === 'label-missing' ? othersOf(found, missed) : null
  const goal = Math.log(1 / harm.alpha)
  const isFarApart = (more: number) => more >= (harm.apart ?? 0)
  const { units, events } = unbiasedEvents(missed)
  const difference = (events[CANARY_SIDE] - events[BASELINE_SIDE]) / units
  const fewer = fewerLogEvidence(missed, 1 / harm.ratio)
  if (came === null) return fewer >= goal && isFarApart(-difference) ? 'fewer' : null
  if (logMeanExp([fewer, harmLogEvidence(came, 1)]) >= goal) return 'fewer'
  const more = logMeanExp([harmLogEvidence(missed, 1), fewerLogEvidence(came, 1)])
  return more >= goal ? 'more' : null
}

// No margin says how large a difference is to be found.
function fewerLogEvidence(strata: readonly EventStratum[], ratio: number): number {
  return proofLogEvidence(strata, ratio, 0, FALL_CHANGES)
}

// Only the events are kept by weight. A fixed split has one, or of late another: then nothing is known of the others.
function othersOf(
  { trials, events }: EventEvidence,
  strata: readonly EventStratum[],
): readonly EventStratum[] | null {
  const [only, ...rest] = strata
  if (only === undefined || rest.length > 0) return null
  const others = (side: Side) => trials[side] - events[side]
  return [{ ...only, baseline: others(BASELINE_SIDE), canary: others(CANARY_SIDE) }]
}
