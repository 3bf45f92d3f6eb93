import type { MetricSpec } from '../domain/rollout-spec.ts'
import { parseDuration } from '../domain/units.ts'
import { DEFAULTS } from './defaults.ts'
import { toHeaderName } from './field-source.ts'
import { toFraction } from './fraction.ts'
import type { RawProviderMetric } from './schema-metric.ts'

type Built = Extract<MetricSpec, { kind: 'prometheus' | 'http' }>

/** A metric that another system is asked for, as a checked file means it. */
export function buildProvider(name: string, raw: RawProviderMetric): Built {
  const change = raw.maxDecrease ?? raw.maxIncrease
  const common = {
    name,
    onFailure: raw.onFailure ?? DEFAULTS.onFailure,
    mode: raw.mode ?? DEFAULTS.mode,
    better: raw.maxDecrease === undefined ? ('lower' as const) : ('higher' as const),
    maxChange: change === undefined ? null : toFraction(change),
    // Nothing is proved of it.
    sensitivity: 0,
    max: raw.max ?? null,
    min: raw.min ?? null,
    url: raw.url,
    secret: raw.secret ?? null,
    headers: Object.fromEntries(
      Object.entries(raw.headers ?? {}).map(([field, value]) => [toHeaderName(field), value]),
    ),
    intervalMs: parseDuration(raw.interval ?? DEFAULTS.measureInterval)!,
  }
  if (raw.kind === 'prometheus') return { ...common, kind: raw.kind, query: raw.query }
  return { ...common, kind: raw.kind, pointer: raw.value?.slice('body:'.length) ?? null }
}
