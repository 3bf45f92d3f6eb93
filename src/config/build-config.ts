import { dirname, resolve } from 'node:path'
import { parseDuration, parseSize } from '../domain/units.ts'
import { buildService } from './build-service.ts'
import type { AdminConfig, Config, FeedbackConfig, GatewayConfig, StoreConfig } from './config.ts'
import { DEFAULTS } from './defaults.ts'
import { toFraction } from './fraction.ts'
import { hashConfig } from './hash-config.ts'
import { parseListen } from './listen.ts'
import { parseOrigin } from './origin.ts'
import { parseStore } from './parse-store.ts'
import type { RawConfig } from './schema.ts'

/**
 * The configuration that a checked file means: units resolved, defaults filled in. Relative paths (of
 * the store, of certificates) start at the file's folder, without a file at the working directory.
 */
export function buildConfig(raw: RawConfig, file: string | null): Config {
  const folder = file === null ? '.' : dirname(file)
  const parts = {
    gateway: buildGateway(raw.gateway, folder),
    admin: buildAdmin(raw.admin ?? {}),
    store: parseStore(raw.store ?? DEFAULTS.store, folder) as StoreConfig,
    lastWeights: resolve(folder, raw.lastWeights ?? DEFAULTS.lastWeights),
    feedback: buildFeedback(raw.feedback ?? {}),
    passthrough: raw.passthrough === undefined ? null : parseOrigin(raw.passthrough),
    services: Object.entries(raw.services).map(([name, service]) =>
      buildService(name, service, folder),
    ),
  }
  return { file, hash: hashConfig(parts), written: raw, ...parts }
}

function buildGateway(raw: RawConfig['gateway'], folder: string): GatewayConfig {
  const { tls } = raw
  const limits = { ...DEFAULTS.limits, ...raw.limits }
  const drain = { ...DEFAULTS.drain, ...raw.drain }
  return {
    listen: parseListen(raw.listen)!,
    workers: raw.workers ?? DEFAULTS.workers,
    tls:
      tls === undefined ? null : { cert: resolve(folder, tls.cert), key: resolve(folder, tls.key) },
    trustedProxies: raw.trustedProxies ?? [],
    healthPath: raw.health ?? DEFAULTS.healthPath,
    variantHeader: raw.variantHeader ?? DEFAULTS.variantHeader,
    limits: {
      bodyBytes: parseSize(limits.body)!,
      headerBytes: parseSize(limits.header)!,
      inFlight: limits.inFlight,
    },
    drain: {
      waitMs: parseDuration(String(drain.wait))!,
      deadlineMs: parseDuration(String(drain.deadline))!,
      streamsMs: parseDuration(String(drain.streams))!,
    },
    accessSample: toFraction(raw.log?.access?.sample ?? DEFAULTS.accessSample),
  }
}

function buildAdmin(raw: NonNullable<RawConfig['admin']>): AdminConfig {
  return {
    listen: parseListen(raw.listen ?? DEFAULTS.adminListen)!,
    tokens: (raw.tokens ?? []).map(({ name, token, scopes, services = null, expires }) => ({
      name,
      token,
      scopes,
      services,
      expiresAt: expires === undefined ? null : endOfDay(expires),
    })),
  }
}

function buildFeedback(raw: NonNullable<RawConfig['feedback']>): FeedbackConfig {
  const { maxPending, maxBytes, retention } = { ...DEFAULTS.feedback, ...raw }
  return {
    maxPending,
    maxBytes: parseSize(maxBytes)!,
    retentionMs: parseDuration(String(retention))!,
  }
}

/** The first millisecond (UTC) on which a token that expires on this day is no longer good. */
function endOfDay(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) + 86_400_000
}
