import type { EventStratum } from '../domain/evidence.ts'
import { logMeanExp } from './log-sum-exp.ts'

/**
 * Excesses g over the null ratio that the bets of an event metric stand for, with equal stakes: a proof within a
 * margin bets on a true ratio of ratio / (1 + g), where more is better on ratio × (1 + g).
 */
export const PROOF_GRID: readonly number[] = [0.1, 0.2, 0.35, 0.6, 1, 2, 5, 15]

/**
 * The same for harm, and for a difference that no margin says the size of. A bet on twice the difference that there is
 * does not grow, so that without the first of these 3 % more failures were not found however many there were.
 */
export const HARM_GRID: readonly number[] = [0.03, ...PROOF_GRID]

/** The grids as relative changes of the null ratio downward: r / ratio − 1, in (−1, 0). */
export const PROOF_CHANGES: readonly number[] = PROOF_GRID.map(downward)
export const FALL_CHANGES: readonly number[] = HARM_GRID.map(downward)

const SMALLEST_EXCESS = Math.min(...PROOF_GRID)

/** How many grids are remembered. */
const MAX_GRIDS = 64

const scaledGrids = { above: new Map<number, number[]>(), below: new Map<number, number[]>() }

/**
 * The relative changes of the null ratio that bets of a proof in a direction stand for: the grid of proofs; where the null is
 * a margin around 1 that is smaller than its smallest excess, the grid so much smaller that this one is a true ratio of 1 (a bet
 * on twice the distance to what is true does not grow: conversions alike were never proved within 2 %); and where it is no
 * margin around 1, as where a canary is to be shown to be better, the grid of harm. The same array for the same ratio.
 */
export function betChanges(direction: 'above' | 'below', ratio: number): readonly number[] {
  const toOne = direction === 'above' ? 1 / ratio - 1 : ratio - 1
  if (toOne <= 0) return direction === 'above' ? HARM_GRID : FALL_CHANGES
  if (toOne >= SMALLEST_EXCESS) return direction === 'above' ? PROOF_GRID : PROOF_CHANGES
  const known = scaledGrids[direction]
  const found = known.get(ratio)
  if (found !== undefined) return found
  const excesses = PROOF_GRID.map((excess) => excess * (toOne / SMALLEST_EXCESS))
  const scaled = direction === 'above' ? excesses : excesses.map(downward)
  if (known.size === MAX_GRIDS) known.clear()
  known.set(ratio, scaled)
  return scaled
}

/** The relative change that is as far below as `excess` is above. */
function downward(excess: number): number {
  return -excess / (1 + excess)
}

/** What one observation adds to the log-wealth of one bet. */
export type BetLogs = {
  /** A canary unit with the event. */
  readonly canary: number
  /** A baseline unit with the event. */
  readonly baseline: number
  /** A unit of either side without it; 0 where there is no floor. */
  readonly quiet: number
}

/**
 * Log-evidence that the canary's rate of events is more than `ratio` times the baseline's, from the
 * arm labels of the events alone: given an event, its arm is the canary with probability
 * θ(ρ) = πρ / (1 − π + πρ) when the rates' ratio is ρ, whatever the traffic does. Each bet is the
 * likelihood ratio of θ(r) against θ(ratio); it is an e-process for every true ratio up to `ratio`,
 * even one that moves, because its expectation rises with θ and is 1 at θ(ratio).
 *
 * Source: Lindon and Malek, "Anytime-valid inference for multinomial count data" (NeurIPS 2022,
 * arXiv 2011.03567); betting form as in Karampatziakis, Mineiro and Ramdas, "Off-policy confidence
 * sequences" (ICML 2021).
 */
export function harmLogEvidence(
  strata: readonly EventStratum[],
  ratio: number,
  changes: readonly number[] = HARM_GRID,
): number {
  return logMeanExp(fillWealth(mixedOf(changes), strata, ratio, 0, changes))
}

/**
 * Log-evidence that the canary's rate is less than `ratio` times the baseline's plus `floor`
 * (H0: μc ≥ ratio·μb + floor). A floor above 0 lets a service without any failures be proved, and
 * needs the strata's `trials`; with floor 0 only the events count.
 */
export function proofLogEvidence(
  strata: readonly EventStratum[],
  ratio: number,
  floor: number,
  changes: readonly number[] = PROOF_CHANGES,
): number {
  return logMeanExp(fillWealth(mixedOf(changes), strata, ratio, floor, changes))
}

