import type { ReloadResult } from '../admin/admin-deps.ts'
import type { Config } from '../config/config.ts'
import type { ConfigResult } from '../config/load.ts'
import type { Command } from '../domain/decision.ts'
import type { Exposition } from '../metrics/merge-snapshots.ts'
import type { MetricsSnapshot } from '../metrics/take-snapshot.ts'
import type { TakenConfig } from '../reload.ts'
import type { FiguresByService } from '../service-figures.ts'

/** What the supervisor asks of a worker. */
export type WorkerApi = {
  /** Opens the store; it serves connections then. The first question, once. */
  readonly start: (given: WorkerStart) => Promise<WorkerStarted>
  /** Checks a configuration; `take` or `discard` follows where it is good. */
  readonly prepare: (loaded: ConfigResult) => Promise<PreparedAnswer>
  readonly take: () => Promise<TakenConfig>
  readonly discard: () => Promise<void>
  /** The next part of what it counts for this scrape; null = that was all. */
  readonly snapshot: (scrape: number) => Promise<MetricsSnapshot | null>
  readonly figures: (service: string | null) => Promise<FiguresByService>
  /** Aborts a service by itself. */
  readonly abort: (service: string, order: Command) => Promise<void>
  /** The process of that name in the lease has ended. */
  readonly succeed: (holder: string) => Promise<void>
  /** Says that it is there. */
  readonly beat: () => Promise<void>
  /** Drains the data port. */
  readonly drain: () => Promise<void>
  /** Closes everything; after its answer the process may end. */
  readonly close: () => Promise<void>
}

/** What a worker asks of its supervisor. */
export type SupervisorApi = {
  readonly reload: () => Promise<ReloadResult>
  readonly metrics: () => Promise<Exposition>
  readonly figures: (service: string | null) => Promise<readonly FiguresByService[]>
  /** Has the others abort a service, each by itself. */
  readonly abort: (service: string, order: Command) => Promise<void>
  readonly workers: () => Promise<Readonly<Record<string, string>>>
  readonly leads: (leads: boolean) => Promise<void>
}

/** What a worker is started with. `number` counts from 1 and stands in its log lines. */
export type WorkerStart = {
  readonly number: number
  readonly config: Config
  readonly version: string
}

/** A worker that serves: its name in the lease to decide. */
export type WorkerStarted = { readonly holder: string }

/** Whether a worker can take a configuration. */
export type PreparedAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly problems: readonly string[] }
