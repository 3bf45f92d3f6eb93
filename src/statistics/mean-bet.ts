import { CANARY_SIDE } from '../domain/cohort.ts'
import type { BetTally, BetTerms, Side } from '../domain/cohort.ts'

/** Effects, as shares of the baseline's mean, that the bets of a proof within a margin stand for. */
export const EFFECT_GRID: readonly number[] = [0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6]

/**
 * As many for harm, and for a difference that no margin says the size of. A bet on twice the difference that there is does not
 * grow, so that a mean that is 1 % worse was found late or never.
 */
export const HARM_EFFECTS: readonly number[] = [0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8]

const SMALLEST_EFFECT = Math.min(...EFFECT_GRID)

/** The effects that bets in a direction stand for: those of a proof where the null is a margin around 1, else those of harm. */
export function effectsOf(direction: 'above' | 'below', ratio: number): readonly number[] {
  return isWithinMargin(direction, ratio) ? EFFECT_GRID : HARM_EFFECTS
}

function isWithinMargin(direction: 'above' | 'below', ratio: number): boolean {
  return direction === 'above' ? ratio < 1 : ratio > 1
}

/** How much of the largest admissible bet is used, so that wealth cannot be lost at a stroke. */
export const LIMIT_SHARE = 0.8

/** What bets are made from; all of it known before the cohort that they are used for opens. */
export type BetBasis = {
  /** Probability of the canary at assignment. */
  readonly pi: number
  /** The null ratio ρ of the means. */
  readonly ratio: number
  /** The baseline's mean so far: the centre g of the bets. From 0 to `cap`. */
  readonly mean: number
  /** The baseline's variance so far, of the capped values. */
  readonly variance: number
  /** B: values above it count as this, on both sides. */
  readonly cap: number
}

/**
 * The λ of each bet of the effect grid for the next cohort: λ = ±ε·e / (σc²/π + ρ²σ²/(1 − π)), clipped to 0.8 of
 * what keeps every 1 + λψ positive for values from 0 to the cap. Bets on a canary `above` the margin are positive,
 * those on one `below` it negative. The effects ε are shares of e: `effectUnit`, which is mostly the baseline's mean g; within a margin
 * ρ ≤ 1 what is left to the cap there, B − ρg, where that is less: of nearly all right answers it is the wrong ones
 * that change. σc² is the baseline's variance σ², below such a margin `varianceAtMargin`. Of right and wrong answers
 * the bet of ε on more wrong ones is then that of their likelihood ratio. All are 0 while the baseline's mean is 0:
 * nothing to size a bet by.
 *
 * Source: off-policy confidence sequences by betting (Karampatziakis, Mineiro and Ramdas, ICML 2021)
 * and "Estimating means of bounded random variables by betting" (Waudby-Smith and Ramdas, 2010.09686).
 */
export function centredBets(basis: BetBasis, direction: 'above' | 'below'): number[] {
  const { pi, ratio, mean, variance } = basis
  if (mean === 0) return EFFECT_GRID.map(() => 0)
  const most = direction === 'above' ? aboveLimit(basis) : belowLimit(basis)
  const onCanary = direction === 'above' ? variance : varianceAtMargin(variance, mean, ratio)
  const spread = onCanary / pi + (ratio ** 2 * variance) / (1 - pi)
  const effects = effectsOf(direction, ratio)
  const unit = effectUnit(direction, mean, ratio)
  const effect = ratio > 1 ? unit : Math.min(unit, leftAtMargin(basis))
  // Where all is as good as it can be, and has to stay so, nothing sizes a bet.
  const scale = effect > 0 ? effect / spread : most / effects.at(-1)!
  const sign = direction === 'above' ? 1 : -1
  return effects.map((size) => sign * Math.min(size * scale, LIMIT_SHARE * most))
}