/** The log-wealth of each bet of a proof, of which `harmLogEvidence` or `proofLogEvidence` with `betChanges` is the mixture. */
export function labelBetWealth(
  strata: readonly EventStratum[],
  direction: 'above' | 'below',
  ratio: number,
  floor: number,
): readonly number[] {
  const changes = betChanges(direction, ratio)
  const wealth = changes.map(() => 0)
  return fillWealth(wealth, strata, ratio, direction === 'above' ? 0 : floor, changes)
}

/**
 * The increments of the bet on a true ratio of ρ·(1 + `change`) against ρ = `ratio`, `change` > −1.
 *
 * The general bet on a unit is ln(1 + λψ) with, for an indicator y,
 *   ψ = [canary]·y/π − ρ·[baseline]·y/(1 − π) − δ,   E[ψ | past] = μc − ρμb − δ,
 * and here λ = π(θr/θ0 − 1), where θ0 = θ(ρ) and θr = θ(ρ(1 + change)). Then
 *   1 + λ/π = θr/θ0,   and, because θ0/(1 − θ0) = πρ/(1 − π),
 *   1 − λρ/(1 − π) = 1 + (θ0 − θr)/(1 − θ0) = (1 − θr)/(1 − θ0):
 * for δ = 0 the bet is exactly the likelihood ratio of the labels. With δ = `floor` each factor moves
 * by −λδ. Positivity: the two ratios are positive, and in the direction of proof λ < 0, so −λδ ≥ 0;
 * no clipping is needed. A floor is never used with λ > 0.
 * With t = 1 + θ0·change: θr/θ0 = (1 + change)/t, (1 − θr)/(1 − θ0) = 1/t.
 */
export function labelBetLogs(pi: number, ratio: number, floor: number, change: number): BetLogs {
  const odds = 1 - pi + pi * ratio
  const t = 1 + ((pi * ratio) / odds) * change
  const lambda = (pi * change * ((1 - pi) / odds)) / t
  const gift = -lambda * floor
  return {
    canary: Math.log((1 + change) / t + gift),
    baseline: Math.log(1 / t + gift),
    quiet: Math.log1p(gift),
  }
}

/** For wealth that is mixed at once, and seen by nobody else: evidence is asked for thousands of times in a row. */
const mixed = [new Float64Array(HARM_GRID.length), new Float64Array(PROOF_GRID.length)] as const

function mixedOf(changes: readonly number[]): Float64Array {
  return changes.length === PROOF_GRID.length ? mixed[1] : mixed[0]
}

/** Log-wealth of every bet, summed over the strata, in `wealth`. */
function fillWealth<W extends number[] | Float64Array>(
  wealth: W,
  strata: readonly EventStratum[],
  ratio: number,
  floor: number,
  changes: readonly number[],
): W {
  wealth.fill(0)
  for (const { pi, baseline, canary, trials } of strata) {
    const quiet = trials - canary - baseline
    const logs = logsOf(pi, ratio, floor, changes)
    for (let bet = 0, at = 0; bet < wealth.length; bet += 1, at += 3) {
      wealth[bet]! += canary * logs[at]! + baseline * logs[at + 1]! + quiet * logs[at + 2]!
    }
  }
  return wealth
}

/** Increments of a grid's bets, with what they were worked out from. */
type KnownLogs = {
  readonly changes: readonly number[]
  readonly ratio: number
  readonly floor: number
  /** Of each bet in turn: canary, baseline, quiet. */
  readonly logs: Float64Array
}

/** How many increments are remembered. */
const MAX_KNOWN = 256

const knownByPi = new Map<number, KnownLogs[]>()
let knownCount = 0

// Cohorts of thousands of services ask for the same few again and again.
function logsOf(
  pi: number,
  ratio: number,
  floor: number,
  changes: readonly number[],
): Float64Array {
  const known = knownByPi.get(pi)
  if (known !== undefined) {
    for (const each of known) {
      if (each.ratio === ratio && each.floor === floor && each.changes === changes) return each.logs
    }
  }
  const logs = new Float64Array(3 * changes.length)
  for (const [bet, change] of changes.entries()) {
    const { canary, baseline, quiet } = labelBetLogs(pi, ratio, floor, change)
    logs.set([canary, baseline, quiet], 3 * bet)
  }
  if (knownCount === MAX_KNOWN) {
    knownByPi.clear()
    knownCount = 0
  }
  const ofPi = knownByPi.get(pi) ?? []
  ofPi.push({ changes, ratio, floor, logs })
  knownByPi.set(pi, ofPi)
  knownCount += 1
  return logs
}
