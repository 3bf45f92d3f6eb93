import {
  BASELINE_SIDE,
  CANARY_SIDE,
  type BetTally,
  type Cohort,
  type EventTally,
  type Pair,
  type Side,
  type Tally,
  type ValueBins,
} from '../domain/cohort.ts'
import type { Hypothesis, Score } from '../domain/hypothesis.ts'
import { capLimits, cappedMeanOf } from '../statistics/above-cap.ts'
import { EFFECT_GRID } from '../statistics/mean-bet.ts'
import { drawBinomial, drawMultinomial, type Draw } from '../statistics/sampling.ts'
import { scoreValue } from '../statistics/score.ts'
import { normalCdf, normalQuantile } from '../statistics/special.ts'
import { addToBins } from '../statistics/value-bins.ts'
import { EVENT_RATE } from './traffic.ts'

/** Made-up traffic: what each side of a comparison is like. */
export type SyntheticTraffic = {
  readonly requestsPerSecond: number
  /** Shares of requests that fail, by side. */
  readonly failures: Readonly<Pair>
  /** Canary over baseline of the latency at every quantile. */
  readonly latencyRatio: number
  /**
   * A metric's value by side, by its name: shares as fractions. Of errors against labels only the two's
   * ratio counts. Metrics that are missing here are the same on both sides.
   */
  readonly values: Readonly<Record<string, Readonly<Pair>>>
}

/** Spread of ln(latency): with it p99 is 3.2 times the median. */
const LATENCY_SIGMA = 0.5

/** The cap on absolute errors, in standard deviations: the baseline's 99.9 % quantile, as it is learnt. */
const CAP = normalQuantile(1 - 0.001 / 2)

/** Shares of the values that errors are drawn from: even ones, and a tail that is cut finer. */
const SHARES: readonly number[] = [
  ...Array.from({ length: 38 }, () => 0.025),
  ...[0.02, 0.015, 0.01, 0.004, 0.0009, 0.0001],
]

/** |error| of a normal distribution of spread 1 at the middle of each share. */
const ERRORS: readonly number[] = SHARES.map((share, index) => {
  const below = SHARES.slice(0, index).reduce((sum, each) => sum + each, 0)
  return normalQuantile((1 + below + share / 2) / 2)
})

/** The share of the baseline's answers that are right, where none is given. */
export const ACCURACY = 0.9

/** The share of the baseline's units that convert, where none is given. */
export const CONVERSION = EVENT_RATE

/**
 * Draws what happened to `requests` requests of a cohort: the draws of the sides, and the counts and values
 * of every hypothesis. Failures are slow; slow ones and those beyond the proof's threshold are nested, as
 * they are in life. Between metrics nothing else depends on each other.
 */
export function drawCohort(
  cohort: Cohort,
  hypotheses: readonly Hypothesis[],
  traffic: SyntheticTraffic,
  requests: number,
  draw: Draw,
): Cohort & { readonly failures: Readonly<Pair> } {
  const canary = drawBinomial(draw, requests, cohort.pi)
  const units: Pair = [requests - canary, canary]
  const failures = both((side) => drawBinomial(draw, units[side], traffic.failures[side]))
  const world = { traffic, units, failures, draw }
  return {
    ...cohort,
    assigned: units,
    observed: [...units],
    tallies: Object.fromEntries(hypotheses.map((h) => [h.id, drawTally(h, hypotheses, world)])),
    failures,
  }
}

/** The cap that bets are made under, on the scale of the drawn errors. */
export function syntheticCap(score: Score): number {
  return score === 'correct' ? 1 : CAP
}

type World = {
  readonly traffic: SyntheticTraffic
  readonly units: Pair
  readonly failures: Pair
  readonly draw: Draw
}

function drawTally(hypothesis: Hypothesis, all: readonly Hypothesis[], world: World): Tally {
  const { source, metric } = hypothesis
  const { units, draw, failures, traffic } = world
  if (source.of === 'score') return drawValues(hypothesis, source.score, world)
  const count = (rates: Readonly<Pair>) =>
    both((side) => drawBinomial(draw, units[side], rates[side]))
  switch (source.of) {
    case 'failure':
      return counted(units, failures, failures)
    case 'latency':
      return drawSlow(source, world)
    case 'above-cap':
      return drawAbove(
        all.find((h) => h.id === metric)!,
        world,
      )
    case 'label-missing':
      // Counts the labels that came: all of them.
      return same(units, [0, 0])
    case 'conversion':
      return same(units, count(traffic.values[metric!] ?? [CONVERSION, CONVERSION]))
    default:
      return same(units, [0, 0])
  }
}

