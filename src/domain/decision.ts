import type { Comparison } from './comparison.ts'
import type { MetricReport } from './verdict.ts'

/** Where a rollout stands. */
export type Phase = 'idle' | 'progressing' | 'paused' | 'watching' | 'promoted' | 'rolled-back'

/** Every phase, in the order of a rollout's life. */
export const PHASES: readonly Phase[] = [
  'idle',
  'progressing',
  'paused',
  'watching',
  'promoted',
  'rolled-back',
]

/** Why a rollout is paused. */
export type PausedBy =
  | 'approval'
  | 'timer'
  | 'operator'
  | 'metric'
  | 'ratio-mismatch'
  | 'baseline'
  | 'override'

/** What was done; `hold` is logged only when its reason changes, `verdict` once for each of a challenger of a fixed split. */
export type DecisionAction =
  | 'start'
  | 'advance'
  | 'promote'
  | 'rollback'
  | 'pause'
  | 'resume'
  | 'override'
  | 'retry'
  | 'undo'
  | 'hold'
  | 'verdict'

/** Where a rollout stood before or after a decision; weights in percent. */
export type Standing = {
  readonly phase: Phase
  readonly step: number
  readonly weights: Readonly<Record<string, number>>
}

/** What was done, why, and on which evidence: one entry of the append-only log. */
export type Decision = {
  /** Counts up by one per service, from 1. */
  readonly id: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly service: string
  readonly rollout: string
  readonly action: DecisionAction
  /** A metric's name or a word of the gate that spoke (`breaker`, `ratio-mismatch`, `max-duration`, `operator` …). */
  readonly reason: string
  /** `evaluator`, or the name of the token or user. */
  readonly actor: string
  /** One sentence with the numbers. */
  readonly summary: string
  /** What the operator gave as reason, if any. */
  readonly note: string | null
  readonly from: Standing
  readonly to: Standing
  readonly metrics: readonly MetricReport[]
  readonly configHash: string
  /** Of an experiment: what it had come to, the one that ended where another begins. */
  readonly experiment?: ExperimentRecord
}

/** What an experiment had come to. */
export type ExperimentRecord = {
  /** `3.1 vs 3.2-small#1` */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** One for each challenger. */
  readonly comparisons: readonly Comparison[]
}

/** A decision before the log has numbered it. */
export type DecisionDraft = Omit<Decision, 'id'>

/** What an operator asks for. Weights in basis points. */
export type Command = CommandVerb & { readonly actor: string; readonly note: string | null }

type CommandVerb =
  /** `variant`: the winner of a fixed split; a rollout has none to name. */
  | { readonly verb: 'promote'; readonly full: boolean; readonly variant?: string }
  | { readonly verb: 'abort' }
  | { readonly verb: 'pause' }
  | { readonly verb: 'resume' }
  | { readonly verb: 'retry'; readonly force: boolean }
  | { readonly verb: 'undo' }
  | { readonly verb: 'weights'; readonly canaryBp: number }
