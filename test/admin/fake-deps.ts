import { pino } from 'pino'
import type { AdminDeps, CommandResult, ReloadStanding } from '../../src/admin/admin-deps.ts'
import type { MirrorFigures, ServiceStatus } from '../../src/admin/service-status.ts'
import type { AdminConfig } from '../../src/config/config.ts'
import type { Command, Decision } from '../../src/domain/decision.ts'
import type { RolloutState } from '../../src/domain/rollout-state.ts'
import type { Service } from '../../src/domain/service.ts'
import type { MetricReport, ThresholdReport } from '../../src/domain/verdict.ts'
import { PLAIN_VARIANT } from '../support/plain-variant.ts'

/** 2027-05-01T12:00:00.000Z, when everything in these tests happens. */
export const NOW = Date.UTC(2027, 4, 1, 12)

export const LOOPBACK: AdminConfig = { listen: { host: '127.0.0.1', port: 0 }, tokens: [] }

/** A metric in the middle of its way: neither harmed nor proved. */
export function fakeMetric(changes: Partial<MetricReport> = {}): MetricReport {
  return {
    name: 'rmse',
    kind: 'rmse',
    verdict: 'inconclusive',
    required: true,
    onFailure: 'rollback',
    better: 'lower',
    margins: { harm: 0.05, proof: 0.05 },
    cap: null,
    baseline: { value: 3.1, n: 21_870 },
    canary: { value: 3.02, n: 1150 },
    ratio: { estimate: 0.974, lower: 0.921, upper: 1.061, method: 'asymptotic' },
    evidence: {
      harm: { log: -1.2, threshold: 4.6 },
      nonInferiority: { log: 2.1, threshold: 3 },
      stepNonInferiority: null,
      stepHarm: null,
    },
    limit: null,
    threshold: null,
    error: null,
    outsideAlpha: false,
    stepCanaryN: 1150,
    etaSeconds: 140,
    ...changes,
  }
}

export function fakeDecision(changes: Partial<Decision> = {}): Decision {
  return {
    id: 17,
    at: NOW - 60_000,
    service: 'credit-risk',
    rollout: '1.4->2.0#1',
    action: 'advance',
    reason: 'gates-open',
    actor: 'evaluator',
    summary: 'no harm shown on 1,204 canary requests: 5 % to 20 %',
    note: null,
    from: { phase: 'progressing', step: 0, weights: { baseline: 95, canary: 5 } },
    to: { phase: 'progressing', step: 1, weights: { baseline: 80, canary: 20 } },
    metrics: [fakeMetric()],
    configHash: '0123456789ab',
    ...changes,
  }
}

export function fakeState(changes: Partial<RolloutState> = {}): RolloutState {
  return {
    service: 'credit-risk',
    baselineVersion: '1.4',
    canaryVersion: '2.0',
    attempt: 1,
    revision: 5,
    step: 1,
    weightBp: 2000,
    startedAt: NOW - 3_600_000,
    stepEnteredAt: NOW - 60_000,
    pausedMs: 0,
    acknowledged: [],
    holdReason: null,
    configHash: '0123456789ab',
    phase: 'progressing',
    ...changes,
  } as RolloutState
}

/** A service in the second of four steps; `name: 'fixed'` gives one without a rollout. */
export function fakeStatus(
  state: RolloutState | null = fakeState(),
  name = 'credit-risk',
): ServiceStatus {
  return {
    service: fakeService(name, state !== null),
    weightsBp:
      state === null
        ? { baseline: 9000, canary: 1000 }
        : { baseline: 10_000 - state.weightBp, canary: state.weightBp },
    variants: {
      baseline: figures(21_870, 42),
      canary: figures(1204, 3),
    },
    failingNames: {},
    mirrors: {},
    rules: [],
    keys: { requests: 23_074, missing: 0 },
    experiment: null,
    replicas: null,
    deciding: null,
    labelSilence: null,
    trouble: [],
    untaken: null,
    unstored: null,
    rollout:
      state === null
        ? null
        : {
            state,
            steps: 4,
            stepKind: state.phase === 'progressing' ? 'weight' : null,
            metrics: [fakeMetric()],
            missing: ['rmse: a rise above 5 % is not excluded yet (upper bound 6.1 %)'],
            etaSeconds: 140,
            unitsPerSecond: null,
            lastDecision: fakeDecision(),
          },
  }
}

export type FakeDeps = AdminDeps & {
  /** Every command that came through, with its `ifMatch`. */
  readonly commands: { service: string; command: Command; ifMatch: number | null }[]
  readonly feedbackBodies: {
    body: string
    contentType: string
    services: readonly string[] | null
  }[]
}

const TAKEN: ReloadStanding = { inForceSince: NOW - 3_600_000, waiting: [], refused: null }

