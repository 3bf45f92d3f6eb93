import type { Evidence } from '../domain/evidence.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { BASELINE } from '../domain/variant.ts'
import { unitsUntil } from '../statistics/passage.ts'
import { betterId, type ComparisonPlan, type ExperimentPlan } from './experiment-plan.ts'
import {
  forecast,
  racerOf,
  timesOf,
  type Forecast,
  type MetricForecast,
  type Times,
} from './forecast.ts'
import { betterPassage } from './race.ts'
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

/** One challenger: the times of the whole are those until nothing required is unknown, were it as good as the baseline. */
export type ComparisonForecast = Times & {
  readonly variant: string
  readonly version: string
  /** Of all requests, in basis points. */
  readonly weightBp: number
  /** What takes longest: a hypothesis, or the window or the cap to be learnt that is most of it. */
  readonly slowest: string
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
  { comparisons, weightsBp, versions }: ExperimentPlan,
  traffic: ExperimentTraffic,
  regression: number | null = null,
): ExperimentForecast {
  const found = comparisons.map((comparison) => {
    const { variant, plan } = comparison
    const drawn = drawnShare(weightsBp, variant)
    const unitsPerSecond = traffic.unitsPerSecond * drawn
    const evidence = traffic.evidence?.get(variant) ?? null
    const own = { ...traffic, unitsPerSecond, evidence }
    const whole = forecast(plan, own, regression)
    const [step] = whole.steps
    const { p50Seconds, p80Seconds, slowest, metrics } = step!
    return {
      whole,
      compared: {
        ...{ variant, version: versions[variant]!, weightBp: weightsBp[variant]! },
        ...{ p50Seconds, p80Seconds, slowest },
        metrics: metrics.map((metric) => challenged(comparison, own, metric)),
      },
    }
  })
  const { unit, trafficFrom, baseline } = found[0]!.whole
  return {
    ...{ unit, trafficFrom, baseline, unitsPerSecond: traffic.unitsPerSecond },
    comparisons: found.map(({ compared }) => compared),
  }
}

/** The part of the drawn requests that is drawn for a challenger and the baseline, of 1. */
export function drawnShare(weightsBp: ExperimentPlan['weightsBp'], variant: string): number {
  return (weightsBp[BASELINE]! + weightsBp[variant]!) / WHOLE_BP
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
  const [step] = plan.steps
  const place = {
    step: step as Extract<typeof step, { kind: 'weight' }>,
    sinceStart: 0,
    earlier: [],
  }
  const { secondsAt } = racerOf(plan, traffic, better, place)
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
