import { isValueMetric, type MetricSpec, type RolloutSpec } from '../domain/rollout-spec.ts'
import type { Service } from '../domain/service.ts'
import { isOwnMetric } from '../rollout/limit-figures.ts'
import { hasMirrorStep } from '../rollout/mirror-step.ts'
import type { Finding } from './problem.ts'

/** The metrics of a rollout with a mirror step that such a step says nothing about, each with the reason. */
export function lintMirror(
  { name }: Service,
  { steps, analysis }: RolloutSpec,
): readonly Finding[] {
  if (!hasMirrorStep(steps)) return []
  return analysis.metrics.flatMap((metric) => {
    const why = whyUnmirrored(metric)
    if (why === null) return []
    return [
      {
        path: ['services', name, 'analysis', 'metrics', metric.name],
        message: `is never judged in a mirror step, and waits for the first weight: ${why}`,
      },
    ]
  })
}

/** Null = a mirror step judges it. */
function whyUnmirrored(metric: MetricSpec): string | null {
  if (metric.threshold !== undefined && isOwnMetric(metric))
    return 'its measurements (method: threshold) are taken of live requests'
  if (metric.kind === 'drift') return 'distributions are compared over live requests'
  if (!isValueMetric(metric)) return null
  return metric.kind === 'mean' && metric.from.in === 'answer'
    ? 'numbers of answers are compared over live requests'
    : "nobody sees the copies' answers, so no event is theirs"
}
