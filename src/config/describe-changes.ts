import { CANARY } from '../domain/variant.ts'
import type { Config } from './config.ts'
import { describeValue } from './describe-value.ts'
import { formatPath, type ConfigPath } from './problem.ts'

/** Most changed keys that are named. */
const MOST_KEYS = 20

/**
 * What a reload changed, in short sentences for a person: services that came and went, new canary versions,
 * then every changed key with what stood there before and what stands there now, never a secret.
 */
export function describeChanges(before: Config, after: Config): readonly string[] {
  if (before.hash === after.hash)
    return [
      'nothing has changed since the file was last taken over (it is watched: a saved change is taken over at once)',
    ]
  const was = canaryVersions(before)
  const is = canaryVersions(after)
  const keys = listChanges(before.written, after.written).filter(({ path }) => {
    const [top, service, ...rest] = path
    if (top !== 'services') return true
    const [old, now] = [was.get(String(service)), is.get(String(service))]
    if (old === undefined || now === undefined) return false
    const isTold =
      rest[0] === 'variants' &&
      rest[1] === CANARY &&
      (old === '' || now === '' || rest[2] === 'version')
    return !isTold
  })
  const more = keys.length - MOST_KEYS
  return [
    ...[...was.keys()].filter((name) => !is.has(name)).map((name) => `service ${name} removed`),
    ...[...is.keys()]
      .filter((name) => !was.has(name))
      .map((name) => `service ${name} added${describeRenaming(name, before, after)}`),
    ...[...is]
      .filter(([name, version]) => was.has(name) && was.get(name) !== version)
      .map(([name, version]) => `service ${name}: canary version ${version || 'removed'}`),
    ...keys.slice(0, MOST_KEYS).map(describeChange),
    ...(more > 0 ? [`and ${more} more`] : []),
    `configuration ${after.hash}`,
  ]
}

// What was decided is stored by the service's name.
function describeRenaming(name: string, before: Config, after: Config): string {
  const [was, is] = [writtenServices(before), writtenServices(after)]
  const old = Object.keys(was).find(
    (each) => !(each in is) && listChanges(was[each]!.variants, is[name]!.variants).length === 0,
  )
  return old === undefined
    ? ''
    : ` with the variants of ${old}: it begins anew, and what was decided on ${old} (a rollback, a promotion) does not hold for it`
}

function writtenServices({ written }: Config): Readonly<Record<string, { variants?: unknown }>> {
  return (written as { services: Readonly<Record<string, { variants?: unknown }>> }).services
}

function canaryVersions({ services }: Config): ReadonlyMap<string, string> {
  return new Map(
    services.map((s) => [s.name, s.variants.find((v) => v.name === CANARY)?.version ?? '']),
  )
}

type Change = { readonly path: ConfigPath; readonly before: unknown; readonly after: unknown }

function listChanges(before: unknown, after: unknown, path: ConfigPath = []): readonly Change[] {
  if (Object.is(before, after)) return []
  if (Array.isArray(before) && Array.isArray(after)) {
    const longer = before.length > after.length ? before : after
    return longer.flatMap((_, i) => listChanges(before[i], after[i], [...path, i]))
  }
  // A map that came or went is told by its keys, as long as it has any.
  const [old, now] = [before ?? {}, after ?? {}]
  if (isMap(old) && isMap(now)) {
    const keys = new Set([...Object.keys(old), ...Object.keys(now)])
    if (keys.size > 0)
      return [...keys].flatMap((key) => listChanges(old[key], now[key], [...path, key]))
  }
  return [{ path, before, after }]
}

function describeChange({ path, before, after }: Change): string {
  return `${formatPath(path)}: ${describeValue(before, path)} → ${describeValue(after, path)}`
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
