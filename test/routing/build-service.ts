import type { RolloutSpec } from '../../src/domain/rollout-spec.ts'
import type { Service, ServiceMatch, SplitSpec } from '../../src/domain/service.ts'
import type { Variant } from '../../src/domain/variant.ts'
import { PLAIN_VARIANT } from '../support/plain-variant.ts'

/** What a routing test says of its service; everything else is of no concern to it. */
export type ServiceOptions = {
  readonly name?: string
  readonly match?: Partial<ServiceMatch>
  readonly variants?: readonly string[]
  readonly split?: Partial<SplitSpec>
  readonly hasRollout?: boolean
}

/** A service with a baseline and a canary, unless told otherwise. */
export function buildService(options: ServiceOptions = {}): Service {
  return {
    name: options.name ?? 'credit-risk',
    match: { path: '/v2/models/credit-risk/*', methods: null, host: null, ...options.match },
    idempotent: true,
    variants: (options.variants ?? ['baseline', 'canary']).map(buildVariant),
    split: { key: null, rules: [], weightsBp: {}, override: null, ...options.split },
    observe: {
      requestIdHeader: 'x-request-id',
      prediction: null,
      sample: 1,
      numbers: [],
      awaitsEvents: false,
    },
    mirrors: [],
    failureStatuses: null,
    notify: [],
    rollout: options.hasRollout === true ? ROLLOUT : null,
  }
}

function buildVariant(name: string, index: number): Variant {
  return {
    name,
    version: `${index + 1}.0`,
    upstreams: [`http://127.0.0.1:${8001 + index}`],
    ...PLAIN_VARIANT,
    timeout: {
      connectMs: 1000,
      firstByteMs: 30_000,
      idleMs: 60_000,
      totalMs: null,
      keepAliveMs: null,
    },
  }
}

const ROLLOUT: RolloutSpec = {
  strategy: 'canary',
  start: 'auto',
  steps: [
    { kind: 'weight', weightBp: 500, minDurationMs: 60_000, minRequests: 1000 },
    { kind: 'weight', weightBp: 10_000, minDurationMs: 60_000, minRequests: 1000 },
  ],
  maxDurationMs: 86_400_000,
  onInconclusive: 'hold',
  watchMs: 1_800_000,
  holdbackBp: 0,
  cooldownMs: 3_600_000,
  fallback: false,
  analysis: {
    intervalMs: 2000,
    warmUpMs: 30_000,
    alphaRollback: 0.05,
    alphaPromote: 0.05,
    breakerFailures: 0.5,
    metrics: [],
  },
}
