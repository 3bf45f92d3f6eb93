import type { PairQuestion, PairTest } from '../domain/pairs.ts'
import type { MetricSpec, RolloutSpec } from '../domain/rollout-spec.ts'
import { buildHypotheses, effectOf } from './hypotheses.ts'
import { hasMirrorStep } from './mirror-step.ts'

/** Everything that may roll a rollout back by its evidence, and so shares the rollback α. */
export type Tests = {
  readonly hypotheses: ReturnType<typeof buildHypotheses>
  /** Empty where no step mirrors. */
  readonly pairTests: readonly PairTest[]
}

/**
 * The questions of a rollout, fixed for an attempt: those to live steps (see buildHypotheses), and those to
 * the pairs of mirror steps, one per relative error rate and one per disagreement. The rollback α is shared
 * evenly over the required ones of both.
 */
export function buildTests({ steps, analysis }: Pick<RolloutSpec, 'steps' | 'analysis'>): Tests {
  const asked = hasMirrorStep(steps) ? analysis.metrics.flatMap(askOf) : []
  const inPairs = asked.filter(({ required }) => required).length
  const hypotheses = buildHypotheses(analysis, inPairs)
  const all = hypotheses.filter((h) => h.required).length + inPairs
  const alphaHarm = analysis.alphaRollback / Math.max(1, all)
  return {
    hypotheses,
    pairTests: asked.map((test) => ({ ...test, alphaHarm, alphaProof: analysis.alphaPromote })),
  }
}

function askOf(metric: MetricSpec): readonly Omit<PairTest, 'alphaHarm' | 'alphaProof'>[] {
  const asks = questionOf(metric)
  if (asks === null) return []
  return [
    {
      id: asks.of === 'failure' ? `${metric.name}/mirror` : metric.name,
      metric: metric.name,
      onFailure: effectOf(metric),
      required: metric.mode === 'decide' && metric.onFailure !== 'warn',
      asks,
    },
  ]
}

function questionOf(metric: MetricSpec): PairQuestion | null {
  if (metric.kind === 'disagreement') return { of: 'disagreement', max: metric.max! }
  // Counted measurements test nothing, here as elsewhere.
  if (metric.kind !== 'error-rate' || metric.maxChange === null || metric.threshold !== undefined)
    return null
  const { maxChange, sensitivity, floor } = metric
  const proofRatio = 1 + (maxChange > 0 ? maxChange : sensitivity)
  return { of: 'failure', harmRatio: 1 + maxChange, proofRatio, floor }
}
