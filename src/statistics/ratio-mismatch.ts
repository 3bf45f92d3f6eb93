import type { RatioStratum } from '../domain/evidence.ts'
import { logGamma } from './special.ts'

/** Error budget of the sample-ratio test of one attempt: its action is a pause, never a rollback. */
export const RATIO_ALPHA = 0.001

/** Weight of the prior around the configured share, in units. */
const PRIOR_UNITS = 10_000

/**
 * Log-evidence that units do not reach the canary with the probability they were drawn with:
 * the Beta-binomial likelihood with a prior of mean π against the binomial with π, multiplied over the
 * strata. Two-sided, exact at every sample size, readable at any time.
 *
 * Source: Lindon and Malek, arXiv 2011.03567, as in Optimizely's ssrm (prior weight 10,000).
 */
export function ratioLogEvidence(strata: readonly RatioStratum[]): number {
  let sum = 0
  for (const { pi, canary, total } of strata) {
    sum += betaBinomialLogEvidence(pi, canary, total, PRIOR_UNITS)
  }
  return sum
}

/**
 * Log-evidence that of `total` units another share than π is the canary's: Beta-binomial with mean π and
 * a prior of so many units, against the binomial.
 */
export function betaBinomialLogEvidence(
  pi: number,
  canary: number,
  total: number,
  priorUnits: number,
): number {
  const baseline = total - canary
  // Cohorts of thousands of services ask about the same share again and again.
  if (known.pi !== pi || known.units !== priorUnits) known = priorOf(pi, priorUnits)
  return (
    logBeta(known.canary + canary, known.baseline + baseline) -
    known.logBeta -
    canary * known.logPi -
    baseline * known.logRest
  )
}

/** What is the same for all counts. */
type Prior = ReturnType<typeof priorOf>

let known: Prior = priorOf(0.5, PRIOR_UNITS)

function priorOf(pi: number, units: number) {
  const canary = units * pi
  const baseline = units * (1 - pi)
  return {
    pi,
    units,
    canary,
    baseline,
    logBeta: logBeta(canary, baseline),
    logPi: Math.log(pi),
    logRest: Math.log1p(-pi),
  }
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b)
}