/**
 * What effects are shares of: the mean, and in a proof within a margin |ρ − 1| that is smaller than the smallest of them so much
 * less that this one is the margin: a bet on twice the effect that there is does not grow, so that of canaries alike nothing was
 * proved within 0.5 % however many values came.
 */
export function effectUnit(direction: 'above' | 'below', mean: number, ratio: number): number {
  const margin = Math.abs(ratio - 1)
  const isSmall = isWithinMargin(direction, ratio) && margin <= SMALLEST_EFFECT
  return isSmall ? mean * (margin / SMALLEST_EFFECT) : mean
}

/**
 * Variance of a canary at a margin ρ: ρσ² + ρ(1 − ρ)g² where the share 1 − ρ of its values, each as likely, became 0;
 * above 1 that of the baseline. A baseline that is right 999 times in 1,000 has hardly any variance, and a canary that
 * is right 949 times forty times as much: sized by σ² the bets on harm were so large that a canary which was right
 * 900 times was never found. It is known before the cohort, so that the level stands whatever the canary does.
 */
export function varianceAtMargin(variance: number, mean: number, ratio: number): number {
  return ratio > 1 ? variance : ratio * (variance + (1 - ratio) * mean ** 2)
}

/** How much a canary at the margin may still rise. Where every value is the cap, rounding can take their mean above it. */
function leftAtMargin({ ratio, mean, cap }: BetBasis): number {
  return Math.max(0, cap - ratio * mean)
}

/**
 * ψ of one observation: (y − ρg)/π on the canary's side, −ρ(y − g)/(1 − π) on the baseline's. Its
 * expectation before the draw of the arm is μc − ρμb for every centre g that was fixed earlier.
 */
export function betTerm(side: Side, y: number, pi: number, ratio: number, centre: number): number {
  return side === CANARY_SIDE ? (y - ratio * centre) / pi : (-ratio * (y - centre)) / (1 - pi)
}

/**
 * Adds ln(1 + λψ) of one observation to every bet of a tally, in place; the tally's moments are the
 * caller's, since they are kept where nothing is bet yet too. `y` is capped here, the same way on both
 * sides; the terms must have been made for this `pi` and these ratios. Throws a RangeError, and adds
 * nothing, where y is not a number from 0 on: one NaN would void the evidence. `times`: so many equal
 * observations; −1 takes one back.
 */
export function addBet(
  tally: BetTally,
  terms: BetTerms,
  side: Side,
  y: number,
  pi: number,
  ratioHarm: number,
  ratioProof: number,
  times = 1,
): void {
  if (!(y >= 0)) throw new RangeError(`an observation is a number from 0 on, found ${y}`)
  const capped = Math.min(y, terms.cap)
  addLogs(tally.harm, terms.harm, betTerm(side, capped, pi, ratioHarm, terms.centre), times)
  addLogs(tally.proof, terms.proof, betTerm(side, capped, pi, ratioProof, terms.centre), times)
}

function addLogs(wealth: number[], bets: readonly number[], term: number, times: number): void {
  for (const [index, bet] of bets.entries()) wealth[index]! += times * Math.log1p(bet * term)
}

/** Largest λ > 0: ψ is lowest for the canary at y = 0 and for the baseline at the cap. */
function aboveLimit({ pi, ratio, mean, cap }: BetBasis): number {
  // Where every value is the cap, rounding can take their mean a little above it.
  const room = Math.max(0, cap - mean)
  return Math.min(pi / (ratio * mean), (1 - pi) / (ratio * room))
}

/** Largest |λ| with λ < 0: ψ is highest for the canary at the cap and for the baseline at y = 0. */
function belowLimit({ pi, ratio, mean, cap }: BetBasis): number {
  const canaryMost = cap - ratio * mean
  const baselineLimit = (1 - pi) / (ratio * mean)
  // Where even the cap is no more than ρg, the canary's ψ is never above 0 and limits nothing.
  return canaryMost > 0 ? Math.min(pi / canaryMost, baselineLimit) : baselineLimit
}
