import type { Decision } from '../domain/decision.ts'
import type { RolloutPhase } from '../domain/rollout-state.ts'
import { rolloutId } from '../domain/rollout-state.ts'
import { isHarmShown } from '../domain/metric-facts.ts'
import { bpToPercent } from '../domain/units.ts'
import type { MetricReport } from '../domain/verdict.ts'
import { writeReport } from '../rollout/write-report.ts'
import { presentComparison } from './present-comparison.ts'
import { presentMetric } from './present-metric.ts'
import { presentMirror } from './present-mirror.ts'
import { deciderOf, isDecidedOtherwise, noticeOf } from './present-notice.ts'
import { presentRules } from './present-rules.ts'
import type { DecisionSchema } from './schema-decision.ts'
import type { PauseSchema, RuleSchema, ServiceSchema, VariantSchema } from './schema-service.ts'
import type { Json } from './schema-value.ts'
import type { FailingName, ServiceStatus, VariantFigures } from './service-status.ts'

/** A service as the API shows it: weights in percent, times ISO 8601, null for what is not known. */
export type ServiceJson = Json<typeof ServiceSchema>

/** Where a service stands. */
export type StandingJson = Pick<
  ServiceJson,
  | 'name'
  | 'strategy'
  | 'rollout'
  | 'revision'
  | 'phase'
  | 'step'
  | 'pause'
  | 'idleReason'
  | 'watchUntil'
  | 'rolledBackReason'
  | 'retryFrom'
  | 'weights'
  | 'winner'
>

/** `until: null` waits for somebody; `metric` is the one that paused it, where one did. */
export type PauseJson = Json<typeof PauseSchema>

/** What the requests of one rule came to, by the variant that answered. */
export type RuleJson = Json<typeof RuleSchema>

/** One variant as the API shows it: its version, and what it did. */
export type VariantJson = Json<typeof VariantSchema>

type FailingNameJson = VariantJson['failingNames'][number]

/** One entry of the decision log as the API shows it. */
export type DecisionJson = Json<typeof DecisionSchema>

/** A decision without its evidence, which can be asked for by its id. */
export type DecisionLineJson = Omit<DecisionJson, 'metrics'>

/** Builds the JSON of `GET /api/v1/services/{s}`. */
export function presentService(status: ServiceStatus): ServiceJson {
  const { service, rollout, experiment, deciding } = status
  const isElsewhere = isDecidedOtherwise(status)
  const lastDecision = isElsewhere ? null : lastDecisionOf(status)
  return {
    ...presentStanding(status),
    variants: Object.fromEntries(
      service.variants.map(({ name, version, upstreams }) => [
        name,
        {
          version,
          ...(status.variants[name] ?? noFigures(upstreams.length)),
          failingNames: (status.failingNames[name] ?? []).map(presentFailingName),
        },
      ]),
    ),
    mirrors: Object.fromEntries(
      Object.entries(status.mirrors).map(([name, mirror]) => [name, presentMirror(mirror)]),
    ),
    rules: presentRules(service, status.rules),
    metrics: rollout?.metrics.map((report) => presentMetric(asEnded(report, status))) ?? [],
    missing: isElsewhere ? [] : (rollout?.missing ?? []),
    // Nothing moves while nobody decides.
    etaSeconds: deciding?.lead === 'unknown' ? null : (rollout?.etaSeconds ?? null),
    comparisons: experiment?.comparisons.map(presentComparison) ?? [],
    notice: noticeOf(status),
    decider: deciderOf(status),
    replicas: status.replicas,
    lastDecision: lastDecision === null ? null : presentDecision(lastDecision),
  }
}

/** Builds what is said of where a service stands. */
export function presentStanding(status: ServiceStatus): StandingJson {
  const { service, weightsBp, rollout, experiment } = status
  const state = rollout?.state ?? null
  return {
    name: service.name,
    strategy: service.rollout?.strategy ?? 'fixed',
    rollout: state === null ? (experiment?.id ?? null) : rolloutId(state),
    revision: (rollout ?? experiment)?.state.revision ?? null,
    phase: state?.phase ?? null,
    step:
      rollout === null
        ? null
        : {
            index: rollout.state.step,
            of: rollout.steps,
            kind: rollout.stepKind,
            enteredAt: toIso(rollout.state.stepEnteredAt),
          },
    pause: state?.phase === 'paused' ? presentPause(state) : null,
    idleReason: state?.phase === 'idle' && !isDecidedOtherwise(status) ? state.idleReason : null,
    watchUntil: state?.phase === 'watching' ? toIso(state.watchUntil) : null,
    rolledBackReason: state?.phase === 'rolled-back' ? state.rolledBackReason : null,
    retryFrom:
      state?.phase === 'rolled-back'
        ? toIso(state.rolledBackAt + (service.rollout?.cooldownMs ?? 0))
        : null,
    weights: Object.fromEntries(
      service.variants.map(({ name }) => [name, bpToPercent(weightsBp[name] ?? 0)]),
    ),
    winner: experiment?.winner ?? null,
  }
}

/** The last entry of a service's decision log; null = it has none. */
export function lastDecisionOf({ rollout, experiment }: ServiceStatus): Decision | null {
  return (rollout ?? experiment)?.lastDecision ?? null
}

/** A limit that has ended the attempt shows what broke it: nothing of its step is measured any more. */
function asEnded(report: MetricReport, { rollout }: ServiceStatus): MetricReport {
  const { state, lastDecision } = rollout!
  if (state.phase !== 'rolled-back' || state.rolledBackReason !== report.name) return report
  if (lastDecision?.action !== 'rollback' || isHarmShown(report)) return report
  const limit = lastDecision.metrics.find(({ name }) => name === report.name)?.limit ?? null
  return limit === null ? report : { ...writeReport(report), limit }
}

/** Builds the JSON of one decision. */
export function presentDecision(decision: Decision): DecisionJson {
  return { ...presentDecisionLine(decision), metrics: decision.metrics.map(presentMetric) }
}

/** Builds the JSON of one decision, without its evidence. */
export function presentDecisionLine(decision: Decision): DecisionLineJson {
  return {
    id: decision.id,
    at: toIso(decision.at),
    service: decision.service,
    rollout: decision.rollout,
    action: decision.action,
    reason: decision.reason,
    actor: decision.actor,
    summary: decision.summary,
    note: decision.note,
    from: decision.from,
    to: decision.to,
    configHash: decision.configHash,
  }
}

function presentPause(state: Extract<RolloutPhase, { phase: 'paused' }>): PauseJson {
  return {
    by: state.pausedBy,
    at: toIso(state.pausedAt),
    until: state.resumeAt === null ? null : toIso(state.resumeAt),
    metric: state.pausedMetric,
  }
}

function presentFailingName({ name, since, why, addresses }: FailingName): FailingNameJson {
  return { name, since: toIso(since), why, addresses }
}

function noFigures(upstreams: number): VariantFigures {
  return {
    requests: 0,
    errors: 0,
    rejected: 0,
    left: 0,
    inFlight: 0,
    p50Ms: null,
    p95Ms: null,
    p99Ms: null,
    upstreams,
    healthy: 0,
  }
}

function toIso(ms: number): string {
  return new Date(ms).toISOString()
}
