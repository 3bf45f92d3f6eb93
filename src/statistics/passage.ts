import { logMeanExp } from './log-sum-exp.ts'
import { normalCdf } from './special.ts'

/** Mean and variance of what one unit adds to the log-wealth of one bet; or of many units, summed. */
export type Growth = { readonly mean: number; readonly variance: number }

/** The way of a mixture of bets to its threshold. */
export type Passage = {
  /** By bet: what each unit adds. */
  readonly growths: readonly Growth[]
  /** By bet: what is expected to be there before the first of these units; null = nothing. */
  readonly before: readonly Growth[] | null
  /** Log-evidence that decides. */
  readonly goal: number
}

/** Where more units than this are needed, a decision is never made. */
const MOST_UNITS = 1e15

/**
 * Probability that log-evidence has reached its goal once within `units` units, in [0, 1].
 *
 * After n units bet j has the log-wealth W_j = n·m_j + Z·√n·s_j, with one standard normal Z for all of
 * them: they are bets on the same counts, so they rise and fall together. The mixture's evidence
 * ln(mean of exp W_j) rises with Z; ζ is where it is just at the goal, and Φ(−ζ) the probability to be
 * beyond it after n units. To have been there at any time within them is more: for a Brownian motion
 * with drift M and variance V over the span, at the level b = M + ζ√V,
 *   P(maximum ≥ b) = Φ(−ζ) + exp(2bM/V)·Φ(−(b + M)/√V)     (reflection principle; the distribution of
 * the first passage is the inverse Gaussian: Cox and Miller, "The Theory of Stochastic Processes", 5.7),
 * where M and V are those of the bets that carry the evidence there.
 */
export function passageShare({ growths, before, goal }: Passage, units: number): number {
  const means = growths.map(({ mean }, bet) => (before?.[bet]!.mean ?? 0) + units * mean)
  const deviations = growths.map(({ variance }, bet) =>
    Math.sqrt((before?.[bet]!.variance ?? 0) + units * variance),
  )
  // Searched for some thousand times by a forecast: one array for all of a search.
  const wealth = means.slice()
  const evidenceAt = (z: number) => {
    for (let j = 0; j < wealth.length; j += 1) wealth[j] = means[j]! + z * deviations[j]!
    return logMeanExp(wealth)
  }
  if (evidenceAt(LEAST_LUCK) >= goal) return 1
  let evidence = evidenceAt(-LEAST_LUCK)
  if (evidence < goal) return 0
  // Newton's method: the evidence is convex in Z, so that a tangent meets the goal between ζ and here.
  let zeta = -LEAST_LUCK
  for (let step = Infinity; step > LEAST_STEP;) {
    step = (evidence - goal) / carried(wealth, deviations)
    zeta -= step
    evidence = evidenceAt(zeta)
  }
  const drift = carried(wealth, means)
  const deviation = carried(wealth, deviations)
  const level = drift + zeta * deviation
  const far = (level + drift) / deviation
  // The factor is φ(ζ)/φ(far), and neither is a number any more where Φ(−far)/φ(far) is 1/far − 1/far³ (Mills' ratio).
  const reflected =
    far > FAR
      ? (Math.exp(-(zeta ** 2) / 2) / Math.sqrt(2 * Math.PI)) * (1 / far - 1 / far ** 3)
      : Math.exp((2 * level * drift) / deviation ** 2) * normalCdf(-far)
  return Math.min(1, normalCdf(-zeta) + reflected)
}

/** The mean of something over the bets, each with the share of the stakes that it has. */
function carried(wealth: readonly number[], of: readonly number[]): number {
  const most = Math.max(...wealth)
  let [sum, stakes] = [0, 0]
  for (let j = 0; j < wealth.length; j += 1) {
    const stake = Math.exp(wealth[j]! - most)
    sum += stake * of[j]!
    stakes += stake
  }
  return sum / stakes
}

/** Units within which a share of the runs has reached the goal; Infinity where they never do. */
export function unitsUntil(passage: Passage, share: number): number {
  return firstUnits((units) => passageShare(passage, units), share)
}

/**
 * The least whole number of units within which the chance of something, which rises with them, is at least `share`;
 * Infinity where it never is. Beyond ten million it may be a ten-millionth too many.
 */
export function firstUnits(chanceAt: (units: number) => number, share: number): number {
  const beyond = (units: number): Place => [units, chanceAt(units) - share]
  let below = beyond(0)
  if (below[1] >= 0) return 0
  let above = beyond(1)
  while (above[1] < 0) {
    if (above[0] === MOST_UNITS) return Infinity
    below = above
    above = beyond(Math.min(MOST_UNITS, above[0] * LEAP))
  }
  return crossing(below, above, beyond)
}

/** Units, and by how much the chance is beyond a share there. */
type Place = readonly [units: number, beyond: number]

/** A search leaps so many times as far each time that it has not arrived. */
const LEAP = 16

/** Of so many units one more or less is no matter. */
const NEAR = 1e-7

/**
 * The first of two neighbours between which something rising passes 0, between a place where it is below and one where it
 * is not. Each round halves the way at least, and near the end squares what is left: Ridders, "A new algorithm for
 * computing a single root of a real continuous function", IEEE Transactions on Circuits and Systems 26 (1979).
 */
function crossing(from: Place, to: Place, at: (units: number) => Place): number {
  let [below, above] = [from, to]
  const take = (place: Place) => {
    if (place[1] < 0) below = place
    else above = place
  }
  const isWide = () => above[0] - below[0] > Math.max(1, above[0] * NEAR)
  while (isWide()) {
    const [[least, under], [most, over]] = [below, above]
    const middle = at(Math.round((least + most) / 2))
    take(middle)
    if (!isWide()) break
    const root = Math.sqrt(middle[1] ** 2 - under * over)
    const guess = Math.round(middle[0] - ((middle[0] - least) * middle[1]) / root)
    take(at(Math.max(below[0] + 1, Math.min(above[0] - 1, guess))))
  }
  return above[0]
}

/** Normal deviates beyond which nothing is counted on: probability 1e-15. */
const LEAST_LUCK = -8

/** Normal deviates from which on the ratio is known to a millionth; at 37 it can no longer be reckoned. */
const FAR = 30

/** Normal deviates; the next step would be a millionth of it or less. */
const LEAST_STEP = 1e-7