function drawSlow(
  source: { readonly quantile: number; readonly harmMargin: number; readonly proofMargin: number },
  { traffic, units, failures, draw }: World,
): EventTally {
  const z = normalQuantile(source.quantile)
  const slow = (side: Side, margin: number) =>
    side === BASELINE_SIDE
      ? 1 - source.quantile
      : normalCdf(-(z + Math.log((1 + margin) / traffic.latencyRatio) / LATENCY_SIGMA))
  const harm: Pair = [0, 0]
  const proof: Pair = [0, 0]
  for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
    const ok = units[side] - failures[side]
    const rates = [slow(side, source.harmMargin), slow(side, source.proofMargin)] as const
    const [beyondHarm, beyondProof] = drawNested(draw, ok, rates)
    harm[side] = failures[side] + beyondHarm
    proof[side] = failures[side] + beyondProof
  }
  return counted(units, harm, proof)
}

/** `main`: the question about the values themselves. */
function drawAbove(main: Hypothesis, { traffic, units, draw }: World): EventTally {
  const harm: Pair = [0, 0]
  const proof: Pair = [0, 0]
  for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
    const scale = scaleOf(traffic, main.metric!, side)
    const limits = capLimits(CAP, side, cappedMeanOf(main))
    const rates = [beyond(limits.harm / scale), beyond(limits.proof / scale)] as const
    const [beyondHarm, beyondProof] = drawNested(draw, units[side], rates)
    harm[side] = beyondHarm
    proof[side] = beyondProof
  }
  return counted(units, harm, proof)
}

/** How many of `n` are beyond the threshold of harm, and beyond that of the proof, which is the same or lies above it. */
function drawNested(
  draw: Draw,
  n: number,
  [harmRate, proofRate]: readonly [harm: number, proof: number],
): Pair {
  const rate = Math.max(harmRate, Number.MIN_VALUE)
  const beyondHarm = drawBinomial(draw, n, rate)
  return [beyondHarm, drawBinomial(draw, beyondHarm, proofRate / rate)]
}

function drawValues({ metric }: Hypothesis, score: Score, world: World): BetTally {
  const { traffic, units, draw } = world
  const wealth = () => EFFECT_GRID.map(() => 0)
  const tally = {
    ...{ kind: 'bet' as const, n: [...units] as Pair, sum: [0, 0] as Pair, sumSq: [0, 0] as Pair },
    ...{ harm: wealth(), proof: wealth(), bins: [{}, {}] as [ValueBins, ValueBins] },
  }
  for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
    const add = (y: number, n: number) => {
      if (n === 0) return
      tally.sum[side] += n * y
      tally.sumSq[side] += n * y * y
      addToBins(tally.bins[side], y, n)
    }
    if (score === 'correct') {
      const rate = traffic.values[metric!]?.[side] ?? ACCURACY
      const right = drawBinomial(draw, units[side], rate)
      add(1, right)
      add(0, units[side] - right)
      continue
    }
    const scale = scaleOf(traffic, metric!, side)
    for (const [index, n] of drawMultinomial(draw, units[side], SHARES).entries()) {
      add(scoreValue(score, Math.min(ERRORS[index]! * scale, CAP)), n)
    }
  }
  return tally
}

/** The size of a side's errors, the baseline's being 1. */
function scaleOf({ values }: SyntheticTraffic, metric: string, side: Side): number {
  const pair = values[metric]
  return pair === undefined ? 1 : pair[side] / pair[BASELINE_SIDE]
}

function beyond(z: number): number {
  return 2 * normalCdf(-z)
}

function same(trials: Pair, events: Pair): EventTally {
  return counted(trials, events, events)
}

function counted(trials: Pair, harm: Readonly<Pair>, proof: Readonly<Pair>): EventTally {
  return {
    kind: 'event',
    trials: [...trials],
    events: [...proof],
    harmEvents: [...harm],
    harmUnits: null,
  }
}

function both(of: (side: Side) => number): Pair {
  return [of(BASELINE_SIDE), of(CANARY_SIDE)]
}
