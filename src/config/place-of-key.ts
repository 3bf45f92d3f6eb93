import type { ConfigPath } from './problem.ts'

const SERVICE = 'services.NAME.'
const VARIANT = `${SERVICE}variants.NAME.`
const ROLLOUT = `${SERVICE}rollout.`
const STEP = `${ROLLOUT}steps[]`
const ANALYSIS = `${SERVICE}analysis.`
const METRIC = `${ANALYSIS}metrics.NAME.`

/** Where keys stand that are written elsewhere by mistake; those that may be meant for another key are left out. */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  [SERVICE]: [
    'match',
    'idempotent',
    'variants',
    'split',
    'observe',
    'rollout',
    'analysis',
    'notify',
  ],
  [VARIANT]: ['upstreams', 'timeout', 'maxInFlight', 'queue', 'eject', 'slowStart'],
  [`${SERVICE}errors.`]: ['statuses', 'streamError'],
  [`${SERVICE}observe.`]: ['prediction', 'segment'],
  [ROLLOUT]: [
    'strategy',
    'steps',
    'maxDuration',
    'onInconclusive',
    'watch',
    'holdback',
    'cooldown',
  ],
  [`${STEP}.`]: ['minDuration'],
  [ANALYSIS]: ['warmUp', 'alpha', 'breaker', 'metrics'],
  [METRIC]: ['maxIncrease', 'maxDecrease', 'sensitivity', 'quantile', 'labelWindow', 'onFailure'],
}

const BY_KEY: ReadonlyMap<string, string> = new Map(
  Object.entries(PLACES).flatMap(([place, keys]) =>
    keys.map((key) => [key, `${place}${key}`] as const),
  ),
)

/**
 * Where else than at `path` the configuration has a key, as `services.NAME.notify`; null where that is not known, or may be
 * several places. A metric of one kind does not have all that a metric may have.
 */
export function placeOfKey(key: string, path: ConfigPath): string | null {
  const place = BY_KEY.get(key)
  return place === undefined || isAt(place, [...path, key]) ? null : place
}

function isAt(place: string, path: ConfigPath): boolean {
  const parts = place.replaceAll('[]', '').split('.')
  const here = path.filter((part) => typeof part === 'string')
  return parts.length === here.length && parts.every((p, i) => p === 'NAME' || p === here[i])
}
