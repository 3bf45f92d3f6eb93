import { HARM_GRID, PROOF_CHANGES, labelBetLogs } from './label-bet.ts'
import { normalQuantile } from './special.ts'

/** What the mixture over bets costs against the best one among them, in log-evidence (by simulation). */
const MIXTURE_COST = 0.6

/** What is to be shown, with which budget, at which traffic. */
export type PlanBasis = {
  /** That the canary is above the margin, or below it. */
  readonly direction: 'above' | 'below'
  /** Probability of the canary. */
  readonly pi: number
  /** The null ratio. */
  readonly ratio: number
  readonly alpha: number
  /** Randomised units of both sides per second. */
  readonly ratePerSecond: number
  /** How long an outcome is waited for, in seconds: it comes on top. */
  readonly settleSeconds: number
}

/** Rates of the event as they are expected to be, in [0, 1]. */
export type EventsPlanInput = PlanBasis & {
  readonly baselineRate: number
  readonly canaryRate: number
  /** Absolute allowance below the margin; not used above it. */
  readonly floor: number
}

/** Moments of the capped values as they are expected to be. */
export type MeansPlanInput = PlanBasis & {
  readonly baselineMean: number
  readonly canaryMean: number
  readonly baselineVariance: number
  readonly canaryVariance: number
}

export type PlanPoint = {
  /** Judged units of both sides. */
  readonly requests: number
  readonly seconds: number
}

/** Needed in half, and in four of five, of the rollouts. */
export type Plan = { readonly p50: PlanPoint; readonly p80: PlanPoint }

/**
 * How long a decision on an event metric takes; null where it is never made: the rates are on the other
 * side of the margin, or, with a floor, so close to it that no bet of the grid grows. Growth and spread of the log-wealth are those of the best bet,
 * taken over all units, which is the formula by Kullback–Leibler divergence per event where there is
 * no floor. Against simulations it is at most about a fifth too careful.
 */
export function eventsPlan(input: EventsPlanInput): Plan | null {
  const { direction, pi, ratio, baselineRate, canaryRate } = input
  const floor = direction === 'above' ? 0 : input.floor
  if (Math.sign(canaryRate - ratio * baselineRate - floor) !== directionSign(direction)) return null
  const grid = direction === 'above' ? HARM_GRID : PROOF_CHANGES
  const changes = [...grid, canaryRate / baselineRate / ratio - 1]
  const growths = changes.map((change): Growth => {
    const logs = labelBetLogs(pi, ratio, floor, change)
    const [canary, baseline] = [pi * canaryRate, (1 - pi) * baselineRate]
    return momentsOf([
      [canary, logs.canary],
      [baseline, logs.baseline],
      [1 - canary - baseline, logs.quiet],
    ])
  })
  // A side without events makes the last bet an infinite one: not finite, and the grid has the best.
  const finite = growths.filter(({ mean }) => Number.isFinite(mean))
  return planOf(
    finite.reduce((best, growth) => (growth.mean > best.mean ? growth : best)),
    input,
  )
}

/**
 * How long a decision on a continuous metric takes; null where the means are on the other side of the
 * margin. Assumes that no bet has to be clipped: a cap far above the values makes it longer. Where few
 * large values carry the variance (squared errors at 5 % canary) it is a third too careful.
 */
export function meansPlan(input: MeansPlanInput): Plan | null {
  const { pi, ratio } = input
  const drift = input.canaryMean - ratio * input.baselineMean
  if (Math.sign(drift) !== directionSign(input.direction)) return null
  const square =
    input.canaryVariance / pi + (ratio ** 2 * input.baselineVariance) / (1 - pi) + drift ** 2 / pi
  const mean = drift ** 2 / (2 * square)
  return planOf({ mean, variance: 2 * mean }, input)
}

/**
 * Median seconds until the evidence reaches `threshold`, from where it stands: the planned requests
 * times the share of the way that is left, at the traffic of now. 0 when it is there; null when there
 * is no plan or no traffic.
 */
export function etaSeconds(input: {
  readonly plan: Plan | null
  /** Log-evidence so far; below 0 the way is longer than planned. */
  readonly log: number
  readonly threshold: number
  readonly ratePerSecond: number
  readonly settleSeconds: number
}): number | null {
  if (input.log >= input.threshold) return 0
  if (input.plan === null || input.ratePerSecond <= 0) return null
  const left = (input.threshold - input.log) / input.threshold
  return (left * input.plan.p50.requests) / input.ratePerSecond + input.settleSeconds
}

/** Mean and variance of what one unit adds to the log-wealth. */
type Growth = { readonly mean: number; readonly variance: number }

function directionSign(direction: 'above' | 'below'): number {
  return direction === 'above' ? 1 : -1
}

function momentsOf(outcomes: readonly (readonly [probability: number, log: number])[]): Growth {
  const mean = outcomes.reduce((sum, [p, log]) => sum + p * log, 0)
  return { mean, variance: outcomes.reduce((sum, [p, log]) => sum + p * (log - mean) ** 2, 0) }
}

function planOf(growth: Growth, { alpha, ratePerSecond, settleSeconds }: PlanBasis): Plan | null {
  if (growth.mean <= 0) return null
  const point = (share: number): PlanPoint => {
    const requests = Math.ceil(wayTo(share, growth, alpha) / growth.mean)
    return { requests, seconds: requests / ratePerSecond + settleSeconds }
  }
  return { p50: point(0.5), p80: point(0.8) }
}

/**
 * Expected log-wealth x at which a share p of the runs has crossed ln(1/α): the walk has mean x and
 * variance κx there, with κ = variance / mean of a step, so x solves x − z_p·√(κx) = ln(1/α) + cost.
 */
function wayTo(share: number, { mean, variance }: Growth, alpha: number): number {
  const spread = normalQuantile(share) * Math.sqrt(variance / mean)
  const goal = Math.log(1 / alpha) + MIXTURE_COST
  return ((spread + Math.sqrt(spread ** 2 + 4 * goal)) / 2) ** 2
}
