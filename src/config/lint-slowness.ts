import { isProviderMetric, type RolloutSpec } from '../domain/rollout-spec.ts'
import type { Service } from '../domain/service.ts'
import { formatPercent } from '../rollout/format.ts'
import type { Finding } from './problem.ts'

/**
 * A rollout that would leave a canary in front of its users that is slow, or hangs: clients that give up are no failures of
 * an `error-rate`, and the guard on them only pauses. Silent where nothing rolls back, which is told apart, and where
 * another system is asked: what its number is about nobody knows here.
 */
export function lintSlowness({ name }: Service, { analysis }: RolloutSpec): readonly Finding[] {
  const leading = analysis.metrics.filter(
    ({ mode, onFailure }) => mode === 'decide' && onFailure === 'rollback',
  )
  if (leading.length === 0) return []
  if (leading.some((metric) => metric.kind === 'latency' || isProviderMetric(metric))) return []
  const share = formatPercent(analysis.breakerFailures)
  return [
    {
      path: ['services', name, 'analysis', 'metrics'],
      message: `nothing that rolls back sees a canary that answers late: clients that give up are no failures, and only the breaker counts them, at ${share} of the requests; add a latency with a margin (maxIncrease) or a limit (max)`,
    },
  ]
}
