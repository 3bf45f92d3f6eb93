import { BASELINE_SIDE, CANARY_SIDE } from '../domain/cohort.ts'
import type { BetTally, BetTerms, Pair, Side } from '../domain/cohort.ts'
import type { MomentStratum } from '../domain/evidence.ts'
import { addToRatioBins } from './value-bins.ts'
import { EFFECT_GRID, LIMIT_SHARE, effectUnit, effectsOf, varianceAtMargin } from './mean-bet.ts'

/** What bets on a ratio are made from; all of it known before the cohort that they are used for opens. */
export type RatioBetBasis = {
  /** Probability of the canary at assignment. */
  readonly pi: number
  /** The null ratio ρ of the two sides' ratios. */
  readonly ratio: number
  /** The baseline's ratio so far, r̂. */
  readonly centre: number
  /** The baseline's mean of the denominator so far. */
  readonly denominatorMean: number
  /** The baseline's variance so far of numerator − r̂ · denominator. */
  readonly variance: number
  /** Most that one unit has of the numerator, and of the denominator. */
  readonly cap: number
  /** The canary's mean of the denominator over the baseline's so far, see `denominatorLift`; absent = 1. */
  readonly lift?: number
}

/**
 * The λ of each bet of the effect grid: λ = ±ε·r̂·d̄ / (σc²/π + ρ²σ²/(1 − π)), clipped to 0.8 of what keeps
 * every 1 + λψ positive while numerator and denominator go from 0 to the cap. The term ψ is lowest for a
 * canary's −ρr̂·cap/π and a baseline's −ρ·cap/(1 − π), highest for cap/π and ρr̂·cap/(1 − π). All are 0
 * while the baseline has no numerator: nothing to size a bet by. Below a margin ρ ≤ 1 the variance on the canary's
 * side is that of a canary at the margin, as of a mean.
 *
 * Derived from the centred bets on a mean (see `centredBets`), with r̂·d for the centre.
 */
export function ratioBets(basis: RatioBetBasis, direction: 'above' | 'below'): number[] {
  const { pi, ratio, centre, denominatorMean, variance, cap, lift = 1 } = basis
  if (centre === 0) return EFFECT_GRID.map(() => 0)
  const mean = centre * denominatorMean
  const onCanary = direction === 'below' ? varianceAtMargin(variance, mean, ratio) : variance
  const scale =
    effectUnit(direction, mean, ratio) /
    (onCanary / (pi * lift) + (variance * ratio ** 2) / (1 - pi))
  const [canary, baseline] = direction === 'above' ? [ratio * centre, 1] : [1, centre]
  const room = Math.min((pi * lift) / (canary * cap), (1 - pi) / (ratio * baseline * cap))
  const sign = direction === 'above' ? 1 : -1
  return effectsOf(direction, ratio).map(
    (effect) => sign * Math.min(effect * scale, LIMIT_SHARE * room),
  )
}

/**
 * ψ of one unit: (num − ρr̂·den)/(πq) on the canary's side, −ρ(num − r̂·den)/(1 − π) on the baseline's. Its
 * expectation before the draw is db(Rc − ρRb) at Rc = ρRb for every r̂ where the canary's mean of the denominator dc
 * is q·db; where it is not it is off by ρ(Rb − r̂)(dc/q − db), a product of two errors: that of r̂, which lags
 * behind a baseline that changes, and that of q. 0 for a unit without events.
 */
export function ratioBetTerm(
  side: Side,
  numerator: number,
  denominator: number,
  pi: number,
  ratio: number,
  centre: number,
  lift = 1,
): number {
  return side === CANARY_SIDE
    ? (numerator - ratio * centre * denominator) / (pi * lift)
    : (-ratio * (numerator - centre * denominator)) / (1 - pi)
}

/**
 * q: the canary's mean of the denominator over the baseline's so far, compared within each weight; 1 where it is not
 * known to be another one. By as much as it may be chance it is drawn to 1 (positive-part shrinkage: James and Stein
 * 1961), where the centre costs no level: most canaries change no denominator.
 */
