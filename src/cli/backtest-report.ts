import type { AttemptJson } from '../admin/present-cohort.ts'
import { presentMetric, type MetricJson } from '../admin/present-metric.ts'
import type { Decision, Standing } from '../domain/decision.ts'
import {
  decisionsToReplay,
  type AttemptRecord,
  type Replay,
  type ReplayedDecision,
} from '../rollout/replay.ts'
import { percentsOf } from '../rollout/weights.ts'
import { pairDecisions, type DecisionPair } from './compare-decisions.ts'

/** What a backtest found, as `-o json` prints it. Times are ISO 8601, weights percent. */
export type BacktestReport = {
  readonly service: string
  readonly rollout: string
  /** The file of the rules; null = those that the attempt was judged by. */
  readonly rules: string | null
  readonly cohorts: number
  /** Cohorts that are not kept any more: their evidence is missing. */
  readonly evicted: number
  readonly from: string
  readonly to: string
  readonly metrics: readonly JudgedMetric[]
  /** What a promotion needs and the record cannot answer: advances and promotions of the evidence are the earliest ones. */
  readonly unanswered: readonly string[]
  readonly decisions: readonly {
    readonly at: string
    readonly recorded: DecisionLine | null
    readonly replayed: (DecisionLine & { readonly byEvidence: boolean }) | null
  }[]
  /** When the two part; null = they never do. */
  readonly differsFrom: string | null
  /** From when on the recorded traffic was split by other weights than the rules would have. */
  readonly otherWeightsFrom: string | null
  readonly refused: readonly string[]
  readonly end: { readonly at: string } & Standing
}

/** How well a record answers a metric, and why not better. */
export type JudgedMetric = {
  readonly name: string
  readonly fidelity: 'exact' | 'approximate' | 'not-recorded'
  readonly note: string | null
  /** How much less the log-evidence can be than it is said to be. */
  readonly gap: number
}

/** A decision as a report shows it. */
export type DecisionLine = {
  readonly action: string
  readonly reason: string
  readonly summary: string
  readonly to: Standing
  readonly metrics: readonly MetricJson[]
}

/** Builds the report of one replay. */
export function buildBacktestReport(
  attempt: AttemptJson,
  record: AttemptRecord,
  replayed: Replay,
  rules: string | null,
): BacktestReport {
  // What was decided before the first weight (a new version, a mirror) is no part of what is judged.
  const recorded = decisionsToReplay(record).filter((d) => d.to.phase !== 'idle')
  const pairs = pairDecisions(recorded, replayed.decisions)
  const parting = pairs.find((p) => p.recorded === null || p.replayed === null)
  const { state } = replayed
  const runs = state.phase === 'progressing' || state.phase === 'paused'
  return {
    service: record.plan.service,
    rollout: attempt.rollout,
    rules,
    cohorts: record.cohorts.length,
    evicted: attempt.evicted,
    from: attempt.from,
    to: attempt.to,
    metrics: replayed.fidelities.map(({ id, kind, note, gap }) => ({
      name: id,
      fidelity: kind,
      note,
      gap,
    })),
    unanswered: replayed.unanswered,
    decisions: pairs.map(presentPair),
    differsFrom: parting === undefined ? null : toIso(parting.at),
    otherWeightsFrom: replayed.otherWeightsFrom === null ? null : toIso(replayed.otherWeightsFrom),
    refused: replayed.refused,
    end: {
      // An attempt that has ended did so with its last decision.
      at: toIso(runs ? replayed.endedAt : replayed.decisions.at(-1)!.at),
      phase: state.phase,
      step: state.step,
      weights: percentsOf(state),
    },
  }
}

function presentPair({
  at,
  recorded,
  replayed,
}: DecisionPair): BacktestReport['decisions'][number] {
  return {
    at: toIso(at),
    recorded: recorded === null ? null : lineOf(recorded),
    replayed: replayed === null ? null : { ...lineOf(replayed), byEvidence: replayed.byEvidence },
  }
}

function lineOf({
  action,
  reason,
  summary,
  to,
  metrics,
}: Decision | ReplayedDecision): DecisionLine {
  return { action, reason, summary, to, metrics: metrics.map(presentMetric) }
}

function toIso(ms: number): string {
  return new Date(ms).toISOString()
}
