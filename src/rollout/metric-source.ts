import type { ContinuousSource, ConversionSource, ScoreSource } from '../domain/hypothesis.ts'
import type { LabelMetricSpec, ValueMetricSpec } from '../domain/rollout-spec.ts'

/** What the hypothesis of a metric that waits for labels, answers or events observes. */
export function sourceOf(
  metric: LabelMetricSpec | ValueMetricSpec,
): ContinuousSource | ConversionSource {
  switch (metric.kind) {
    case 'conversion':
      return { of: 'conversion', event: metric.event, windowMs: metric.windowMs }
    case 'sum': {
      const { event, field, cap, windowMs } = metric
      return { of: 'sum', event, field, cap, windowMs }
    }
    case 'mean':
      return { of: 'mean', from: metric.from, cap: metric.cap, windowMs: metric.windowMs }
    case 'ratio': {
      const { numerator, denominator, cap, windowMs } = metric
      return { of: 'ratio', numerator, denominator, cap, windowMs }
    }
    default:
      return scoreOf(metric)
  }
}

/** The score of a metric that compares predictions with labels. */
export function scoreOf(metric: LabelMetricSpec): ScoreSource {
  const source = { of: 'score', windowMs: metric.labelWindowMs } as const
  if (metric.kind === 'accuracy') return { ...source, score: 'correct', cap: 1 }
  return { ...source, score: SCORES[metric.kind], cap: metric.cap }
}

const SCORES = {
  rmse: 'squared-error',
  mae: 'absolute-error',
  'log-loss': 'log-loss',
} as const
