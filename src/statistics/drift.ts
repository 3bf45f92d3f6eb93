import type { DriftStratum } from '../domain/evidence.ts'
import { betaBinomialLogEvidence } from './ratio-mismatch.ts'

/** Error budget of a drift hypothesis in one attempt: outside of the rollback α. */
export const DRIFT_ALPHA = 0.01

/** Bias-corrected PSI from which a shift is large enough to be told. */
export const DRIFT_PSI = 0.1

/** Prior standard deviation of a bin's log-odds of being the canary's, around those of the weight. */
const TAU = 0.3

/** Added to every count, so that an empty bin has a share above 0. */
const PSEUDO_COUNT = 0.5

/** How far two binned distributions lie apart. */
export type DriftEffect = {
  /** Population stability index Σ (pc − pb)·ln(pc/pb), less what it is on average without any shift. */
  readonly psi: number
  /** Largest distance of the cumulative shares, as far as the bins show it. */
  readonly ks: number
  /** Area between the cumulative shares, in the value's unit: without what lies beyond the outer edges. */
  readonly w1: number
  /** Shares of the bins, compared within each stratum and then weighted. */
  readonly baseline: readonly number[]
  readonly canary: readonly number[]
}

/**
 * Log-evidence that a value's distribution depends on the variant. If it does not, the variant of a value
 * is the draw of its request whichever bin it fell into: in each bin the sample-ratio test (Beta-binomial
 * with mean π), with a prior of κ = 1/(τ²π(1 − π)) − 1 units, multiplied over bins and strata.
 * Two-sided, exact at every sample size, readable at any time.
 */
export function driftLogEvidence(strata: readonly DriftStratum[]): number {
  let sum = 0
  for (const { pi, baseline, canary } of strata) {
    const priorUnits = 1 / (TAU ** 2 * pi * (1 - pi)) - 1
    for (const [bin, inCanary] of canary.entries()) {
      sum += betaBinomialLogEvidence(pi, inCanary, baseline[bin]! + inCanary, priorUnits)
    }
  }
  return sum
}

/**
 * The size of a shift, for people and as the second condition of a flag. Within each stratum, then
 * averaged with the weights 1/(1/nc + 1/nb), so that a ramp makes no shift out of a change with time.
 * On average PSI is (K − 1)(1/nc + 1/nb) where nothing has shifted (Potgieter et al., arXiv 2307.11878),
 * K bins that hold anything; that is taken off. Null while one side has no value in any stratum.
 */
export function driftEffect(
  strata: readonly DriftStratum[],
  edges: readonly number[],
): DriftEffect | null {
  const usable = strata.filter(({ baseline, canary }) => total(baseline) > 0 && total(canary) > 0)
  if (usable.length === 0) return null
  const bins = edges.length + 1
  const shares = { baseline: zeros(bins), canary: zeros(bins) }
  let psi = 0
  let weights = 0
  for (const { baseline, canary } of usable) {
    const [inBaseline, inCanary] = [total(baseline), total(canary)]
    const spread = 1 / inCanary + 1 / inBaseline
    const weight = 1 / spread
    weights += weight
    psi += weight * correctedPsi(baseline, canary, spread)
    for (let bin = 0; bin < bins; bin++) {
      shares.baseline[bin]! += (weight * baseline[bin]!) / inBaseline
      shares.canary[bin]! += (weight * canary[bin]!) / inCanary
    }
  }
  const baseline = shares.baseline.map((share) => share / weights)
  const canary = shares.canary.map((share) => share / weights)
  return { psi: psi / weights, ...distances(baseline, canary, edges), baseline, canary }
}

/** PSI of two distributions over the same bins, none of them empty: Σ (pc − pb)·ln(pc/pb). */
export function stabilityIndex(baseline: readonly number[], canary: readonly number[]): number {
  return canary.reduce((sum, pc, bin) => {
    const pb = baseline[bin]!
    return sum + (pc - pb) * Math.log(pc / pb)
  }, 0)
}

function correctedPsi(
  baseline: readonly number[],
  canary: readonly number[],
  spread: number,
): number {
  const used = [...canary.keys()].filter((bin) => baseline[bin]! + canary[bin]! > 0)
  const shares = (counts: readonly number[]) => {
    const all = total(counts) + PSEUDO_COUNT * used.length
    return used.map((bin) => (counts[bin]! + PSEUDO_COUNT) / all)
  }
  return stabilityIndex(shares(baseline), shares(canary)) - (used.length - 1) * spread
}

function distances(
  baseline: readonly number[],
  canary: readonly number[],
  edges: readonly number[],
): { ks: number; w1: number } {
  let gap = 0
  let ks = 0
  let w1 = 0
  for (const [bin, edge] of edges.entries()) {
    gap += canary[bin]! - baseline[bin]!
    ks = Math.max(ks, Math.abs(gap))
    const next = edges[bin + 1]
    if (next !== undefined) w1 += Math.abs(gap) * (next - edge)
  }
  return { ks, w1 }
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0)
}
