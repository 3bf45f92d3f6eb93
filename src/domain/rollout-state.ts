import type { PausedBy } from './decision.ts'

/**
 * Where a rollout stands: what is stored, compared-and-swapped, and survives a restart. Each phase
 * carries only its own data.
 */
export type RolloutState = RolloutCommon & RolloutPhase

/** What every phase has. */
export type RolloutCommon = {
  readonly service: string
  readonly baselineVersion: string
  readonly canaryVersion: string
  /** From 1; every attempt has its own salt and its own α. */
  readonly attempt: number
  /** Counts up with every stored change; the ETag of the admin API. */
  readonly revision: number
  /** Index into the steps. */
  readonly step: number
  /** The canary's weight in basis points: always what the last decision made it. */
  readonly weightBp: number
  readonly startedAt: number
  /** When the current step was entered (or entered again after a pause that was not part of the steps). */
  readonly stepEnteredAt: number
  /** Time spent in pauses so far, in ms: `maxDuration` does not run there. */
  readonly pausedMs: number
  /** Metrics that an operator acknowledged by resuming: report-only for the rest of the attempt. */
  readonly acknowledged: readonly string[]
  /**
   * What the last `hold` decision said, so that it is logged only when it changes; null = none since the last other decision.
   * Of a fixed split: the verdicts that were told of.
   */
  readonly holdReason: string | null
  readonly configHash: string
  /** Of what concerns the rollout in that configuration (`concernKeyOf`); absent where an earlier version stored it. */
  readonly concernKey?: string | undefined
  /** What the steps and the evidence were planned with: a reload compares them. */
  readonly fingerprint: {
    readonly steps: string
    readonly analysis: string
    /** Of what may change within an attempt; absent where an earlier version stored it. */
    readonly margins?: string
  }
}

/** What one phase alone has. */
export type RolloutPhase =
  /** Not started: `start: manual`, or the canary was not healthy yet. */
  | { readonly phase: 'idle'; readonly idleReason: 'canary-not-ready' | 'manual-start' }
  | { readonly phase: 'progressing' }
  | {
      readonly phase: 'paused'
      readonly pausedBy: PausedBy
      readonly pausedAt: number
      /** When a timed pause ends; null = waits for somebody. */
      readonly resumeAt: number | null
      /** The hypothesis that paused it, where a metric did. */
      readonly pausedMetric: string | null
    }
  | { readonly phase: 'watching'; readonly watchUntil: number }
  | { readonly phase: 'promoted'; readonly promotedAt: number }
  | {
      readonly phase: 'rolled-back'
      readonly rolledBackAt: number
      readonly rolledBackReason: string
    }

/** `1.4->2.0#1`: names an attempt everywhere, and salts its assignment. */
export function rolloutId(state: {
  readonly baselineVersion: string
  readonly canaryVersion: string
  readonly attempt: number
}): string {
  return `${state.baselineVersion}->${state.canaryVersion}#${state.attempt}`
}
