import type { CohortsAnswer } from './cohorts.ts'
import type { CommandAnswer } from './commands.ts'
import type { MetricJson } from './present-metric.ts'
import type { PastExperimentJson } from './present-experiments.ts'
import type { PlanJson } from './present-plan.ts'
import type { DecisionJson, ServiceJson, VariantJson } from './present.ts'

const METRIC_EXAMPLE: MetricJson = {
  name: 'rmse',
  segment: null,
  kind: 'rmse',
  until: null,
  verdict: 'inconclusive',
  required: true,
  onFailure: 'rollback',
  better: 'lower',
  margins: { harm: 0.05, proof: 0.05, floor: 0 },
  cap: 12,
  baseline: { value: 3.1, n: 21_870 },
  canary: { value: 3.02, n: 1150 },
  ratio: { estimate: 0.974, lower: 0.921, upper: 1.061, method: 'asymptotic', level: 0.95 },
  evidence: {
    harm: { log: -1.2, threshold: 4.6 },
    nonInferiority: { log: 2.1, threshold: 3 },
    stepNonInferiority: null,
    stepHarm: null,
  },
  limit: null,
  threshold: null,
  error: null,
  withoutOutages: false,
  outsideAlpha: false,
  stepCanaryN: 1150,
  etaSeconds: 140,
  drift: null,
  bounds: null,
  slow: null,
  unscored: null,
  unreadable: null,
}

/** A decision as the log has it. */
export const DECISION_EXAMPLE: DecisionJson = {
  id: 17,
  at: '2027-05-01T11:59:00.000Z',
  service: 'credit-risk',
  rollout: '1.4->2.0#1',
  action: 'advance',
  reason: 'gates-open',
  actor: 'evaluator',
  summary: 'no harm shown on 1,204 canary requests: 5 % to 20 %',
  note: null,
  from: { phase: 'progressing', step: 0, weights: { baseline: 95, canary: 5 } },
  to: { phase: 'progressing', step: 1, weights: { baseline: 80, canary: 20 } },
  metrics: [METRIC_EXAMPLE],
  configHash: '0123456789ab',
}

/** An experiment that an operator ended by promoting a challenger. */
export const PAST_EXPERIMENT_EXAMPLE: PastExperimentJson = {
  id: '3.1 vs 3.2-small#1',
  from: '2027-04-28T09:00:00.000Z',
  to: '2027-05-01T11:59:00.000Z',
  winner: 'small',
  decision: {
    id: 4,
    action: 'promote',
    actor: 'ana',
    summary: 'small (3.2-small) gets all of the traffic',
    note: 'half of the cost',
  },
  comparisons: [
    {
      variant: 'small',
      verdict: 'no-worse',
      units: { baseline: 21_870, challenger: 11_204 },
      expectedShare: 0.333,
      etaSeconds: null,
      ratioMismatch: { log: 0.2, threshold: 6.9 },
      mismatched: false,
      metrics: [
        {
          ...METRIC_EXAMPLE,
          verdict: 'successful',
          evidence: { ...METRIC_EXAMPLE.evidence, nonInferiority: { log: 4.2, threshold: 3 } },
          etaSeconds: null,
          comparison: 'no-worse',
          superiority: { log: 0.4, threshold: 3 },
          missing: null,
          differs: null,
        },
      ],
    },
  ],
}

/** A service in the second of four steps. */
export const SERVICE_EXAMPLE: ServiceJson = {
  name: 'credit-risk',
  strategy: 'canary',
  rollout: '1.4->2.0#1',
  revision: 5,
  phase: 'progressing',
  step: { index: 1, of: 4, kind: 'weight', enteredAt: '2027-05-01T11:59:00.000Z' },
  pause: null,
  idleReason: null,
  watchUntil: null,
  rolledBackReason: null,
  retryFrom: null,
  weights: { baseline: 80, canary: 20 },
  variants: { baseline: figures('1.4', 21_870, 42), canary: figures('2.0', 1204, 3) },
  mirrors: {},
  metrics: [METRIC_EXAMPLE],
  missing: ['rmse: a rise above 5 % is not excluded yet (upper bound 6.1 %)'],
  etaSeconds: 140,
  winner: null,
  rules: [],
  comparisons: [],
  notice: null,
  decider: null,
  replicas: { contributing: 2, differing: [] },
  lastDecision: DECISION_EXAMPLE,
}