export function denominatorLift(strata: readonly Omit<MomentStratum, 'pi'>[]): number {
  const sums: Pair = [0, 0]
  const squares: Pair = [0, 0]
  for (const { n, denominator } of strata) {
    if (denominator === undefined || n[BASELINE_SIDE] === 0 || n[CANARY_SIDE] === 0) continue
    const units = n[BASELINE_SIDE] + n[CANARY_SIDE]
    for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
      const mean = denominator.sum[side] / n[side]
      sums[side] += units * mean
      const variance = Math.max(0, denominator.sumSq[side] / n[side] - mean ** 2)
      squares[side] += (units ** 2 * variance) / n[side]
    }
  }
  const [baseline, canary] = sums
  if (baseline === 0 || canary === 0) return 1
  const lift = canary / baseline
  if (lift === 1) return 1
  // The variance of a quotient by the delta method.
  const ofLift =
    lift ** 2 * (squares[BASELINE_SIDE] / baseline ** 2 + squares[CANARY_SIDE] / canary ** 2)
  return 1 + (lift - 1) * Math.max(0, 1 - ofLift / (lift - 1) ** 2)
}

/** A unit's two counts, from 0 to the cap. */
export type Counts = readonly [numerator: number, denominator: number]

/**
 * Replaces what one unit adds to a tally, in place: its moments, and ln(1 + λψ) where bets are made. The
 * unit counted `before` (0, 0: nothing so far) and counts `after` now. The terms must have been made for
 * this `pi` and these ratios.
 */
export function replaceRatioUnit(
  tally: BetTally,
  terms: BetTerms | undefined,
  side: Side,
  before: Counts,
  after: Counts,
  place: { readonly pi: number; readonly harm: number; readonly proof: number },
): void {
  addRatioUnits(tally, terms, side, before, place, -1)
  addRatioUnits(tally, terms, side, after, place, 1)
}

/** Adds so many units (`times`) of these counts to the moments of a tally and to its bins, in place. */
export function countRatioUnits(tally: BetTally, side: Side, counts: Counts, times: number): void {
  const [num, den] = counts
  const denominator = tally.denominator!
  tally.sum[side] += times * num
  tally.sumSq[side] += times * num * num
  denominator.sum[side] += times * den
  denominator.sumSq[side] += times * den * den
  denominator.cross[side] += times * num * den
  if (tally.ratioBins !== undefined) addToRatioBins(tally.ratioBins[side], num, den, times)
}

/** Adds what so many units (`times`) of these counts add to a tally, in place; see `replaceRatioUnit`. */
export function addRatioUnits(
  tally: BetTally,
  terms: BetTerms | undefined,
  side: Side,
  counts: Counts,
  { pi, harm, proof }: { readonly pi: number; readonly harm: number; readonly proof: number },
  times: number,
): void {
  countRatioUnits(tally, side, counts, times)
  if (terms === undefined) return
  const [num, den] = counts
  const { centre, lift } = terms
  addLogs(tally.harm, terms.harm, ratioBetTerm(side, num, den, pi, harm, centre, lift), times)
  addLogs(tally.proof, terms.proof, ratioBetTerm(side, num, den, pi, proof, centre, lift), times)
}

function addLogs(wealth: number[], bets: readonly number[], term: number, times: number): void {
  for (const [index, bet] of bets.entries()) wealth[index]! += times * Math.log1p(bet * term)
}

/**
 * Moments of a ratio as moments of a mean: by the delta method each unit counts as
 * R + (num − R·den)/d̄, whose mean is the side's ratio R and whose variance is that of the ratio. Sides
 * without a denominator have no values. Strata of means come back as they are.
 */
export function linearised<S extends Omit<MomentStratum, 'pi'>>(stratum: S): S {
  const { denominator, n, sum, sumSq } = stratum
  if (denominator === undefined) return stratum
  const linear = { n: [0, 0] as Pair, sum: [0, 0] as Pair, sumSq: [0, 0] as Pair }
  for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
    const den = denominator.sum[side]
    if (den === 0) continue
    const ratio = sum[side] / den
    const residual =
      sumSq[side] - 2 * ratio * denominator.cross[side] + ratio ** 2 * denominator.sumSq[side]
    const mean = den / n[side]
    linear.n[side] = n[side]
    linear.sum[side] = n[side] * ratio
    linear.sumSq[side] = n[side] * ratio ** 2 + residual / mean ** 2
  }
  return { ...stratum, ...linear }
}
