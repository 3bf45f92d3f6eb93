import type { Command } from './domain/decision.ts'
import type { Exposition } from './metrics/merge-snapshots.ts'
import type { FiguresByService } from './service-figures.ts'

/** The other processes of a gateway that has several: workers under one supervisor. */
export type Siblings = {
  /** The Prometheus exposition of all of them, this one included. */
  readonly metrics: () => Promise<Exposition>
  /** What each of the others counts, of one service or (null) of all; those that do not answer are left out. */
  readonly figures: (service: string | null) => Promise<readonly FiguresByService[]>
  /** Has each of the others abort a service by itself, see `Evaluator.abortHere`. Does not wait for long. */
  readonly abort: (service: string, order: Command) => Promise<void>
  /** By name of the worker, this one included: a short sentence on what it does. */
  readonly workers: () => Promise<Readonly<Record<string, string>>>
  /** Told whenever this process begins or ceases to decide. */
  readonly onLead: (leads: boolean) => void
}