const PENDING =
  '2.0 gets nothing from this gateway since ops aborted it: that is stored, and other gateways hear of it, when the store is back'

/** The same service, aborted while its store is away. */
export const PENDING_EXAMPLE: CommandAnswer = {
  decision: null,
  pending: `${PENDING} (it is away since 2027-05-01T11:58:00.000Z)`,
  service: {
    ...SERVICE_EXAMPLE,
    revision: 6,
    phase: 'rolled-back',
    rolledBackReason: 'operator',
    step: { index: 0, of: 4, kind: null, enteredAt: '2027-05-01T11:59:00.000Z' },
    weights: { baseline: 100, canary: 0 },
    missing: [],
    etaSeconds: null,
    notice: PENDING,
    replicas: null,
  },
}

/** A plan of one step with one metric. */
export const PLAN_EXAMPLE: PlanJson = {
  p50Seconds: 910,
  p80Seconds: 1380,
  service: 'credit-risk',
  versions: { baseline: '1.4', canary: '2.0' },
  strategy: 'canary',
  watchWeight: 100,
  unit: 'request',
  unitsPerSecond: 200,
  trafficFrom: 'given',
  baseline: [{ name: 'errors', value: 0.01, text: '1 %', from: 'assumed' }],
  steps: [
    {
      p50Seconds: 910,
      p80Seconds: 1380,
      index: 0,
      weight: 20,
      proves: true,
      slowest: 'errors',
      minimums: [
        { name: 'minDuration', seconds: 60 },
        { name: 'minRequests', seconds: 25 },
      ],
      metrics: [
        {
          name: 'errors',
          regression: 1,
          see: { p50Seconds: 41, p80Seconds: 62 },
          margin: 0.5,
          floor: 0.001,
          prove: { p50Seconds: 910, p80Seconds: 1380 },
        },
      ],
    },
  ],
  pauseSeconds: 0,
  approvals: 0,
  maxDurationSeconds: 86_400,
  fits: true,
  suggestions: [],
}

/** A page with one cohort, of an attempt that keeps no other. */
export const COHORTS_EXAMPLE: CohortsAnswer = {
  rollout: '1.4->2.0#1',
  plan: null,
  cohorts: [
    {
      number: 41,
      rollout: '1.4->2.0#1',
      step: 1,
      pi: 0.2,
      epoch: 1,
      judged: true,
      openedAt: '2027-05-01T11:59:00.000Z',
      closedAt: '2027-05-01T11:59:02.000Z',
      settledAt: '2027-05-01T11:59:04.000Z',
      terms: { thresholds: {}, bets: {}, caps: {} },
      assigned: [320, 80],
      observed: [320, 80],
      tallies: {
        errors: {
          kind: 'event',
          trials: [320, 80],
          events: [3, 1],
          harmEvents: [3, 1],
          harmUnits: null,
        },
      },
    },
  ],
  next: null,
  attempts: [
    {
      rollout: '1.4->2.0#1',
      cohorts: 1,
      from: '2027-05-01T11:59:00.000Z',
      to: '2027-05-01T11:59:02.000Z',
      evicted: 0,
    },
  ],
}

function figures(version: string, requests: number, errors: number): VariantJson {
  return {
    ...{ version, requests, errors, rejected: 0, left: 0, inFlight: 3 },
    ...{ upstreams: 2, healthy: 2 },
    ...{ p50Ms: 8.1, p95Ms: 14, p99Ms: 22.5, failingNames: [] },
  }
}
