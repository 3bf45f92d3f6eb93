import { isContinuous, type Hypothesis } from '../domain/hypothesis.ts'
import {
  isLabelMetric,
  isWaitingMetric,
  type MirrorStepSpec,
  type StepSpec,
  type ThresholdSpec,
  type WaitingMetricSpec,
} from '../domain/rollout-spec.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { windowSeconds } from './figures.ts'
import { sourceOf } from './metric-source.ts'
import { segmentsOf } from './segment-share.ts'
import { valuesNeeded } from './label-minimums.ts'
import type { RolloutPlan } from './plan.ts'
import { teachingValues } from './teaching-values.ts'
import { expectEventRate, expectSegment, expectValued, type Traffic } from './traffic.ts'

/** `minDuration`, `minRequests` or `minLabels of rmse`, and when it is reached, after the step began. */
export type Minimum = {
  readonly name: string
  readonly seconds: number
  /** Whose labels or events are waited for. */
  readonly metric?: string | null
}

/** Those that a first bet is centred on. */
const CENTRING_LABELS = 20

/** When labels come, as a share of their window; only what they teach is due before it is over. */
export const LABEL_ARRIVAL = 0.5

/**
 * Seconds after the start of the attempt from which on units are judged: after the warm-up; with labels,
 * once the cap is learnt, where none is configured; with bets, once the first window has told what to
 * centre them on. What was observed already need not be learnt.
 */
export function judgedFrom(
  plan: RolloutPlan,
  hypothesis: Hypothesis,
  pi: number,
  traffic: Traffic,
): number {
  const { source, metric, id } = hypothesis
  const warmUp = plan.spec.analysis.warmUpMs / 1000
  const spec = plan.metrics.find((m) => m.name === metric)
  if (spec === undefined || !isWaitingMetric(spec)) return warmUp
  const found = traffic.evidence?.hypotheses[id]
  const isKnown = found !== undefined && found.foldedThrough >= 0
  const baselinePerSecond =
    (1 - pi) * traffic.unitsPerSecond * expectValued(hypothesis, plan.metrics, traffic)
  const capped = warmUp + (isKnown ? 0 : teaching(spec, baselinePerSecond, traffic))
  if (!isContinuous(source) || isKnown) return capped
  const centringPerSecond = baselinePerSecond * segmentOf(plan, hypothesis, traffic)
  return capped + CENTRING_LABELS / centringPerSecond + windowSeconds(hypothesis)
}

/** Share of the units that a hypothesis is about. */
export function segmentOf(plan: RolloutPlan, hypothesis: Hypothesis, traffic: Traffic): number {
  return expectSegment(hypothesis, segmentsOf(plan.metrics), traffic)
}

/** What a step waits for whatever the canary does, `sinceStart` seconds after the attempt began. */
export function minimumsOf(
  plan: RolloutPlan,
  step: Extract<StepSpec, { kind: 'weight' }>,
  traffic: Traffic,
  sinceStart: number,
): readonly Minimum[] {
  const pi = step.weightBp / WHOLE_BP
  const { warmUpMs, intervalMs } = plan.spec.analysis
  const interval = intervalMs / 1000
  const unjudged = Math.max(0, warmUpMs / 1000 - sinceStart)
  const requests = step.minRequests / (pi * traffic.unitsPerSecond)
  const minimums: Minimum[] = [
    { name: 'minDuration', seconds: step.minDurationMs / 1000 },
    { name: 'minRequests', seconds: unjudged + requests + interval },
  ]
  for (const metric of plan.metrics) {
    const { threshold } = metric
    if (threshold !== undefined && metric.mode === 'decide') {
      const name = `measurements of ${metric.name}`
      minimums.push({ name, seconds: unjudged + measuringSeconds(threshold) })
    }
    const hypothesis = plan.hypotheses.find((h) => h.id === metric.name)
    const needed = valuesNeeded(metric, step.minRequests)
    if (needed === null || !isWaitingMetric(metric)) continue
    if (metric.mode !== 'decide' || hypothesis === undefined) continue
    const labelled = traffic.unitsPerSecond * expectValued(hypothesis, plan.metrics, traffic)
    // A label counts towards the minimum before there is a bet on it.
    const begin = judgedFrom(plan, { ...hypothesis, source: { of: 'failure' } }, pi, traffic)
    const seconds =
      Math.max(0, begin - sinceStart) +
      needed / (pi * labelled) +
      sourceOf(metric).windowMs / 1000 +
      interval
    const name = 'minLabels' in metric ? 'minLabels' : 'minRequests'
    minimums.push({ name: `${name} of ${metric.name}`, seconds, metric: metric.name })
  }
  return minimums
}

/** What a mirror step waits for, from its beginning. */
export function mirrorMinimumsOf(
  plan: RolloutPlan,
  { share, minDurationMs, minRequests }: MirrorStepSpec,
  traffic: Traffic,
): readonly Minimum[] {
  const { warmUpMs, intervalMs } = plan.spec.analysis
  const unjudged = (warmUpMs + intervalMs) / 1000
  const pairsPerSecond = share * traffic.unitsPerSecond
  const minimums: Minimum[] = [
    { name: 'minDuration', seconds: minDurationMs / 1000 },
    { name: 'minRequests', seconds: unjudged + minRequests / pairsPerSecond },
  ]
  for (const metric of plan.metrics) {
    if (!isLabelMetric(metric) || metric.mode !== 'decide') continue
    if (!plan.pairTests.some((test) => test.id === `${metric.name}/mirror`)) continue
    const hypothesis = plan.hypotheses.find((h) => h.id === metric.name)!
    const perSecond = pairsPerSecond * expectValued(hypothesis, plan.metrics, traffic)
    const isTaught = traffic.evidence?.caps[metric.name] !== undefined
    // Bets on pairs are sized by the first labels that come.
    const sized = CENTRING_LABELS / perSecond + (LABEL_ARRIVAL * metric.labelWindowMs) / 1000
    const begin = unjudged + (isTaught ? 0 : teaching(metric, perSecond, traffic)) + sized
    const judged = metric.minLabels / perSecond + metric.labelWindowMs / 1000
    const name = `minLabels of ${metric.name}`
    minimums.push({ name, seconds: begin + judged, metric: metric.name })
  }
  return minimums
}

// A run ends with the first of its two counts; with neither, one measurement says something.
function measuringSeconds({ intervalMs, count, consecutiveSuccessLimit }: ThresholdSpec): number {
  const measurements = Math.min(count ?? Infinity, consecutiveSuccessLimit ?? Infinity)
  return (Number.isFinite(measurements) ? measurements : 1) * (intervalMs / 1000)
}

function teaching(spec: WaitingMetricSpec, baselinePerSecond: number, traffic: Traffic): number {
  const values = teachingValues(spec)
  if (values === null) return 0
  // Totals of units without events teach nothing.
  const perSecond =
    baselinePerSecond * (spec.kind === 'sum' ? expectEventRate(spec.name, traffic) : 1)
  return values / perSecond + (LABEL_ARRIVAL * sourceOf(spec).windowMs) / 1000
}
