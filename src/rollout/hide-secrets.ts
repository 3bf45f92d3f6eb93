import {
  isProviderMetric,
  type MetricSpec,
  type ProviderMetricSpec,
  type RolloutSpec,
} from '../domain/rollout-spec.ts'
import type { RolloutPlan } from './plan.ts'

/** What stands for a secret where a configuration is shown or stored. */
export const HIDDEN = '(hidden)'

/** A rollout's configuration without the secrets that other systems are sent, and of their addresses the origin alone. */
export function hideSecrets(spec: RolloutSpec): RolloutSpec {
  return {
    ...spec,
    analysis: { ...spec.analysis, metrics: hideMetricSecrets(spec.analysis.metrics) },
  }
}

/** Metrics without these. */
export function hideMetricSecrets(metrics: readonly MetricSpec[]): readonly MetricSpec[] {
  return metrics.map(hideSecret)
}

/** A plan that may be stored and shown: without those secrets. */
export function hidePlanSecrets(plan: RolloutPlan): RolloutPlan {
  if (!plan.spec.analysis.metrics.some(isProviderMetric)) return plan
  const spec = hideSecrets(plan.spec)
  return { ...plan, spec, metrics: spec.analysis.metrics }
}

/** Shortest part of an address that is taken for a secret: shorter ones are words, and easy to guess. */
const SHORTEST_PART = 8

/**
 * What a provider is sent and must not be shown where it repeats it, the longest first: the secret, the values of headers,
 * and what its address has behind the host, as a whole and in parts (a key in the query, a token in the path).
 */
export function secretsOf(metric: ProviderMetricSpec): readonly string[] {
  const { secret, headers, url } = metric
  const rest = url.replace(ADDRESS, '$3')
  const parts = [rest, ...rest.split(/[/?&=;]/)].filter(({ length }) => length >= SHORTEST_PART)
  const all = [...Object.values(headers), ...parts, ...parts.map(unescape)]
  if (secret !== null) all.push(secret)
  return all.toSorted((a, b) => b.length - a.length)
}

const ADDRESS = /^(\w+:\/\/)(?:[^/?#]*@)?([^/?#]*)(.*)$/

/** As `decodeURIComponent` of ASCII, which throws at half of an escape. */
function unescape(text: string): string {
  return text.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function originOf(url: string): string {
  return url.replace(ADDRESS, (_, scheme: string, host: string, rest: string) => {
    return `${scheme}${host}${rest === '' || rest === '/' ? '' : `/${HIDDEN}`}`
  })
}

function hideSecret(metric: MetricSpec): MetricSpec {
  if (!isProviderMetric(metric)) return metric
  return {
    ...metric,
    url: originOf(metric.url),
    secret: metric.secret === null ? null : HIDDEN,
    headers: Object.fromEntries(Object.keys(metric.headers).map((name) => [name, HIDDEN])),
  }
}