/** Deps over the two services `credit-risk` (with a rollout) and `fixed`; single ones can be replaced. */
export function createFakeDeps(changes: Partial<AdminDeps> = {}): FakeDeps {
  const statuses = [fakeStatus(), fakeStatus(null, 'fixed')]
  const decisions = [
    fakeDecision(),
    fakeDecision({ id: 16, action: 'start', reason: 'new-version' }),
  ]
  const commands: FakeDeps['commands'] = []
  const feedbackBodies: FakeDeps['feedbackBodies'] = []
  const deps: AdminDeps = {
    version: '0.1.0',
    clock: { now: () => NOW, monotonic: () => 0 },
    log: pino({ level: 'silent' }),
    services: () => statuses,
    serviceNames: () => [...deps.services()].map(({ service }) => service.name),
    service: (name) => [...deps.services()].find(({ service }) => service.name === name) ?? null,
    command: async (service, command, ifMatch): Promise<CommandResult> => {
      commands.push({ service, command, ifMatch })
      const status = fakeStatus(fakeState({ revision: 6 }))
      const decision = fakeDecision({ id: 18, actor: command.actor })
      return { ok: true, decision, pending: null, status }
    },
    gather: async () => {},
    workers: async () => ({}),
    decisions: async (_service, { after, limit }) =>
      decisions.filter(({ id }) => id > after).slice(0, limit),
    followDecisions: () => () => {},
    attempts: async () => [],
    archivedPlan: async () => null,
    archivedCohorts: async () => [],
    decision: async (_service, wanted) => decisions.find(({ id }) => id === wanted) ?? null,
    history: () => null,
    isDraining: () => false,
    isStoreTold: () => false,
    countDroppedStream: () => {},
    countRefusedAccess: () => {},
    forecast: () => null,
    forecastExperiment: () => null,
    feedback: async (body, contentType, services) => {
      feedbackBodies.push({ body, contentType, services })
      return { joined: 1, unmatched: 0, late: 0, duplicate: 0, unscored: 0, rejected: [] }
    },
    reload: async () => ({ ok: true, changes: ['credit-risk: timeouts changed'], waiting: [] }),
    lastReload: () => TAKEN,
    runningConfig: () => ({ version: 1, admin: { tokens: [{ name: 'ops', token: '***' }] } }),
    metrics: async () => ({
      contentType: 'text/plain; version=0.0.4',
      body: 'serin_build_info 1\n',
    }),
    ready: () => ({ ready: true, checks: { store: 'up' } }),
    ...changes,
  }
  return { ...deps, commands, feedbackBodies }
}

function fakeService(name: string, hasRollout: boolean): Service {
  const variant = (variantName: string, version: string) => ({
    name: variantName,
    version,
    upstreams: ['http://127.0.0.1:1'],
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
    name,
    match: { path: `/v2/models/${name}/*`, methods: null, host: null },
    idempotent: false,
    variants: [variant('baseline', '1.4'), variant('canary', '2.0')],
    split: { key: null, rules: [], weightsBp: hasRollout ? {} : { canary: 1000 }, override: null },
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
    rollout: hasRollout
      ? {
          strategy: 'canary',
          start: 'auto',
          steps: [5, 20, 50, 100].map((percent) => ({
            kind: 'weight' as const,
            weightBp: percent * 100,
            minDurationMs: 60_000,
            minRequests: 1000,
          })),
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
      : null,
  }
}

/** A mirror of which every third pair or so disagrees; its variant dies now and then. */
export function fakeMirror(changes: Partial<MirrorFigures> = {}): MirrorFigures {
  return {
    inFlight: 4,
    results: {
      ok: 1200,
      failed: 40,
      no_answer: 5,
      cancelled: 1,
      dropped_busy: 20,
      dropped_too_large: 3,
      dropped_incomplete: 2,
      dropped_unhealthy: 5,
    },
    lastOkAt: NOW - 3000,
    p50Ms: 8.1,
    p95Ms: 14,
    p99Ms: 22.5,
    pairs: 1000,
    unread: 200,
    disagreements: { status: 4, schema: 1, value: 340 },
    liveHeadMs: 7.5,
    mirrorHeadMs: 9.5,
    lastDisagreed: [
      {
        at: NOW - 1000,
        requestId: 'r-1',
        answeredBy: 'baseline',
        result: 'value',
        live: 3,
        mirror: 4,
        liveMs: 7,
        mirrorMs: 8,
      },
    ],
    ...changes,
  }
}

function figures(requests: number, errors: number): ServiceStatus['variants'][string] {
  return {
    requests,
    errors,
    rejected: 7,
    left: 0,
    inFlight: 3,
    p50Ms: 8.1,
    p95Ms: 14,
    p99Ms: 22.5,
    upstreams: 2,
    healthy: 2,
  }
}

/** A threshold of 0.9 with measurements of every kind but inconclusive ones. */
export function fakeThreshold(): ThresholdReport {
  return {
    terms: {
      intervalMs: 30_000,
      count: null,
      failureLimit: 1,
      inconclusiveLimit: 0,
      consecutiveErrorLimit: 4,
      consecutiveSuccessLimit: null,
    },
    counts: {
      successful: 3,
      failed: 1,
      inconclusive: 0,
      error: 2,
      consecutiveErrors: 0,
      consecutiveSuccesses: 1,
    },
    over: false,
    max: 0.9,
    min: null,
    maxChange: null,
  }
}
