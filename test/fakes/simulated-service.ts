import type { Clock } from '../../src/domain/clock.ts'
import type { MetricSpec, RolloutSpec, StepSpec } from '../../src/domain/rollout-spec.ts'
import type { Service } from '../../src/domain/service.ts'
import type { Variant } from '../../src/domain/variant.ts'
import { PLAIN_VARIANT } from '../support/plain-variant.ts'

/** A clock that only a test moves. */
export class ManualClock implements Clock {
  ms: number
  constructor(start = 1_800_000_000_000) {
    this.ms = start
  }
  now = (): number => this.ms
  monotonic = (): number => this.ms
}

/** Weight steps with short gates, ending at 100 %. */
export function weightSteps(percents: readonly number[], minRequests = 100): readonly StepSpec[] {
  return percents.map((percent) => ({
    kind: 'weight',
    weightBp: percent * 100,
    minDurationMs: 5000,
    minRequests,
  }))
}

export const ERRORS: Extract<MetricSpec, { kind: 'error-rate' }> = {
  name: 'errors',
  kind: 'error-rate',
  mode: 'decide',
  onFailure: 'rollback',
  better: 'lower',
  maxChange: 0,
  sensitivity: 0.5,
  floor: 0.02,
  max: null,
  min: null,
}

export const RMSE: Extract<MetricSpec, { kind: 'rmse' | 'mae' | 'log-loss' }> = {
  name: 'rmse',
  kind: 'rmse',
  mode: 'decide',
  onFailure: 'rollback',
  better: 'lower',
  maxChange: 0.05,
  sensitivity: 0.05,
  max: null,
  min: null,
  cap: 25,
  labelWindowMs: 2000,
  minLabels: 100,
}

export const ACCURACY: Extract<MetricSpec, { kind: 'accuracy' }> = {
  name: 'accuracy',
  kind: 'accuracy',
  mode: 'decide',
  onFailure: 'rollback',
  better: 'higher',
  maxChange: 0.05,
  sensitivity: 0.05,
  max: null,
  min: null,
  labelWindowMs: 2000,
  minLabels: 100,
}

const VALUES = {
  mode: 'decide',
  onFailure: 'rollback',
  better: 'higher',
  maxChange: 0.05,
  sensitivity: 0.05,
  max: null,
  min: null,
  windowMs: 2000,
} as const

export const CONVERSION: Extract<MetricSpec, { kind: 'conversion' }> = {
  ...VALUES,
  name: 'conversion',
  kind: 'conversion',
  event: 'purchase',
  floor: 0,
}

export const REVENUE: Extract<MetricSpec, { kind: 'sum' }> = {
  ...VALUES,
  name: 'revenue',
  kind: 'sum',
  event: 'purchase',
  field: 'amount',
  cap: 10,
}

export const BASKET: Extract<MetricSpec, { kind: 'mean' }> = {
  ...VALUES,
  name: 'basket',
  kind: 'mean',
  from: { in: 'event', event: 'purchase', field: 'amount' },
  cap: 10,
  minLabels: 100,
}

export const CLICKS: Extract<MetricSpec, { kind: 'ratio' }> = {
  ...VALUES,
  name: 'clicks',
  kind: 'ratio',
  numerator: 'click',
  denominator: 'view',
  cap: 3,
}

/** A mean of a number of the answers. */
export const TOKENS: Extract<MetricSpec, { kind: 'mean' }> = {
  ...BASKET,
  name: 'tokens',
  better: 'lower',
  from: { in: 'answer', pointer: '/tokens' },
  windowMs: 0,
}

export const LATENCY: Extract<MetricSpec, { kind: 'latency' }> = {
  name: 'latency',
  kind: 'latency',
  mode: 'decide',
  onFailure: 'rollback',
  quantile: 0.95,
  better: 'lower',
  maxChange: 0.1,
  sensitivity: 0.1,
  max: null,
  min: null,
}

export const DRIFT: Extract<MetricSpec, { kind: 'drift' }> = {
  name: 'drift',
  kind: 'drift',
  of: 'prediction',
  mode: 'decide',
  onFailure: 'warn',
  better: 'lower',
  maxChange: null,
  sensitivity: 0,
  max: null,
  min: null,
}

/** A rollout with quick gates; `change` replaces parts of it. */
export function rolloutSpec(
  change: {
    readonly spec?: Partial<RolloutSpec>
    readonly analysis?: Partial<RolloutSpec['analysis']>
  } = {},
): RolloutSpec {
  return {
    strategy: 'canary',
    start: 'auto',
    steps: weightSteps([5, 20, 50, 100]),
    maxDurationMs: 3_600_000,
    onInconclusive: 'hold',
    watchMs: 10_000,
    holdbackBp: 0,
    cooldownMs: 60_000,
    fallback: false,
    ...change.spec,
    analysis: {
      intervalMs: 1000,
      warmUpMs: 2000,
      alphaRollback: 0.05,
      alphaPromote: 0.05,
      breakerFailures: 0.5,
      metrics: [ERRORS],
      ...change.analysis,
    },
  }
}

/** A service named `svc` with versions 1.4 and 2.0. */
export function service(rollout: RolloutSpec | null, keyed = false): Service {
  const variant = (name: string, version: string): Variant => ({
    name,
    version,
    upstreams: [`http://127.0.0.1:${name === 'baseline' ? 9001 : 9002}`],
    ...PLAIN_VARIANT,
    timeout: {
      connectMs: 1000,
      firstByteMs: 30_000,
      idleMs: 60_000,
      totalMs: null,
      keepAliveMs: null,
    },
  })
  return {
    name: 'svc',
    match: { path: '/v2/models/svc/*', methods: null, host: null },
    idempotent: false,
    variants: [variant('baseline', '1.4'), variant('canary', '2.0')],
    split: {
      key: keyed ? { from: 'header', name: 'x-user-id' } : null,
      rules: [],
      weightsBp: {},
      override: null,
    },
    observe: {
      requestIdHeader: 'x-request-id',
      prediction: '/outputs/0/data/0',
      sample: 1,
      numbers: [],
      awaitsEvents: false,
    },
    mirrors: [],
    failureStatuses: null,
    notify: [],
    rollout,
  }
}
