import { resolve } from 'node:path'
import { parseDuration } from '../domain/units.ts'
import type { UpstreamTls, Variant } from '../domain/variant.ts'
import { DEFAULTS } from './defaults.ts'
import { parseOrigin } from './origin.ts'
import type { RawVariant } from './schema-variant.ts'

/** A variant as a checked file means it. `folder`: where relative paths of files begin. */
export function buildVariant(name: string, raw: RawVariant, folder: string): Variant {
  const timeout = { ...DEFAULTS.timeout, ...raw.timeout }
  const { queue } = raw
  return {
    name,
    version: raw.version,
    upstreams: raw.upstreams.map((upstream) => parseOrigin(upstream)!),
    path: raw.path ?? null,
    timeout: {
      connectMs: parseDuration(timeout.connect)!,
      firstByteMs: parseDuration(timeout.firstByte)!,
      idleMs: parseDuration(timeout.idle)!,
      totalMs: parseOptional(raw.timeout?.total),
      keepAliveMs: parseOptional(raw.timeout?.keepAlive),
    },
    health: raw.health === undefined ? null : buildHealth(raw.health),
    maxInFlight: raw.maxInFlight ?? null,
    queue:
      queue === undefined ? null : { max: queue.max, timeoutMs: parseDuration(queue.timeout)! },
    eject: raw.eject === undefined ? null : buildEject(raw.eject),
    slowStartMs: parseDuration(String(raw.slowStart ?? '0s'))!,
    tls: raw.tls === undefined ? null : buildTls(raw.tls, folder),
  }
}

function parseOptional(duration: string | undefined): number | null {
  return duration === undefined ? null : parseDuration(duration)
}

function buildHealth(raw: NonNullable<RawVariant['health']>): Variant['health'] {
  const { path, interval, unhealthyAfter, healthyAfter } = { ...DEFAULTS.health, ...raw }
  return { path, intervalMs: parseDuration(interval)!, unhealthyAfter, healthyAfter }
}

function buildEject(raw: NonNullable<RawVariant['eject']>): Variant['eject'] {
  const { consecutiveFailures, base, max } = { ...DEFAULTS.eject, ...raw }
  return { consecutiveFailures, baseMs: parseDuration(base)!, maxMs: parseDuration(max)! }
}

function buildTls(raw: NonNullable<RawVariant['tls']>, folder: string): UpstreamTls {
  const file = (path: string | undefined) => (path === undefined ? null : resolve(folder, path))
  return {
    ca: file(raw.ca),
    cert: file(raw.cert),
    key: file(raw.key),
    servername: raw.servername ?? null,
  }
}
