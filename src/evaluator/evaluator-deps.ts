import type { Clock } from '../domain/clock.ts'
import type { Command, Decision } from '../domain/decision.ts'
import type { Lead } from '../domain/replica.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { MetricReport } from '../domain/verdict.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { ExperimentPlan } from '../rollout/experiment-plan.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { DecisionSeed } from '../rollout/transition.ts'
import type { Store } from '../store/store.ts'
import type { Every } from './every.ts'
import type { Confirm, Reachability } from './observe.ts'
import type { FetchProvider } from './provider-fetcher.ts'
import type { SeenReplicas } from './replicas.ts'

/** What the control loop needs of the world. */
export type EvaluatorDeps = {
  readonly store: Store
  /** What is judged goes by it: its time of day never goes back. */
  readonly clock: Clock
  /** The one that all processes of this machine have: leases and commands in their store end by it. Absent = `clock`. */
  readonly machineClock?: Clock
  /** Names this process in the lease. */
  readonly holder: string
  readonly reachability: (service: string, variant: string) => ReturnType<Reachability>
  /** Asks another system for a metric. */
  readonly fetchProvider: FetchProvider
  /** Asked only where the configuration wants a promotion confirmed. */
  readonly confirm: Confirm
  /** See `RunnerDeps`. */
  readonly apply: (state: RolloutState, unstored: DecisionSeed | null) => void
  /** Gives all of a fixed split's traffic to one variant; null = the weights of the configuration. */
  readonly applyWinner: (service: string, winner: string | null) => void
  readonly onDecision: (decision: Decision) => void
  /** Told what the evidence says at every turn of a rollout, and at every decision. */
  readonly onTurn?: (state: RolloutState, reports: readonly MetricReport[]) => void
  /** Told at the first look, and whenever another process decides, or another is known to. */
  readonly onLead?: (lead: Lead) => void
  /** Told when a process that decides sees others come, go, or run with another configuration. */
  readonly onReplicas?: (seen: SeenReplicas) => void
  /** Told whenever another part of the configuration in force is not taken up by the store; empty = all of it is. */
  readonly onUntaken?: (untaken: readonly Untaken[]) => void
  /** Told of an abort that another process gave, and that is in force here and not stored yet. */
  readonly onUnstored?: (service: string, order: Command) => Promise<void>
  readonly onError: (what: string, error: unknown) => void
  /** Times its looks; absent = by timers of Node.js. */
  readonly every?: Every
}

/** A service that has a rollout. */
export type Rollout = { readonly plan: RolloutPlan; readonly book: ServiceBook }

/** A service whose split is fixed. */
export type Experiment = { readonly plan: ExperimentPlan; readonly book: ServiceBook }

/** A part of the configuration in force that the store has not taken up; the sentence begins with its place. */
export type Untaken = { readonly service: string; readonly sentence: string }
