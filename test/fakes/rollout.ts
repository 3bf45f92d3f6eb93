import type { Command } from '../../src/domain/decision.ts'
import type { NotifySpec } from '../../src/domain/notify.ts'
import type { RolloutPhase, RolloutState } from '../../src/domain/rollout-state.ts'
import type { Service } from '../../src/domain/service.ts'
import type { MetricReport } from '../../src/domain/verdict.ts'
import type { Observation } from '../../src/rollout/observation.ts'
import { buildPlan, type RolloutPlan } from '../../src/rollout/plan.ts'
import type { Refusal, Transition } from '../../src/rollout/transition.ts'
import { rolloutSpec, service } from './simulated-service.ts'

export const NOW = 1_800_000_000_000

/** The plan of `svc` with short gates. */
export function plan(change: Parameters<typeof rolloutSpec>[0] = {}, keyed = false): RolloutPlan {
  return planOf(service(rolloutSpec(change), keyed))
}

/** The plan of `svc` that asks somebody before 100 %. */
export function confirmedPlan(change: Parameters<typeof rolloutSpec>[0] = {}): RolloutPlan {
  return planOf({ ...service(rolloutSpec(change)), notify: [hook({ confirmsPromotion: true })] })
}

/** A webhook that hears of nothing; `change` replaces parts of it. */
export function hook(change: Partial<NotifySpec> = {}): NotifySpec {
  const plain = { url: 'http://127.0.0.1:9', on: [], confirmsPromotion: false } as const
  return { ...plain, secret: null, template: 'json', ...change }
}

export function planOf(of: Service): RolloutPlan {
  return buildPlan(of, 'hash-1')!
}

/** A state of `svc` in the first step, a minute after its start; `change` replaces parts of it. */
export function state(
  phase: RolloutPhase = { phase: 'progressing' },
  change: Partial<RolloutState> = {},
): RolloutState {
  const { fingerprint, configHash } = plan()
  return {
    service: 'svc',
    baselineVersion: '1.4',
    canaryVersion: '2.0',
    attempt: 1,
    revision: 7,
    step: 0,
    weightBp: 500,
    startedAt: NOW - 60_000,
    stepEnteredAt: NOW - 60_000,
    pausedMs: 0,
    acknowledged: [],
    holdReason: null,
    configHash,
    fingerprint,
    ...phase,
    ...change,
  } as RolloutState
}

export const PAUSED = (
  pausedBy: Extract<RolloutState, { phase: 'paused' }>['pausedBy'],
  change: { readonly resumeAt?: number; readonly pausedMetric?: string } = {},
): RolloutPhase => ({
  phase: 'paused',
  pausedBy,
  pausedAt: NOW - 10_000,
  resumeAt: change.resumeAt ?? null,
  pausedMetric: change.pausedMetric ?? null,
})

/** A healthy service with traffic, enough requests, and nothing to object to. */
export function seen(change: Partial<Observation> = {}): Observation {
  const healthy = { ready: true, downForMs: 0, failing: false }
  return {
    now: NOW,
    reports: [report()],
    ratioMismatch: { log: 0, threshold: Math.log(1000) },
    breaker: {
      tripped: false,
      canary: { attempts: 60, failures: 0, clientErrors: 0 },
      baseline: { attempts: 900, failures: 9, clientErrors: 0 },
    },
    baseline: healthy,
    canary: healthy,
    stepCanaryUnits: 500,
    predictions: {
      baseline: { looked: 900, unreadable: 0 },
      canary: { looked: 100, unreadable: 0 },
    },
    labels: new Map(),
    lastRequestAt: NOW,
    confirmation: 'not-asked',
    ...change,
  }
}

/** A required metric that is proved; `change` replaces parts of it. */
export function report(change: Partial<MetricReport> = {}): MetricReport {
  const proved = { log: 3.5, threshold: 3 }
  return {
    name: 'errors',
    kind: 'error-rate',
    verdict: 'successful',
    required: true,
    onFailure: 'rollback',
    better: 'lower',
    margins: { harm: 0, proof: 0.5 },
    cap: null,
    baseline: { value: 0.01, n: 9000 },
    canary: { value: 0.012, n: 500 },
    ratio: { estimate: 1.2, lower: 0.8, upper: 1.4, method: 'exact' },
    evidence: {
      harm: { log: 0.5, threshold: 3 },
      nonInferiority: proved,
      stepNonInferiority: proved,
      stepHarm: { log: 0, threshold: 3 },
    },
    limit: null,
    threshold: null,
    error: null,
    outsideAlpha: false,
    stepCanaryN: 500,
    etaSeconds: null,
    ...change,
  }
}

/** A report whose harm is shown. */
export function harmed(change: Partial<MetricReport> = {}): MetricReport {
  const base = report()
  const evidence = { ...base.evidence, harm: { log: 5, threshold: 3 } }
  return { ...base, verdict: 'failed', evidence, ...change }
}

export function command(verb: Command['verb'], change: object = {}): Command {
  return { verb, actor: 'ops', note: null, full: false, force: false, ...change } as Command
}

export function moved(result: Transition | Refusal): Transition {
  if ('refused' in result) throw new Error(`refused: ${result.detail}`)
  return result
}

export function refused(result: Transition | Refusal): string {
  if (!('refused' in result)) throw new Error('was not refused')
  return result.detail
}
