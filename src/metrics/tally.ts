import type { BetTally, DenominatorSums, EventTally, Side } from '../domain/cohort.ts'
import type { ContinuousSource } from '../domain/hypothesis.ts'
import { EFFECT_GRID } from '../statistics/mean-bet.ts'

/** No key yet: one for the tallies of thousands of services, of which most see no event. */
const NO_KEYS: number[] = []
Object.freeze(NO_KEYS)

/** Sums of 0/1 observations before the first; `keyed`: keys with events are kept one by one. */
export function emptyEventTally(keyed: boolean): EventTally {
  return {
    kind: 'event',
    trials: [0, 0],
    events: [0, 0],
    harmEvents: [0, 0],
    harmUnits: keyed ? [NO_KEYS, NO_KEYS] : null,
  }
}

/** Sums of the continuous observations of a source before the first. */
export function emptyBetTally(of: ContinuousSource['of']): BetTally {
  const tally: BetTally = {
    kind: 'bet',
    n: [0, 0],
    sum: [0, 0],
    sumSq: [0, 0],
    harm: EFFECT_GRID.map(() => 0),
    proof: EFFECT_GRID.map(() => 0),
  }
  if (of !== 'ratio') return { ...tally, bins: [{}, {}] }
  const denominator = { sum: [0, 0], sumSq: [0, 0], cross: [0, 0] } satisfies DenominatorSums
  return { ...tally, denominator, ratioBins: [{}, {}] }
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
  const { harmUnits } = tally
  if (unit === null || harmUnits === null) tally.harmEvents[side]++
  else if (harmUnits[side].length === 0) harmUnits[side] = [unit]
  else harmUnits[side].push(unit)
}
