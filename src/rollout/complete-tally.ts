import type { BetTally, Cohort, EventTally, Pair, Tally } from '../domain/cohort.ts'
import { proofRatio, type Hypothesis } from '../domain/hypothesis.ts'
import { addBet } from '../statistics/mean-bet.ts'

/**
 * The tally of a cohort whose window is over. While a cohort waits, only what came is in its tallies; what
 * never came is known at the end: labels that are missing (until then their tally counts those that came as
 * trials, and those that came and could not be scored as events), and units without an event, which count as 0
 * (every unit drawn is judged, whatever it did afterwards). The cohort's own tally stays as it is.
 */
export function completeTally(cohort: Cohort, hypothesis: Hypothesis, tally: Tally): Tally {
  const { source, segment } = hypothesis
  const units = () => (segment === undefined ? cohort : cohort.segments![segment]!)
  switch (source.of) {
    case 'label-missing': {
      const asked = units()[source.among === 'observed' ? 'observed' : 'assigned']
      return missing(asked, tally as EventTally)
    }
    case 'conversion':
      return { ...(tally as EventTally), trials: [...units().assigned] }
    case 'above-cap':
      return source.among === 'drawn' && isCapped(cohort, hypothesis)
        ? { ...(tally as EventTally), trials: [...units().assigned] }
        : tally
    case 'sum':
      return isCapped(cohort, hypothesis)
        ? withZeros(cohort, hypothesis, tally as BetTally, units().assigned)
        : tally
    case 'ratio':
      // Without events neither count moves: ψ is 0.
      return { ...(tally as BetTally), n: [...units().assigned] }
    default:
      return tally
  }
}

function missing(asked: Readonly<Pair>, came: EventTally): EventTally {
  const events: Pair = [asked[0] - came.trials[0], asked[1] - came.trials[1]]
  const tally: EventTally = {
    kind: 'event',
    trials: [...asked],
    events,
    harmEvents: [...events],
    harmUnits: null,
  }
  return came.events[0] + came.events[1] === 0 ? tally : { ...tally, unscored: [...came.events] }
}

// Where no cap was known the cohort is not judged.
function isCapped({ terms }: Cohort, { metric }: Hypothesis): boolean {
  return terms.caps[metric!] !== undefined
}

// Bets on units with events are kept as what they change of a bet on 0.
function withZeros(
  cohort: Cohort,
  hypothesis: Hypothesis,
  tally: BetTally,
  assigned: Readonly<Pair>,
): BetTally {
  const { pi, terms } = cohort
  const all = { ...tally, n: [...assigned] as Pair, harm: [...tally.harm], proof: [...tally.proof] }
  const bets = terms.bets[hypothesis.id]
  if (bets === undefined) return all
  for (const side of [0, 1] as const) {
    const { harm } = hypothesis
    addBet(all, bets, side, 0, pi, harm.ratio, proofRatio(hypothesis), assigned[side])
  }
  return all
}
