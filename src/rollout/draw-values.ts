import {
  BASELINE_SIDE,
  CANARY_SIDE,
  type BetTally,
  type EventTally,
  type Pair,
  type Side,
} from '../domain/cohort.ts'
import { type ContinuousSource, type Hypothesis } from '../domain/hypothesis.ts'
import { capLimits, cappedMeanOf } from '../statistics/above-cap.ts'
import { EFFECT_GRID } from '../statistics/mean-bet.ts'
import { countRatioUnits } from '../statistics/ratio-bet.ts'
import { drawBinomial, drawMultinomial } from '../statistics/sampling.ts'
import { scoreValue } from '../statistics/score.ts'
import { normalCdf, normalQuantile } from '../statistics/special.ts'
import { addToBins } from '../statistics/value-bins.ts'
import { drawNested } from './draw-nested.ts'
import { isOfEvent } from './given-rates.ts'
import {
  ACCURACY,
  syntheticEventRate,
  type DrawnUnits,
  type SyntheticTraffic,
} from './synthetic-traffic.ts'
import { EVENT_RATE } from './traffic.ts'

/** The share of the baseline's values above a cap, as it is learnt. */
const ABOVE = 0.001

/** Shares of the values that are drawn: even ones, and a tail that is cut finer. */
const SHARES: readonly number[] = [
  ...Array.from({ length: 38 }, () => 0.025),
  ...[0.02, 0.015, 0.01, 0.004, 0.0009, 0.0001],
]

/** A distribution of the baseline's values, of a scale of its own. */
type Shape = {
  readonly cap: number
  /** Values at the middle of each share. */
  readonly points: readonly number[]
  /** The share of values above one. */
  readonly above: (value: number) => number
}

/** |error| of a normal distribution of spread 1. */
const ERRORS = shape(
  (below) => normalQuantile((1 + below) / 2),
  (z) => 2 * normalCdf(-z),
)

/** Of totals and numbers. */
const EXPONENTIAL = shape(
  (below) => -Math.log(1 - below),
  (value) => Math.exp(-value),
)

/** The cap that bets are made under, on the scale of the drawn values. */
export function syntheticCap(source: ContinuousSource): number {
  if (source.of === 'ratio') return source.cap
  return source.of === 'score' && source.score === 'correct' ? 1 : shapeOf(source).cap
}

/**
 * Draws the values of a metric and books them by size, to be bet on from there; of a ratio by its counts, of which units have
 * one of the other event each. None before the metric's cap is known.
 */
export function drawValues(
  hypothesis: Hypothesis,
  source: ContinuousSource,
  world: DrawnUnits,
): BetTally {
  const metric = hypothesis.metric!
  const { traffic, units, draw, terms } = world
  if (source.of === 'ratio') return drawRatio(metric, world)
  const tally = emptyTally()
  if (terms.caps[metric] === undefined) return tally
  const valued = drawValued(source, metric, world)
  for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
    const bins = tally.bins![side]
    const add = (y: number, n: number) => {
      if (n === 0) return
      tally.sum[side] += n * y
      tally.sumSq[side] += n * y * y
      addToBins(bins, y, n)
    }
    const n = valued[side]
    if (source.of === 'score' && source.score === 'correct') {
      const right = drawBinomial(draw, units[side], traffic.values[metric]?.[side] ?? ACCURACY)
      add(1, right)
      add(0, n - right)
    } else {
      const { points, cap } = shapeOf(source)
      const scale = scaleOf(traffic, metric, side)
      for (const [index, count] of drawMultinomial(draw, n, SHARES).entries()) {
        const size = Math.min(points[index]! * scale, cap)
        add(source.of === 'score' ? scoreValue(source.score, size) : size, count)
      }
    }
    // All units count as 0 at the end, so that a total is booked as what it changes of that.
    if (source.of !== 'sum') tally.n[side] = n
    else if (n > 0) addToBins(bins, 0, -n)
  }
  return tally
}

/** Draws how many values are above the cap of theirs; `main`: the question about the values themselves. */
export function drawAbove(
  main: Hypothesis,
  source: ContinuousSource,
  world: DrawnUnits,
): Pick<EventTally, 'trials' | 'events' | 'harmEvents'> {
  const { traffic, draw, terms } = world
  const harm: Pair = [0, 0]
  const proof: Pair = [0, 0]
  if (terms.caps[main.metric!] === undefined)
    return { trials: [0, 0], events: proof, harmEvents: harm }
  const { cap, above } = shapeOf(source)
  const trials = drawValued(source, main.metric!, world)
  for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
    const scale = scaleOf(traffic, main.metric!, side)
    const limits = capLimits(cap, side, cappedMeanOf(main))
    const rates = [above(limits.harm / scale), above(limits.proof / scale)] as const
    const [beyondHarm, beyondProof] = drawNested(draw, trials[side], rates)
    harm[side] = beyondHarm
    proof[side] = beyondProof
  }
  return { trials, events: proof, harmEvents: harm }
}

/** How many units of each side have a value of a metric: those with its event, where events bring it. */
export function drawValued(
  source: ContinuousSource,
  metric: string,
  { traffic, units, draw }: DrawnUnits,
): Pair {
  if (!needsEvent(source)) return [...units]
  const rate = syntheticEventRate(traffic, metric)
  return [
    drawBinomial(draw, units[BASELINE_SIDE], rate),
    drawBinomial(draw, units[CANARY_SIDE], rate),
  ]
}

/** Whether only units with an event have a value of a metric. */
export function needsEvent(source: ContinuousSource): boolean {
  return source.of === 'sum' || (source.of === 'mean' && isOfEvent(source))
}

function drawRatio(metric: string, { traffic, units, draw }: DrawnUnits): BetTally {
  const zeros = () => [0, 0] as Pair
  const denominator = { sum: zeros(), sumSq: zeros(), cross: zeros() }
  const { bins: _, ...moments } = emptyTally()
  const tally: BetTally = { ...moments, denominator, ratioBins: [{}, {}] }
  for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
    const rate = traffic.values[metric]?.[side] ?? EVENT_RATE
    const both = drawBinomial(draw, units[side], rate)
    countRatioUnits(tally, side, [1, 1], both)
    countRatioUnits(tally, side, [0, 1], units[side] - both)
  }
  return tally
}

function emptyTally(): BetTally {
  const wealth = () => EFFECT_GRID.map(() => 0)
  return {
    ...{ kind: 'bet' as const, n: [0, 0] as Pair, sum: [0, 0] as Pair, sumSq: [0, 0] as Pair },
    ...{ harm: wealth(), proof: wealth(), bins: [{}, {}] as const },
  }
}

function shape(quantile: (below: number) => number, above: Shape['above']): Shape {
  const points = SHARES.map((share, index) => {
    const below = SHARES.slice(0, index).reduce((sum, each) => sum + each, 0)
    return quantile(below + share / 2)
  })
  return { cap: quantile(1 - ABOVE), points, above }
}

function shapeOf({ of }: ContinuousSource): Shape {
  return of === 'score' ? ERRORS : EXPONENTIAL
}

/** The size of a side's values, the baseline's being 1. */
function scaleOf({ values }: SyntheticTraffic, metric: string, side: Side): number {
  const pair = values[metric]
  return pair === undefined ? 1 : pair[side] / pair[BASELINE_SIDE]
}
