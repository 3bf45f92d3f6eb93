import type { Hypothesis } from '../domain/hypothesis.ts'
import {
  isLabelMetric,
  isWaitingMetric,
  isProviderMetric,
  type AnalysisSpec,
  type MetricSpec,
  type OnFailure,
  type WaitingMetricSpec,
} from '../domain/rollout-spec.ts'
import { DRIFT_ALPHA } from '../statistics/drift.ts'
import { sourceOf } from './metric-source.ts'
import { untilOf } from './until-of.ts'

/** α of what only ever pauses: missing labels, requests without an answer, answers with a 4xx, a mismatched ratio. */
export const GUARD_ALPHA = 0.001

/**
 * Margin and allowance of "share above the cap", which stands beside every capped metric. The margin of the metric itself
 * stands in what the canary's values are held against: see `capLimits`.
 */
const ABOVE_CAP = { ratio: 1.5, floor: 0.005 }

/**
 * What is no matter in the shares of answers with a 4xx: up to half as many again, and less than half a percentage
 * point between them.
 */
export const CLIENT_ERROR = { ratio: 1.5, apart: 0.005 }

type Draft = Omit<Hypothesis, 'harm' | 'proof'> & {
  readonly harmRatio: number
  readonly apart?: number
  readonly proof: { readonly ratio: number; readonly floor: number } | null
  /** Null: a share of the rollback α. 0: never shown. */
  readonly alpha: number | null
}

/**
 * The hypotheses of an analysis, fixed for an attempt: one per relative metric, "share above the cap"
 * beside every capped one, "label missing" beside every one whose values may fail to come, all of these for
 * each segment too where the metric says so, one on requests without an answer, and one on answers with a 4xx. The
 * rollback α is shared evenly over the required ones (Bonferroni: metrics that arrive at
 * different times live in different filtrations, whose e-processes may not be averaged; Choe & Ramdas
 * 2402.09698), of which `inPairs` are asked of the pairs of mirror steps instead. Promotion needs every
 * proof, which costs no correction (intersection-union).
 */
export function buildHypotheses(analysis: AnalysisSpec, inPairs = 0): readonly Hypothesis[] {
  const drafts = analysis.metrics.flatMap(draftsOf)
  if (drafts.some((d) => d.source.of === 'failure' || d.source.of === 'latency')) {
    drafts.push(guard('no-answer', null, { of: 'no-answer' }), clientErrors())
  }
  const share = Math.max(1, drafts.filter((d) => d.required).length + inPairs)
  return drafts.map((draft) => ({
    id: draft.id,
    // Written out: of what a rest pattern gives each object has a shape of its own to the engine, and with
    // many services every place that reads one is slow.
    ...(draft.segment === undefined ? undefined : { segment: draft.segment }),
    metric: draft.metric,
    source: draft.source,
    better: draft.better,
    onFailure: draft.onFailure,
    required: draft.required,
    harm: {
      ratio: draft.harmRatio,
      alpha: draft.alpha ?? analysis.alphaRollback / share,
      ...(draft.apart === undefined ? undefined : { apart: draft.apart }),
    },
    proof:
      draft.proof === null
        ? null
        : {
            ratio: draft.proof.ratio,
            floor: draft.proof.floor,
            alpha: analysis.alphaPromote,
          },
  }))
}

/** The questions about all requests, then the same about those of each segment. */
function draftsOf(metric: MetricSpec): Draft[] {
  const drafts = wholeDraftsOf(metric)
  // A limit is one of all requests.
  const isCompared = testedMargin(metric) !== null || metric.kind === 'drift'
  const segments = isCompared ? (metric.segments ?? []) : []
  const apart = segments.flatMap((segment) =>
    drafts.map((draft) => ({ ...draft, id: `${draft.id}@${segment}`, segment })),
  )
  return [...drafts, ...apart]
}

// Counted measurements test nothing: no α is spent on them, and nothing is proved by them.
function testedMargin({ maxChange, threshold }: MetricSpec): number | null {
  return threshold === undefined ? maxChange : null
}

function wholeDraftsOf(metric: MetricSpec): Draft[] {
  if (isProviderMetric(metric) || metric.kind === 'disagreement') return []
  if (metric.kind === 'drift') return [drift(metric)]
  const margin = testedMargin(metric)
  if (margin === null) return isWaitingMetric(metric) ? limitOnly(metric) : []
  const common = {
    id: metric.name,
    metric: metric.name,
    better: metric.better,
    onFailure: effectOf(metric),
    required: metric.mode === 'decide' && metric.onFailure !== 'warn',
    alpha: null,
  }
  // Equality can never be proved, so a margin of 0 is proved within the sensitivity instead.
  const proofMargin = margin > 0 ? margin : metric.sensitivity
  switch (metric.kind) {
    case 'error-rate':
      return [
        {
          ...common,
          source: { of: 'failure' },
          harmRatio: 1 + margin,
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
            ...untilOf(metric),
            harmMargin: margin,
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
        harmRatio: ratioOf(metric, margin),
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
function ratioOf({ kind, better }: WaitingMetricSpec, margin: number): number {
  const ratio = better === 'lower' ? 1 + margin : 1 - margin
  return kind === 'rmse' ? ratio ** 2 : ratio
}

// The values are needed for the limit; the comparison itself decides nothing.
function limitOnly(metric: WaitingMetricSpec): Draft[] {
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
  metric: WaitingMetricSpec,
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
function missingValues(metric: WaitingMetricSpec): Draft[] {
  if (!isLabelMetric(metric) && metric.kind !== 'mean') return []
  const { name } = metric
  const isDrawn = metric.kind === 'mean' && metric.from.in === 'event'
  const among = isDrawn ? 'drawn' : 'observed'
  const { windowMs } = sourceOf(metric)
  const missing = guard(`${name}/label-missing`, name, { of: 'label-missing', among, windowMs })
  // What a metric is read from can be no reason to stop where the metric itself is none.
  return [effectOf(metric) === 'warn' ? { ...missing, onFailure: 'warn' } : missing]
}

function floorOf(metric: WaitingMetricSpec): number {
  return metric.kind === 'conversion' ? metric.floor : 0
}

/** How long a prediction may take to be read after its answer has left. */
const READING_MS = 5000

// Shown by a budget of its own, whatever it leads to: a new model's predictions are expected to shift.
function drift(metric: Extract<MetricSpec, { kind: 'drift' }>): Draft {
  const windowMs = metric.of === 'prediction' ? READING_MS : 0
  const source = { of: 'drift', value: metric.of, windowMs } as const
  const draft = guard(metric.name, metric.name, source)
  return { ...draft, onFailure: effectOf(metric), alpha: DRIFT_ALPHA }
}

// A guard that nobody configures must not pause for what nobody would.
function clientErrors(): Draft {
  const { ratio, apart } = CLIENT_ERROR
  return { ...guard('client-error', null, { of: 'client-error' }), harmRatio: ratio, apart }
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
