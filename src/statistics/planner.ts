import { betChanges, labelBetLogs } from './label-bet.ts'
import { BASELINE_SIDE, CANARY_SIDE } from '../domain/cohort.ts'
import { betTerm, centredBets, effectsOf, effectUnit } from './mean-bet.ts'
import { unitsUntil, type Growth } from './passage.ts'
import { valuePoints } from './value-points.ts'

/** What is to be shown, and at which weight. */
export type BetOn = {
  /** That the canary is above the margin, or below it. */
  readonly direction: 'above' | 'below'
  /** Probability of the canary, in (0, 1). */
  readonly pi: number
  /** The null ratio. */
  readonly ratio: number
}

/** Rates of the event as they are expected to be, in [0, 1]. */
export type EventsPlanInput = BetOn & {
  readonly baselineRate: number
  readonly canaryRate: number
  /** Absolute allowance below the margin; not used above it. */
  readonly floor: number
}

/** Moments of the capped values as they are expected to be. */
export type MeansPlanInput = BetOn & {
  readonly baselineMean: number
  readonly canaryMean: number
  readonly baselineVariance: number
  readonly canaryVariance: number
  /** Largest value, which bounds the bets; null = not known: no bet is taken to be bounded. */
  readonly cap: number | null
}

/** With which budget, at which traffic. */
export type PlanBasis = {
  readonly alpha: number
  /** Randomised units of both sides per second. */
  readonly ratePerSecond: number
  /** How long an outcome is waited for, in seconds: it comes on top. */
  readonly settleSeconds: number
}

/** When a proof or an alarm is there: after so many requests, and so many seconds. */
export type PlanPoint = {
  /** Judged units of both sides. */
  readonly requests: number
  readonly seconds: number
}

/** Needed in half, and in four of five, of the rollouts. */
export type Plan = { readonly p50: PlanPoint; readonly p80: PlanPoint }

/** What one unit adds to the log-wealth of each bet on an event metric (`label-bet.ts`), in expectation. */
export function eventGrowths(input: EventsPlanInput): readonly Growth[] {
  const { direction, pi, ratio, baselineRate, canaryRate } = input
  const floor = direction === 'above' ? 0 : input.floor
  const [canary, baseline] = [pi * canaryRate, (1 - pi) * baselineRate]
  return betChanges(direction, ratio).map((change) => {
    const logs = labelBetLogs(pi, ratio, floor, change)
    return growthOf([
      [canary, logs.canary],
      [baseline, logs.baseline],
      [1 - canary - baseline, logs.quiet],
    ])
  })
}

/**
 * What one unit adds to the log-wealth of each bet on a continuous metric (`mean-bet.ts`): mean and
 * variance of ln(1 + λψ) where the values of both sides are spread as `valuePoints` says.
 */
export function meanGrowths(input: MeansPlanInput): readonly Growth[] {
  const { direction, pi, ratio, baselineMean, baselineVariance, cap } = input
  const basis = { pi, ratio, mean: baselineMean, variance: baselineVariance }
  const bets = cap === null ? unboundedBets(input) : centredBets({ ...basis, cap }, direction)
  const terms = ([BASELINE_SIDE, CANARY_SIDE] as const).flatMap((side) => {
    const isCanary = side === CANARY_SIDE
    const points = isCanary
      ? valuePoints(input.canaryMean, input.canaryVariance, cap)
      : valuePoints(baselineMean, baselineVariance, cap)
    const chance = isCanary ? pi : 1 - pi
    return points.map(
      ([value, share]) => [chance * share, betTerm(side, value, pi, ratio, baselineMean)] as const,
    )
  })
  return bets.map((bet) =>
    growthOf(terms.map(([share, term]) => [share, Math.log1p(Math.max(LEAST, bet * term))])),
  )
}

/**
 * How long a decision on an event metric takes from its first unit on; null where it is never made: the
 * rates are on the other side of the margin, or so close to it that no bet of the grid grows.
 * Within about 15 % of simulations.
 */
export function eventsPlan(input: EventsPlanInput & PlanBasis): Plan | null {
  return planOf(eventGrowths(input), input)
}

/** How long a decision on a continuous metric takes; null where the means are on the other side of the margin. */
export function meansPlan(input: MeansPlanInput & PlanBasis): Plan | null {
  return planOf(meanGrowths(input), input)
}

/**
 * Median seconds until the evidence reaches `goal`, from the log-wealths that its bets have now, at the
 * traffic of now. Null where it is never reached, or nobody comes.
 */
export function etaSeconds(input: {
  readonly growths: readonly Growth[]
  /** By bet. Not the largest so far: what was lost since then has to be won again. */
  readonly wealth: readonly number[]
  readonly goal: number
  readonly ratePerSecond: number
  /** What has to be waited for beside the units. */
  readonly settleSeconds: number
}): number | null {
  const { growths, goal, ratePerSecond, settleSeconds } = input
  if (ratePerSecond <= 0) return null
  const before = input.wealth.map((mean) => ({ mean, variance: 0 }))
  const units = unitsUntil({ growths, before, goal }, 0.5)
  return Number.isFinite(units) ? units / ratePerSecond + settleSeconds : null
}

/** What a bet that nothing bounds may lose of a stake at one value that was not reckoned with. */
const LEAST = -0.99

function growthOf(outcomes: readonly (readonly [share: number, log: number])[]): Growth {
  const mean = outcomes.reduce((sum, [share, log]) => sum + share * log, 0)
  const variance = outcomes.reduce((sum, [share, log]) => sum + share * (log - mean) ** 2, 0)
  return { mean, variance }
}

function unboundedBets(input: MeansPlanInput): readonly number[] {
  const { direction, pi, ratio, baselineMean, baselineVariance } = input
  const scale =
    effectUnit(direction, baselineMean, ratio) /
    (baselineVariance * (1 / pi + ratio ** 2 / (1 - pi)))
  const sign = direction === 'above' ? 1 : -1
  return effectsOf(direction, ratio).map((effect) => sign * effect * scale)
}

function planOf(growths: readonly Growth[], basis: PlanBasis): Plan | null {
  // Some run may be lucky where no bet grows; half of them never are.
  if (!growths.some(({ mean }) => mean > 0)) return null
  const passage = { growths, before: null, goal: Math.log(1 / basis.alpha) }
  const point = (share: number): PlanPoint => {
    const requests = unitsUntil(passage, share)
    return { requests, seconds: requests / basis.ratePerSecond + basis.settleSeconds }
  }
  // Each is a search, and an ETA needs one of them.
  return {
    get p50() {
      return point(0.5)
    },
    get p80() {
      return point(0.8)
    },
  }
}
