import {
  isValueMetric,
  readsAnswer,
  type MetricSpec,
  type RolloutSpec,
} from '../domain/rollout-spec.ts'
import type { Service } from '../domain/service.ts'
import { isOwnMetric } from '../rollout/limit-figures.ts'
import { hasMirrorStep } from '../rollout/mirror-step.ts'
import type { Finding } from './problem.ts'

/** The metrics of a rollout that its mirror says less about than they seem to, or nothing, each with the reason. */
export function lintMirror(
  { name, observe }: Service,
  { steps, analysis }: RolloutSpec,
): readonly Finding[] {
  const isStep = hasMirrorStep(steps)
  return analysis.metrics.flatMap((metric) => {
    const path = ['services', name, 'analysis', 'metrics', metric.name]
    if (metric.kind === 'disagreement' && observe.prediction === null)
      return [{ path, message: FORMS_ALONE }]
    const why = isStep ? whyUnmirrored(metric) : null
    if (why === null) return []
    const message = `is never judged in a mirror step, and waits for the first weight: ${why}`
    return [{ path, message }]
  })
}

const FORMS_ALONE =
  'compares statuses and forms of answers, and not what they say: name observe.prediction, which may be a list or an object'

/** Null = a mirror step judges it. */
function whyUnmirrored(metric: MetricSpec): string | null {
  if (metric.threshold !== undefined && isOwnMetric(metric))
    return 'its measurements (method: threshold) are taken of live requests'
  if (metric.kind === 'drift') return 'distributions are compared over live requests'
  if (!isValueMetric(metric)) return null
  return readsAnswer(metric)
    ? 'numbers of answers are compared over live requests'
    : "nobody sees the copies' answers, so no event is theirs"
}
