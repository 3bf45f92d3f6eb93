import type { Hypothesis } from '../domain/hypothesis.ts'
import type { AnalysisSpec, MetricSpec, OnFailure } from '../domain/rollout-spec.ts'

/** α of what only ever pauses: missing labels, requests without an answer, a mismatched ratio. */
export const GUARD_ALPHA = 0.001

/** Margin and allowance of "share above the cap", which stands beside every capped metric. */
const ABOVE_CAP = { ratio: 1.5, floor: 0.005 }

type Draft = Omit<Hypothesis, 'harm' | 'proof'> & {
  readonly harmRatio: number
  readonly proof: { readonly ratio: number; readonly floor: number } | null
  /** Null: a share of the rollback α. 0: never shown. */
  readonly alpha: number | null
}

/**
 * The hypotheses of an analysis, fixed for an attempt: one per relative metric, "share above the cap"
 * beside every capped one, "label missing" beside every label metric, and one on requests without an
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
  if (metric.maxIncrease === null) return metric.kind === 'rmse' ? limitOnly(metric) : []
  const common = {
    metric: metric.name,
    onFailure: effectOf(metric),
    required: metric.mode === 'decide' && metric.onFailure !== 'warn',
    alpha: null,
  }
  // Equality can never be proved, so a margin of 0 is proved within the sensitivity instead.
  const proofMargin = metric.maxIncrease > 0 ? metric.maxIncrease : metric.sensitivity
  switch (metric.kind) {
    case 'error-rate':
      return [
        {
          ...common,
          id: metric.name,
          source: { of: 'failure' },
          harmRatio: 1 + metric.maxIncrease,
          proof: { ratio: 1 + proofMargin, floor: metric.floor },
        },
      ]
    case 'latency':
      // The margin stands in the thresholds: H0 compares P(canary > (1+m)x) with P(baseline > x).
      return [
        {
          ...common,
          id: metric.name,
          source: {
            of: 'latency',
            quantile: metric.quantile,
            harmMargin: metric.maxIncrease,
            proofMargin,
          },
          harmRatio: 1,
          proof: { ratio: 1, floor: 0 },
        },
      ]
    case 'rmse': {
      const windowMs = metric.labelWindowMs
      return [
        {
          ...common,
          id: metric.name,
          source: { of: 'squared-error', cap: metric.cap, windowMs },
          // RMSE ratio ≤ 1+m ⇔ MSE ratio ≤ (1+m)².
          harmRatio: (1 + metric.maxIncrease) ** 2,
          proof: { ratio: (1 + proofMargin) ** 2, floor: 0 },
        },
        {
          ...common,
          id: `${metric.name}/above-cap`,
          source: { of: 'above-cap', windowMs },
          harmRatio: ABOVE_CAP.ratio,
          proof: ABOVE_CAP,
        },
        guard(`${metric.name}/label-missing`, metric.name, { of: 'label-missing', windowMs }),
      ]
    }
  }
}

/** What a metric's failure leads to: one that only reports warns at most. */
export function effectOf(metric: MetricSpec): OnFailure {
  return metric.mode === 'report' ? 'warn' : metric.onFailure
}

// The squared errors are needed for the limit; the comparison itself decides nothing.
function limitOnly(metric: Extract<MetricSpec, { kind: 'rmse' }>): Draft[] {
  const { name, cap, labelWindowMs: windowMs, sensitivity } = metric
  const source = { of: 'squared-error', cap, windowMs } as const
  const harmRatio = (1 + sensitivity) ** 2
  return [
    {
      id: name,
      metric: name,
      source,
      onFailure: effectOf(metric),
      required: false,
      harmRatio,
      proof: null,
      alpha: 0,
    },
    guard(`${name}/label-missing`, name, { of: 'label-missing', windowMs }),
  ]
}

function guard(id: string, metric: string | null, source: Hypothesis['source']): Draft {
  return {
    id,
    metric,
    source,
    onFailure: 'pause',
    required: false,
    harmRatio: 1,
    proof: null,
    alpha: GUARD_ALPHA,
  }
}
