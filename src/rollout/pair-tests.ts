import type { Hypothesis } from '../domain/hypothesis.ts'
import type { PairQuestion, PairRatios, PairTest } from '../domain/pairs.ts'
import { isLabelMetric, type MetricSpec, type RolloutSpec } from '../domain/rollout-spec.ts'
import { buildHypotheses, effectOf } from './hypotheses.ts'
import { scoreOf } from './metric-source.ts'
import { hasMirrorStep } from './mirror-step.ts'

/** Everything that may roll a rollout back by its evidence, and so shares the rollback α. */
export type Tests = {
  readonly hypotheses: readonly Hypothesis[]
  /** Empty where no step mirrors. */
  readonly pairTests: readonly PairTest[]
}

/**
 * The questions of a rollout, fixed for an attempt: those to live steps (see buildHypotheses), and those to
 * the pairs of mirror steps: the same about failures, latencies and labels, and one per disagreement. The
 * rollback α is shared evenly over the required ones of both.
 */
export function buildTests({ steps, analysis }: Pick<RolloutSpec, 'steps' | 'analysis'>): Tests {
  if (!hasMirrorStep(steps)) return { hypotheses: buildHypotheses(analysis), pairTests: [] }
  const alone = buildHypotheses(analysis)
  const asked = analysis.metrics.flatMap((metric) => [
    ...alone.filter((h) => h.metric === metric.name).flatMap((h) => twinOf(h, metric)),
    ...disagreementOf(metric, analysis.alphaPromote),
  ])
  const inPairs = asked.filter(({ required }) => required).length
  const hypotheses = buildHypotheses(analysis, inPairs)
  const all = hypotheses.filter((h) => h.required).length + inPairs
  const alphaHarm = analysis.alphaRollback / Math.max(1, all)
  return { hypotheses, pairTests: asked.map((draft) => ({ alphaHarm, ...draft })) }
}

/** Without a level of its own it has its share of the rollback α. */
type Draft = Omit<PairTest, 'alphaHarm'> & { readonly alphaHarm?: number }

/** The question about live requests, put to pairs; none where a copy's answer says nothing of it. */
function twinOf(hypothesis: Hypothesis, metric: MetricSpec): readonly Draft[] {
  // Counted measurements test nothing, here as elsewhere.
  const asks = metric.threshold === undefined ? questionOf(hypothesis, metric) : null
  if (asks === null) return []
  const { id, segment, onFailure, required, harm, proof } = hypothesis
  // What has a level of its own keeps it: what only ever pauses, and what is never shown.
  const isGuard = asks.of === 'label-missing' || harm.alpha === 0
  return [
    {
      id: `${id}/mirror`,
      metric: metric.name,
      ...(segment === undefined ? undefined : { segment }),
      onFailure,
      required,
      asks,
      ...(isGuard ? { alphaHarm: harm.alpha } : undefined),
      alphaProof: proof?.alpha ?? null,
    },
  ]
}

function questionOf(hypothesis: Hypothesis, metric: MetricSpec): PairQuestion | null {
  const { source, better } = hypothesis
  const ratios = ratiosOf(hypothesis)
  switch (source.of) {
    case 'failure':
      return { of: 'failure', ...ratios }
    case 'latency':
      return { ...source, ...ratios }
    case 'score':
      return { ...source, better, ...ratios }
    // Events and numbers of an answer that nobody has seen are nobody's.
    case 'above-cap': {
      const { of, windowMs } = source
      return isLabelMetric(metric) ? { of, windowMs, ...ratios } : null
    }
    case 'label-missing':
      return isLabelMetric(metric)
        ? { of: 'label-missing', score: scoreOf(metric).score, ...ratios }
        : null
    default:
      return null
  }
}

function ratiosOf({ harm, proof }: Hypothesis): PairRatios {
  return {
    harmRatio: harm.ratio,
    proofRatio: proof?.ratio ?? harm.ratio,
    floor: proof?.floor ?? 0,
  }
}

function disagreementOf(metric: MetricSpec, alphaProof: number): readonly Draft[] {
  if (metric.kind !== 'disagreement') return []
  return [
    {
      id: metric.name,
      metric: metric.name,
      onFailure: effectOf(metric),
      required: metric.mode === 'decide' && metric.onFailure !== 'warn',
      asks: { of: 'disagreement', max: metric.max! },
      alphaProof,
    },
  ]
}
