import { isProviderMetric, type MetricSpec, type RolloutSpec } from '../domain/rollout-spec.ts'
import type { Service } from '../domain/service.ts'
import { formatPercent } from '../rollout/format.ts'
import type { Finding } from './problem.ts'

/**
 * A promotion that failures would not take back. At 100 % there is no baseline to compare with, so that in the watch only
 * absolute limits act, what other systems say, and the breaker. Silent where there is a holdback or no watch, and for
 * blue-green, of which every metric without a limit is named apart.
 */
export function lintWatch({ name }: Service, rollout: RolloutSpec): readonly Finding[] {
  const { strategy, holdbackBp, watchMs, analysis } = rollout
  if (strategy === 'blue-green' || holdbackBp > 0 || watchMs === 0) return []
  const leading = analysis.metrics.filter(leadsBack)
  if (leading.some(guardsFailures)) return []
  const at = ['services', name]
  const errors = leading.find(({ kind }) => kind === 'error-rate')
  const share = formatPercent(analysis.breakerFailures)
  const watched = `at 100 % nothing is compared, so in the watch only the breaker leads back from failures, at ${share} of the requests`
  return [
    errors === undefined
      ? {
          path: [...at, 'rollout'],
          message: `${watched}: add an error-rate with an absolute limit (max), or hold a share back (holdback)`,
        }
      : {
          path: [...at, 'analysis', 'metrics', errors.name],
          message: `has no absolute limit (max): ${watched}; add one, or hold a share back (holdback)`,
        },
  ]
}

function leadsBack({ mode, onFailure }: MetricSpec): boolean {
  return mode === 'decide' && onFailure === 'rollback'
}

// What a number of another system is about nobody knows here.
function guardsFailures(metric: MetricSpec): boolean {
  const isLimited = metric.max !== null || metric.min !== null
  return isLimited && (metric.kind === 'error-rate' || isProviderMetric(metric))
}
