import type { BetTally, EventTally, Side } from '../domain/cohort.ts'
import { EFFECT_GRID } from '../statistics/mean-bet.ts'

/** Sums of 0/1 observations before the first; `keyed`: keys with events are kept one by one. */
export function emptyEventTally(keyed: boolean): EventTally {
  return {
    kind: 'event',
    trials: [0, 0],
    events: [0, 0],
    harmEvents: [0, 0],
    harmUnits: keyed ? [[], []] : null,
  }
}

/** Sums of continuous observations before the first; `isRatio`: of two counts. */
export function emptyBetTally(isRatio = false): BetTally {
  return {
    ...(isRatio ? { denominator: { sum: [0, 0], sumSq: [0, 0], cross: [0, 0] } } : {}),
    kind: 'bet',
    n: [0, 0],
    sum: [0, 0],
    sumSq: [0, 0],
    harm: EFFECT_GRID.map(() => 0),
    proof: EFFECT_GRID.map(() => 0),
  }
}

/**
 * Books one request: as a trial when it is its key's first judged one, and its harm either as an event
 * of its own (no key) or as an event of its key.
 */
export function bookEvent(
  tally: EventTally,
  request: { readonly side: Side; readonly unit: number | null; readonly first: boolean },
  isHarm: boolean,
  isProofEvent: boolean,
): void {
  const { side, unit, first } = request
  if (first) {
    tally.trials[side]++
    if (isProofEvent) tally.events[side]++
  }
  if (!isHarm) return
  if (unit === null || tally.harmUnits === null) tally.harmEvents[side]++
  else tally.harmUnits[side].push(unit)
}
