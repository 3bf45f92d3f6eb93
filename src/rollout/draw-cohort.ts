import {
  BASELINE_SIDE,
  CANARY_SIDE,
  type Cohort,
  type EventTally,
  type Pair,
  type Side,
  type Tally,
} from '../domain/cohort.ts'
import {
  isContinuous,
  wholeId,
  type ContinuousSource,
  type Hypothesis,
} from '../domain/hypothesis.ts'
import type { CohortSums } from '../domain/replica.ts'
import { drawBinomial, drawMultinomial, type Draw } from '../statistics/sampling.ts'
import { normalCdf, normalQuantile } from '../statistics/special.ts'
import { drawNested } from './draw-nested.ts'
import { drawAbove, drawValued, drawValues } from './draw-values.ts'
import { addSums } from './merge-shares.ts'
import { shareOfSegment } from './segment-share.ts'
import type { DrawnUnits, SyntheticTraffic } from './synthetic-traffic.ts'
import { EVENT_RATE } from './traffic.ts'

const SIDES = [BASELINE_SIDE, CANARY_SIDE] as const

/** Spread of ln(latency): with it p99 is 3.2 times the median. */
const LATENCY_SIGMA = 0.5

/**
 * Draws what happened to `requests` requests of a cohort into it: the draws of the sides and of its segments,
 * and the counts and values of every hypothesis; gives the failures by side. Failures are slow;
 * slow ones and those beyond the proof's threshold are nested, as they are in life, and what a segment has the whole has, too.
 * Between metrics nothing else depends on each other.
 */
export function drawCohort(
  cohort: Cohort,
  hypotheses: readonly Hypothesis[],
  traffic: SyntheticTraffic,
  requests: number,
  draw: Draw,
): Readonly<Pair> {
  const { pi, terms, segments = {} } = cohort
  const canary = drawBinomial(draw, requests, pi)
  const units: Pair = [requests - canary, canary]
  const failures: Pair = [0, 0]
  const ofAll = hypotheses.filter((h) => h.segment === undefined)
  const [first, ...others] = partsOf(Object.keys(segments), traffic, units, draw).map(
    ({ segment, units: own }) => {
      const failed = both((side) => drawBinomial(draw, own[side], traffic.failures[side]))
      for (const side of SIDES) failures[side] += failed[side]
      const world = { traffic, units: own, failures: failed, terms, draw }
      const tallies = Object.fromEntries(ofAll.map((h) => [h.id, drawTally(h, ofAll, world)]))
      if (segment !== null) bookSegment(cohort, segment, own, hypotheses, tallies)
      return { assigned: own, observed: own, tallies }
    },
  )
  const whole = others.reduce<CohortSums>(addSums, first!)
  cohort.assigned = units
  cohort.observed = [...units]
  Object.assign(cohort.tallies, whole.tallies)
  return failures
}

/** Those of each segment, and last those of none. */
function partsOf(
  segments: readonly string[],
  { segmentShares }: SyntheticTraffic,
  units: Readonly<Pair>,
  draw: Draw,
): readonly { readonly segment: string | null; readonly units: Pair }[] {
  const all = [...segments, null]
  if (all.length === 1) return [{ segment: null, units: [...units] }]
  // Those of none are the last, which gets what is left.
  const shares = segments.map((segment) => shareOfSegment(segment, segments, segmentShares))
  const rest = shares.reduce((left, share) => left - share, 1)
  const drawn = SIDES.map((side) => drawMultinomial(draw, units[side], [...shares, rest]))
  return all.map((segment, place) => ({
    segment,
    units: [drawn[BASELINE_SIDE]![place]!, drawn[CANARY_SIDE]![place]!],
  }))
}

function bookSegment(
  cohort: Cohort,
  segment: string,
  units: Readonly<Pair>,
  hypotheses: readonly Hypothesis[],
  tallies: Cohort['tallies'],
): void {
  const { assigned, observed } = cohort.segments![segment]!
  for (const side of SIDES) assigned[side] = observed[side] = units[side]
  for (const each of hypotheses) {
    if (each.segment === segment) cohort.tallies[each.id] = tallies[wholeId(each)]!
  }
}

function drawTally(hypothesis: Hypothesis, all: readonly Hypothesis[], world: DrawnUnits): Tally {
  const { source, metric } = hypothesis
  const { units, draw, failures, traffic } = world
  if (isContinuous(source)) return drawValues(hypothesis, source, world)
  const count = (rates: Readonly<Pair>) =>
    both((side) => drawBinomial(draw, units[side], rates[side]))
  switch (source.of) {
    case 'failure':
      return counted(units, failures, failures)
    case 'latency':
      return drawSlow(source, world)
    case 'above-cap': {
      const { trials, events, harmEvents } = drawAbove(...mainOf(metric, all), world)
      return counted(trials, harmEvents, events)
    }
    case 'label-missing': {
      // Counts what came: all labels, and the numbers of the units that have one.
      const [, main] = mainOf(metric, all)
      return same(drawValued(main, metric!, world), [0, 0])
    }
    case 'conversion':
      return same(units, count(traffic.values[metric!] ?? [EVENT_RATE, EVENT_RATE]))
    default:
      return same(units, [0, 0])
  }
}

/** The question about a metric's values themselves, beside which another one stands. */
function mainOf(
  metric: string | null,
  all: readonly Hypothesis[],
): [main: Hypothesis, source: ContinuousSource] {
  const main = all.find(({ id }) => id === metric)!
  return [main, main.source as ContinuousSource]
}

function drawSlow(
  source: { readonly quantile: number; readonly harmMargin: number; readonly proofMargin: number },
  { traffic, units, failures, draw }: DrawnUnits,
): EventTally {
  const z = normalQuantile(source.quantile)
  const slow = (side: Side, margin: number) =>
    side === BASELINE_SIDE
      ? 1 - source.quantile
      : normalCdf(-(z + Math.log((1 + margin) / traffic.latencyRatio) / LATENCY_SIGMA))
  const harm: Pair = [0, 0]
  const proof: Pair = [0, 0]
  for (const side of SIDES) {
    const ok = units[side] - failures[side]
    const rates = [slow(side, source.harmMargin), slow(side, source.proofMargin)] as const
    const [beyondHarm, beyondProof] = drawNested(draw, ok, rates)
    harm[side] = failures[side] + beyondHarm
    proof[side] = failures[side] + beyondProof
  }
  return counted(units, harm, proof)
}

function same(trials: Readonly<Pair>, events: Pair): EventTally {
  return counted(trials, events, events)
}

function counted(trials: Readonly<Pair>, harm: Readonly<Pair>, proof: Readonly<Pair>): EventTally {
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
