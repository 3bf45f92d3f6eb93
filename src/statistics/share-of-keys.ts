import { KEY_PLACES, type PlaceCount } from '../domain/key-places.ts'
import { divergence } from './beyond-chance.ts'

/** Trials and the events among them; those of keys, which are not independent of one another, by the place of their key. */
export type KeyedShare = {
  readonly trials: number
  readonly events: number
  /** A part of them; the others are nobody else's. */
  readonly byPlace: readonly PlaceCount[]
}

/**
 * With fewer keys than that nobody can tell a bad canary from a bad key, whatever the requests: twelve that have twice the
 * usual share each say 4,000 : 1, as a whole. Of the two mistakes the harmless one is made then: a limit fails.
 */
const FEWEST_KEYS = 12

/** Halvings of an interval, after which nothing of it is left in a double. */
const HALVINGS = 50

/**
 * How much speaks for a share of events above `usual` (below 1), in nats: chance gives x or more with a probability of about
 * e^−x at most. All that is one key's may be for one cause, so it is places of keys that are independent (random groups:
 * Wolter, "Introduction to Variance Estimation", chapter 2). At the share that is usual nobody wins by a bet on each place,
 * against what it has beyond its due (Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting",
 * JRSS B 2024); what the best one wins, of all whose stakes can be paid, is the evidence:
 *
 *   max Σ ln(1 + λ·(events − usual·trials)), 0 ≤ λ ≤ 1/(usual · the most trials of a place)
 *
 * No place wins more than ln(1/usual). A place with more than twice its part of the trials counts in proportion for twice its
 * part (winsorised weights): else λ would be so small for the heaviest that the others said nothing. Without keys the sum is
 * n·KL, the bound of isBeyondChance; it is never more than that. It is that, too, where the places have the weights of fewer than
 * FEWEST_KEYS equal ones (effective sample size: Kish, "Survey Sampling", 1965, section 11.7).
 */
export function logEvidenceAbove({ trials, events, byPlace }: KeyedShare, usual: number): number {
  if (trials === 0 || events <= usual * trials) return 0
  if (usual === 0) return Infinity
  const ofTrials = trials * divergence(Math.min(1, events / trials), usual)
  if (byPlace.length === 0) return ofTrials
  const most = (2 * trials) / KEY_PLACES
  const places = byPlace.map(([, n, found]) => {
    const part = Math.min(1, most / n)
    return { trials: part * n, beyond: part * (found - usual * n) }
  })
  const sum = (at: 1 | 2) => byPlace.reduce((all, place) => all + place[at], 0)
  // Rounding of what fades may leave a little less than none.
  const alone = Math.max(0, trials - sum(1))
  const failed = Math.min(alone, Math.max(0, events - sum(2)))
  // Each of these is a place with one trial, and counts as such a place does.
  const own = Math.min(1, most)
  const bets = [
    { beyond: own * (1 - usual), times: failed },
    { beyond: -own * usual, times: alone - failed },
    ...places.map(({ beyond }) => ({ beyond, times: 1 })),
  ].filter(({ times }) => times > 0)
  const weights = places.map((place) => place.trials)
  if (effectiveSize(weights, alone, own) < FEWEST_KEYS) return ofTrials
  const heaviest = Math.max(alone > 0 ? own : 0, ...weights)
  return Math.min(ofTrials, bestOf(bets, 1 / (usual * heaviest)))
}

/** As how many independent trials those of a share count, where it is above `usual`; at most as they are. */
export function independentTrials(share: KeyedShare, usual: number): number {
  const { trials, events } = share
  if (usual === 0 || events <= usual * trials) return trials
  return logEvidenceAbove(share, usual) / divergence(Math.min(1, events / trials), usual)
}

/** As many equal ones as these weights say as much as, with so many more that weigh `own` each. */
function effectiveSize(weights: readonly number[], alone: number, own: number): number {
  const sum = weights.reduce((all, weight) => all + weight, alone * own)
  const sumSq = weights.reduce((all, weight) => all + weight ** 2, alone * own ** 2)
  return sum ** 2 / sumSq
}

/** What the best stake from 0 to `most` wins, in nats; it is a concave function of the stake. */
function bestOf(bets: readonly { beyond: number; times: number }[], most: number): number {
  const slope = (stake: number) =>
    bets.reduce((sum, { beyond, times }) => sum + (times * beyond) / (1 + stake * beyond), 0)
  let [low, high] = [0, most]
  for (let n = 0; n < HALVINGS; n++) {
    const middle = (low + high) / 2
    if (slope(middle) > 0) low = middle
    else high = middle
  }
  return bets.reduce((sum, { beyond, times }) => sum + times * Math.log1p(low * beyond), 0)
}
