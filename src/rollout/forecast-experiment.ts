import type { Evidence } from '../domain/evidence.ts'
import type { Hypothesis } from '../domain/hypothesis.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { BASELINE } from '../domain/variant.ts'
import { unitsUntil } from '../statistics/passage.ts'
import {
  betterId,
  withComparedMetric,
  type ComparisonPlan,
  type ExperimentPlan,
} from './experiment-plan.ts'
import { describeBaseline, provedOf, type Forecast } from './forecast.ts'
import { longestOf, type Longest } from './longest.ts'
import type { RolloutPlan } from './plan.ts'
import { betterPassage } from './race.ts'
import {
  forecastMetric,
  lastOf,
  proofSeconds,
  proofsOf,
  racerOf,
  timesOf,
  type MetricForecast,
  type RacePlace,
  type Racer,
  type Times,
} from './racer.ts'
import type { Traffic } from './traffic.ts'

/** What a forecast knows of the traffic of a service whose split is fixed; `unitsPerSecond` are those of all variants. */
export type ExperimentTraffic = Omit<Traffic, 'evidence'> & {
  /** What the evidence on each challenger says so far, by its name; null = nothing was judged yet. */
  readonly evidence: ReadonlyMap<string, Evidence> | null
}

/** How long the comparisons of a fixed split take, each for itself, under steady traffic. */
export type ExperimentForecast = Pick<
  Forecast,
  'unit' | 'unitsPerSecond' | 'trafficFrom' | 'baseline'
> & {
  readonly comparisons: readonly ComparisonForecast[]
}

/**
 * One challenger: the times of the whole are those until nothing required is unknown, were it as good as the baseline;
 * never where no metric decides.
 */
export type ComparisonForecast = Times &
  Omit<Longest, 'slowest'> & {
    readonly variant: string
    readonly version: string
    /** Of all requests, in basis points. */
    readonly weightBp: number
    /** What takes longest: a hypothesis, or the window or the cap to be learnt that is most of it; null = no metric decides. */
    readonly slowest: string | null
    readonly metrics: readonly ChallengedMetric[]
  }

/** One required hypothesis about a challenger: to see it worse, to show it no worse, and to show it better. */
export type ChallengedMetric = MetricForecast & {
  /** The change for the better that `better` is about, a fraction of the baseline. */
  readonly improvement: number
  /** Null = being better is not asked of it. */
  readonly better: Times | null
}

/**
 * Forecasts the comparisons of an experiment from its beginning, by the levels that all of them share; at least one variant has
 * to be compared. `traffic` is that of the whole service: each comparison has the part of it that is drawn for its two variants.
 * `regression`: the change that is to be seen in either direction, as a fraction of the baseline; null = as in `forecast`.
 */
export function forecastExperiment(
  plan: ExperimentPlan,
  traffic: ExperimentTraffic,
  regression: number | null = null,
): ExperimentForecast {
  const { comparisons, weightsBp, versions } = plan
  const [first] = comparisons
  const shares = shareTraffic(plan, traffic)
  return {
    unit: first!.plan.keyed ? 'key' : 'request',
    unitsPerSecond: traffic.unitsPerSecond,
    trafficFrom: traffic.from,
    baseline: describeBaseline(provedOf(first!.plan), shares.get(first!.variant)!),
    comparisons: comparisons.map((comparison) => {
      const { variant } = comparison
      return {
        ...{ variant, version: versions[variant]!, weightBp: weightsBp[variant]! },
        ...forecastComparison(comparison, shares.get(variant)!, regression),
      }
    }),
  }
}

/**
 * Seconds within which nothing required is unknown of any challenger, in four of five experiments; Infinity = never. `shares`:
 * see `shareTraffic`.
 */
export function lastKnown(
  { comparisons }: ExperimentPlan,
  shares: ReturnType<typeof shareTraffic>,
): number {
  const each = comparisons.map(({ variant, plan }) =>
    knownWithin(racersOf(plan, shares.get(variant)!, provedOf(plan)))(0.8),
  )
  return Math.max(...each)
}

/** The part of the drawn requests that is drawn for a challenger and the baseline, of 1. */
export function drawnShare(weightsBp: ExperimentPlan['weightsBp'], variant: string): number {
  return (weightsBp[BASELINE]! + weightsBp[variant]!) / WHOLE_BP
}

/** What each comparison has of the traffic, by challenger. */
export function shareTraffic(
  { comparisons, weightsBp }: Pick<ExperimentPlan, 'comparisons' | 'weightsBp'>,
  traffic: ExperimentTraffic,
): ReadonlyMap<string, Traffic> {
  return new Map(
    comparisons.map(({ variant }) => {
      const unitsPerSecond = traffic.unitsPerSecond * drawnShare(weightsBp, variant)
      const evidence = traffic.evidence?.get(variant) ?? null
      return [variant, { ...traffic, unitsPerSecond, evidence }]
    }),
  )
}

function forecastComparison(
  comparison: ComparisonPlan,
  traffic: Traffic,
  regression: number | null,
): Times & Omit<ComparisonForecast, 'variant' | 'version' | 'weightBp'> {
  const { plan, weightBp } = comparison
  const required = provedOf(plan)
  const racers = racersOf(plan, traffic, required)
  const asked = { regression, isFirst: true }
  const metrics = required.map((hypothesis, which) => {
    const metric = forecastMetric(hypothesis, racers[which]!, weightBp, traffic, asked)
    return challenged(comparison, traffic, metric)
  })
  const secondsOf = (changed: RolloutPlan, name: string) =>
    proofSeconds(changed, traffic, name, placeIn(changed))
  const longest =
    required.length === 0
      ? { slowest: null, slowestWindow: null, slowestCap: null }
      : longestOf(plan, proofsOf(required, metrics), secondsOf, withComparedMetric)
  return { ...timesOf(knownWithin(racers)), ...longest, metrics }
}

function racersOf(
  plan: RolloutPlan,
  traffic: Traffic,
  required: readonly Hypothesis[],
): readonly Racer[] {
  return required.map((hypothesis) => racerOf(plan, traffic, hypothesis, placeIn(plan)))
}

// Minimums are those of steps: here a verdict waits for its evidence alone.
function knownWithin(racers: readonly Racer[]): (share: number) => number {
  return (share) => (racers.length === 0 ? Infinity : lastOf(racers, 0, share))
}

function placeIn({ steps }: RolloutPlan): RacePlace {
  const [step] = steps
  return { step: step as RacePlace['step'], sinceStart: 0, earlier: [] }
}

function challenged(
  { plan, weightBp }: ComparisonPlan,
  traffic: Traffic,
  metric: MetricForecast,
): ChallengedMetric {
  const improvement = improvementOf(metric.regression)
  const hypothesis = plan.hypotheses.find((h) => h.id === metric.name)!
  const better = plan.hypotheses.find((h) => h.id === betterId(hypothesis))
  if (better === undefined) return { ...metric, improvement, better: null }
  const { secondsAt } = racerOf(plan, traffic, better, placeIn(plan))
  const passage = betterPassage(better, weightBp / WHOLE_BP, traffic, improvement)
  return {
    ...metric,
    improvement,
    better: timesOf((share) => secondsAt(unitsUntil(passage, share))),
  }
}

// What doubles in the one direction is halved in the other: nothing can fall by all of itself and more.
function improvementOf(regression: number): number {
  return regression < 1 ? regression : regression / (1 + regression)
}
