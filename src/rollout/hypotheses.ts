import type { Hypothesis } from '../domain/hypothesis.ts'
import {
  isLabelMetric,
  isValueMetric,
  type AnalysisSpec,
  type LabelMetricSpec,
  type MetricSpec,
  type OnFailure,
  type ValueMetricSpec,
} from '../domain/rollout-spec.ts'
import { sourceOf } from './metric-source.ts'

/** α of what only ever pauses: missing labels, requests without an answer, a mismatched ratio. */
export const GUARD_ALPHA = 0.001

/** Margin and allowance of "share above the cap", which stands beside every capped metric. */
const ABOVE_CAP = { ratio: 1.5, floor: 0.005 }

/** Metrics whose values come after the outcome. */
type WaitingSpec = LabelMetricSpec | ValueMetricSpec

type Draft = Omit<Hypothesis, 'harm' | 'proof'> & {
  readonly harmRatio: number
  readonly proof: { readonly ratio: number; readonly floor: number } | null
  /** Null: a share of the rollback α. 0: never shown. */
  readonly alpha: number | null
}

/**
 * The hypotheses of an analysis, fixed for an attempt: one per relative metric, "share above the cap"
 * beside every capped one, "label missing" beside every one whose values may fail to come, and one on requests without an
 * answer. The rollback α is shared evenly over the required ones (Bonferroni: metrics that arrive at
 * different times live in different filtrations, whose e-processes may not be averaged; Choe & Ramdas
 * 2402.09698). Promotion needs every proof, which costs no correction (intersection-union).
 */
export function buildHypotheses(analysis: AnalysisSpec): readonly Hypothesis[] {
  const drafts = analysis.metrics.flatMap(draftsOf)
  if (drafts.some((d) => d.source.of === 'failure' || d.source.of === 'latency')) {
    drafts.push(guard('no-answer', null, { of: 'no-answer' }))
  }
  const share = Math.max(1, drafts.filter((d) => d.required).length)
  return drafts.map(({ harmRatio, proof, alpha, ...rest }) => ({
    ...rest,
    harm: { ratio: harmRatio, alpha: alpha ?? analysis.alphaRollback / share },
    proof: proof === null ? null : { ...proof, alpha: analysis.alphaPromote },
  }))
}

function draftsOf(metric: MetricSpec): Draft[] {
  if (metric.maxChange === null) return isWaiting(metric) ? limitOnly(metric) : []
  const common = {
    id: metric.name,
    metric: metric.name,
    better: metric.better,
    onFailure: effectOf(metric),
    required: metric.mode === 'decide' && metric.onFailure !== 'warn',
    alpha: null,
  }
  // Equality can never be proved, so a margin of 0 is proved within the sensitivity instead.
  const proofMargin = metric.maxChange > 0 ? metric.maxChange : metric.sensitivity
  switch (metric.kind) {
    case 'error-rate':
      return [
        {
          ...common,
          source: { of: 'failure' },
          harmRatio: 1 + metric.maxChange,
          proof: { ratio: 1 + proofMargin, floor: metric.floor },
        },
      ]
    case 'latency':
      // The margin stands in the thresholds: H0 compares P(canary > (1+m)x) with P(baseline > x).
      return [
        {
          ...common,
          source: {
            of: 'latency',
            quantile: metric.quantile,
            harmMargin: metric.maxChange,
            proofMargin,
          },
          harmRatio: 1,
          proof: { ratio: 1, floor: 0 },
        },
      ]
    default: {
      const main = {
        ...common,
        source: sourceOf(metric),
        harmRatio: ratioOf(metric, metric.maxChange),
        proof: { ratio: ratioOf(metric, proofMargin), floor: floorOf(metric) },
      }
      return [main, ...aboveCap(metric, common), ...missingValues(metric)]
    }
  }
}

/** What a metric's failure leads to: one that only reports warns at most. */
export function effectOf(metric: MetricSpec): OnFailure {
  return metric.mode === 'report' ? 'warn' : metric.onFailure
}

// RMSE ratio ≤ 1+m ⇔ MSE ratio ≤ (1+m)².
function ratioOf({ kind, better }: WaitingSpec, margin: number): number {
  const ratio = better === 'lower' ? 1 + margin : 1 - margin
  return kind === 'rmse' ? ratio ** 2 : ratio
}

// The values are needed for the limit; the comparison itself decides nothing.
function limitOnly(metric: WaitingSpec): Draft[] {
  const { name, better, sensitivity } = metric
  const silent = {
    id: name,
    metric: name,
    source: sourceOf(metric),
    better,
    onFailure: effectOf(metric),
    required: false,
    harmRatio: ratioOf(metric, sensitivity),
    proof: null,
    alpha: 0,
  }
  return [silent, ...missingValues(metric)]
}

/**
 * A capped mean cannot see what lies beyond the cap. Where lower is better that could hide catastrophes, so
 * it has to be proved that they are no more frequent. Where higher is better it could only hide that large
 * values fell: shown as harm, and nothing is to be proved, since values above the cap are too rare for that.
 */
function aboveCap(
  metric: WaitingSpec,
  common: Omit<Draft, 'source' | 'harmRatio' | 'proof'>,
): Draft[] {
  if (!('cap' in metric) || metric.kind === 'ratio') return []
  const source = {
    of: 'above-cap',
    among: metric.kind === 'sum' ? 'drawn' : 'values',
    windowMs: sourceOf(metric).windowMs,
  } as const
  const isLower = metric.better === 'lower'
  return [
    {
      ...common,
      id: `${metric.name}/above-cap`,
      source,
      harmRatio: isLower ? ABOVE_CAP.ratio : 1 / ABOVE_CAP.ratio,
      proof: isLower ? ABOVE_CAP : null,
    },
  ]
}

// Units without an event count as 0 in the other kinds, so that nothing is missing there.
function missingValues(metric: WaitingSpec): Draft[] {
  if (!isLabelMetric(metric) && metric.kind !== 'mean') return []
  const { name } = metric
  const isDrawn = metric.kind === 'mean' && metric.from.in === 'event'
  const among = isDrawn ? 'drawn' : 'observed'
  const { windowMs } = sourceOf(metric)
  return [guard(`${name}/label-missing`, name, { of: 'label-missing', among, windowMs })]
}

function floorOf(metric: WaitingSpec): number {
  return metric.kind === 'conversion' ? metric.floor : 0
}

function isWaiting(metric: MetricSpec): metric is WaitingSpec {
  return isLabelMetric(metric) || isValueMetric(metric)
}

function guard(id: string, metric: string | null, source: Hypothesis['source']): Draft {
  return {
    id,
    metric,
    source,
    better: 'lower',
    onFailure: 'pause',
    required: false,
    harmRatio: 1,
    proof: null,
    alpha: GUARD_ALPHA,
  }
}
