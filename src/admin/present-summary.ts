import { isDecided, type Comparison, type ComparisonVerdict } from '../domain/comparison.ts'
import type { Decision } from '../domain/decision.ts'
import { meaningOf, type VerdictMeaning } from '../domain/metric-facts.ts'
import { lastDecisionOf, presentStanding, type StandingJson } from './present.ts'
import type { ServiceStatus } from './service-status.ts'

/** A service at a glance: what the stream of events tells of every service. */
export type ServiceSummaryJson = StandingJson & {
  /** What is said of each metric that decides or says something, or of each challenger of an experiment, by its name; `undecided`: no metric decides. */
  readonly verdicts: Readonly<Record<string, VerdictMeaning | ComparisonVerdict | 'undecided'>>
  /** By variant. */
  readonly figures: Readonly<Record<string, FiguresJson>>
  readonly lastDecision: DecisionGlanceJson | null
}

/** What a variant did since the gateway's process started. */
export type FiguresJson = {
  readonly version: string
  readonly requests: number
  readonly errors: number
  readonly upstreams: number
  readonly healthy: number
}

/** The last decision in short. */
export type DecisionGlanceJson = {
  readonly id: number
  readonly at: string
  readonly action: Decision['action']
  readonly actor: string
  readonly summary: string
}

/** Builds a service at a glance. */
export function presentSummary(status: ServiceStatus): ServiceSummaryJson {
  const { service, rollout, experiment } = status
  return {
    ...presentStanding(status),
    verdicts: Object.fromEntries([
      ...(rollout?.metrics ?? [])
        .filter(({ required, verdict }) => required || verdict !== 'inconclusive')
        .map((metric) => [metric.name, meaningOf(metric)] as const),
      ...(experiment?.comparisons.map((each) => [each.variant, inAll(each)] as const) ?? []),
    ]),
    figures: Object.fromEntries(
      service.variants.map(({ name, version, upstreams: { length } }) => {
        const { requests, errors, upstreams, healthy } = status.variants[name] ?? {
          ...{ requests: 0, errors: 0, upstreams: length, healthy: 0 },
        }
        return [name, { version, requests, errors, upstreams, healthy }]
      }),
    ),
    lastDecision: glanceAt(lastDecisionOf(status)),
  }
}

/**
 * What a glance without its figures is made of: while each of these is the same as before, so is the glance. States
 * and weights are never changed in place.
 */
export function sourcesOfSummary({
  service,
  weightsBp,
  rollout,
  experiment,
  deciding,
}: ServiceStatus): readonly unknown[] {
  return [
    service,
    weightsBp,
    (rollout ?? experiment)?.state,
    deciding?.differs,
    (rollout ?? experiment)?.lastDecision,
    rollout?.metrics.map(meaningOf).join(),
    experiment?.comparisons.map(inAll).join(),
  ]
}

function inAll({ verdict, metrics }: Comparison): ComparisonVerdict | 'undecided' {
  return isDecided(metrics.map(({ report }) => report)) ? verdict : 'undecided'
}

function glanceAt(decision: Decision | null): DecisionGlanceJson | null {
  if (decision === null) return null
  const { id, at, action, actor, summary } = decision
  return { id, at: new Date(at).toISOString(), action, actor, summary }
}
