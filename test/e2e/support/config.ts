import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** A service in a configuration file, as YAML will have it. */
export type ServiceParts = Readonly<Record<string, unknown>>

/** Names the Redis, if any, that the stores of a suite are in: `redis://HOST:PORT/DATABASE`. */
export const REDIS_OF_SUITE = 'SERIN_TEST_REDIS'

/** A whole configuration: both ports are free ones of 127.0.0.1, the store is that of `folder` alone. */
export function buildConfig(
  folder: string,
  services: Readonly<Record<string, ServiceParts>>,
  more: {
    readonly gateway?: Readonly<Record<string, unknown>>
    readonly admin?: Readonly<Record<string, unknown>>
    readonly [key: string]: unknown
  } = {},
): Record<string, unknown> {
  const { gateway, admin, ...rest } = more
  return {
    version: 1,
    gateway: {
      listen: '127.0.0.1:0',
      drain: { wait: 0, deadline: '20s', streams: '20s' },
      ...gateway,
    },
    admin: { listen: '127.0.0.1:0', ...admin },
    store: storeOf(folder),
    services,
    ...rest,
  }
}

/** The store of a folder; gateways that are to share one name the same folder. */
export function storeOf(folder: string): string {
  const redis = process.env[REDIS_OF_SUITE]
  if (redis === undefined) return `lmdb:${join(folder, 'data')}`
  return `${redis}?prefix=${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`
}

/** A service at `/m/*` whose weights are fixed. */
export function buildFixedService(
  origins: { readonly baseline: string; readonly canary: string },
  split: Readonly<Record<string, unknown>>,
): ServiceParts {
  return {
    match: { path: '/m/*' },
    variants: {
      baseline: { version: '1', upstreams: [origins.baseline] },
      canary: { version: '2', upstreams: [origins.canary] },
    },
    split,
  }
}

/** A rollout that takes seconds: what differs from service to service comes in `rollout` and `analysis`. */
export function buildRolloutService(
  origins: { readonly baseline: string; readonly canary: string },
  more: {
    readonly path?: string
    readonly rollout?: Readonly<Record<string, unknown>>
    readonly analysis?: Readonly<Record<string, unknown>>
    readonly split?: Readonly<Record<string, unknown>>
  } = {},
): ServiceParts {
  const minDuration = '500ms'
  return {
    match: { path: more.path ?? '/m/*' },
    variants: {
      baseline: { version: '1.4', upstreams: [origins.baseline] },
      canary: { version: '2.0', upstreams: [origins.canary] },
    },
    split: { key: 'header:x-user-id', ...more.split },
    observe: { prediction: 'body:/outputs/0/data/0' },
    rollout: {
      steps: [{ weight: '20%', minDuration }, { weight: '50%', minDuration }, { weight: '100%' }],
      watch: '1s',
      ...more.rollout,
    },
    analysis: {
      interval: '500ms',
      warmUp: '1s',
      minRequests: 100,
      metrics: {
        errors: { kind: 'error-rate', maxIncrease: '0%', floor: '2%' },
        rmse: {
          kind: 'rmse',
          maxIncrease: '50%',
          labelWindow: '1s',
          minLabels: 100,
          cap: 50,
        },
      },
      ...more.analysis,
    },
  }
}

/** A service at `/m/*` whose rollout begins with a mirror of everything, and whose labels are joined. */
export function buildLabelledMirror(
  origins: { readonly baseline: string; readonly canary: string },
  { minRequests, labelWindow }: { readonly minRequests: number; readonly labelWindow: string },
): ServiceParts {
  return {
    match: { path: '/m/*' },
    idempotent: true,
    variants: {
      baseline: { version: '1', upstreams: [origins.baseline] },
      canary: { version: '2', upstreams: [origins.canary] },
    },
    observe: { prediction: 'body:/p' },
    rollout: {
      steps: [
        // Within the tolerance the answers are the same: only a label can tell.
        { mirror: '100%', minRequests, minDuration: '1s', tolerance: 0.2 },
        { weight: '5%', minDuration: '10m' },
        { weight: '100%' },
      ],
    },
    analysis: {
      interval: '500ms',
      warmUp: '500ms',
      metrics: {
        errors: { kind: 'error-rate', maxIncrease: '0%' },
        answers: { kind: 'disagreement', max: '5%' },
        rmse: { kind: 'rmse', maxIncrease: '5%', labelWindow, minLabels: 100, cap: 15 },
      },
    },
  }
}
