import { BASELINE_SIDE, CANARY_SIDE, type CohortTerms, type EventTally } from '../domain/cohort.ts'
import type { PairTest } from '../domain/pairs.ts'
import { isScorable } from '../statistics/score.ts'
import type { PairFate } from './pair-ledger.ts'
import { timesOf, type TimesOfPair } from './pair-times.ts'

/** On which sides of a pair something happened. */
export type BySide = readonly [baseline: boolean, canary: boolean]

/** Counts a pair: the events that harm is asked of, and (where they are others) those of the proof. */
export function bookPairEvent(tally: EventTally, harm: BySide, proof: BySide = harm): void {
  for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
    tally.trials[side]++
    if (proof[side]) tally.events[side]++
    if (harm[side]) tally.harmEvents[side]++
  }
  if (proof[BASELINE_SIDE] && proof[CANARY_SIDE]) tally.both![0]++
  if (harm[BASELINE_SIDE] && harm[CANARY_SIDE]) tally.both![1]++
}

const NO_TIMES: TimesOfPair = { liveMs: null, copyMs: null }

/**
 * Books the fate of a pair under a test that waits for no label. Not asked is what the terms do not know yet, and of
 * predictions where nobody can say what both are.
 */
export function bookFate(
  tally: EventTally,
  { id, asks }: Pick<PairTest, 'id' | 'asks'>,
  { thresholds }: Pick<CohortTerms, 'thresholds'>,
  fate: PairFate,
): void {
  const { liveFailed, copyFailed } = fate
  if (asks.of === 'failure') return bookPairEvent(tally, [liveFailed, copyFailed])
  if (asks.of === 'label-missing') {
    if (fate.predictions === null) return
    const isMissing = (said: number | null) => said === null || !isScorable(asks.score, said)
    const [live, copy] = fate.predictions
    return bookPairEvent(tally, [isMissing(live), isMissing(copy)])
  }
  const terms = thresholds[id]
  if (terms === undefined) return
  const { liveMs, copyMs } = (asks.of === 'latency' ? timesOf(fate, asks) : null) ?? NO_TIMES
  // A failure is slow, however fast it came, as it is at a weight.
  const live = liveFailed ? Infinity : liveMs
  const copy = copyFailed ? Infinity : copyMs
  if (live === null || copy === null) return
  const isLiveSlow = live > terms.baselineMs
  bookPairEvent(tally, [isLiveSlow, copy > terms.harmMs], [isLiveSlow, copy > terms.proofMs])
}
