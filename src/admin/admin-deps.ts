import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from '../domain/clock.ts'
import type { Command, Decision } from '../domain/decision.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { ExperimentForecastWithAdvice } from '../rollout/experiment-advice.ts'
import type { GivenRates } from '../rollout/given-rates.ts'
import type { GivenShares } from '../rollout/segment-share.ts'
import type { ForecastWithAdvice } from '../rollout/suggestions.ts'
import type { AttemptHistory } from '../metrics/rollout-history.ts'
import type { Store } from '../store/store.ts'
import type { FeedbackReportSchema } from './schema-feedback.ts'
import type { Json } from './schema-value.ts'
import type { ServiceStatus } from './service-status.ts'

/** What somebody who asks for a forecast knows better than what was observed; null, and shares that are absent = as observed. */
type GivenTraffic = {
  readonly rps: number | null
  readonly errorRate: number | null
  readonly rates?: GivenRates | undefined
  /** Of segments. */
  readonly shares?: GivenShares | undefined
}

/** Everything that the admin API needs of the gateway; handed in by the composition root. */
export type AdminDeps = {
  /** serin's own. */
  readonly version: string
  readonly clock: Clock
  readonly log: FastifyBaseLogger
  /** The log says already that the store is away: what fails for that reason is no news. */
  readonly isStoreTold: () => boolean
  /** In the order of the configuration; each as it is when it is come to. */
  readonly services: () => Iterable<ServiceStatus>
  readonly service: (name: string) => ServiceStatus | null
  /**
   * Asks the other processes of this gateway what they count, of one service or (null) of all: the figures of
   * `services` and `service` hold it from then on. Never rejects.
   */
  readonly gather: (service: string | null) => Promise<void>
  /** In the order of the configuration. */
  readonly serviceNames: () => readonly string[]
  /** Carries out a command; `ifMatch` is the revision that must be stored now, null = any. */
  readonly command: (
    service: string,
    command: Command,
    ifMatch: number | null,
  ) => Promise<CommandResult>
  /** Newest first, without ids ≤ `after`. */
  readonly decisions: (
    service: string,
    page: { readonly after: number; readonly limit: number },
  ) => Promise<readonly Decision[]>
  readonly decision: (service: string, id: number) => Promise<Decision | null>
  /** Calls back with the service of each decision that this process makes, until what it returns is called. */
  readonly followDecisions: (listener: (service: string) => void) => () => void
  /** What the evidence was, turn by turn; null = nothing was noted since the process began. */
  readonly history: (service: string) => AttemptHistory | null
  /** What is kept of folded cohorts; see the store's port. */
  readonly attempts: Store['attempts']
  readonly archivedPlan: Store['archivedPlan']
  readonly archivedCohorts: Store['archivedCohorts']
  /**
   * How long the rollout of a service takes, which must have one; null where there is no traffic, given or observed.
   */
  readonly forecast: (
    service: string,
    given: GivenTraffic,
    regression: number | null,
  ) => ForecastWithAdvice | null
  /** The same of a service whose variants are compared at fixed weights. */
  readonly forecastExperiment: (
    service: string,
    given: GivenTraffic,
    regression: number | null,
  ) => ExperimentForecastWithAdvice | null
  /** Joins one JSON object or lines of them, of these services alone (null = all); may reject with SERIN_STORE_FAILED. */
  readonly feedback: (
    body: string,
    contentType: FeedbackContentType,
    services: readonly string[] | null,
  ) => Promise<FeedbackReport>
  readonly reload: () => Promise<ReloadResult>
  readonly lastReload: () => ReloadStanding
  /** The configuration that runs, secrets already removed. */
  readonly runningConfig: () => unknown
  /** The Prometheus exposition. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>
  /** What the processes of this gateway do, by name; empty where it is one. */
  readonly workers: () => Promise<Readonly<Record<string, string>>>
  /** The gateway takes no more work: streams of events end. */
  readonly isDraining: () => boolean
  /** A reader of events was too slow and was let go. */
  readonly countDroppedStream: () => void
  /** A request was turned away that has shown no token that may. */
  readonly countRefusedAccess: (code: ErrorCode) => void
  /** `checks` by name, each a short sentence: shown only to those who may read. */
  readonly ready: () => {
    readonly ready: boolean
    readonly checks: Readonly<Record<string, string>>
  }
}

/**
 * What became of a command. `decision: null` = it was true already, so nothing was decided, or (`pending`, a sentence) it
 * is in force here and the store does not have it yet.
 */
export type CommandResult =
  | {
      readonly ok: true
      readonly decision: Decision | null
      readonly pending: string | null
      readonly status: ServiceStatus
    }
  | {
      readonly ok: false
      readonly code:
        | 'SERIN_UNKNOWN_SERVICE'
        | 'SERIN_STALE_REVISION'
        | 'SERIN_REFUSED'
        | 'SERIN_STORE_FAILED'
      readonly detail: string
    }

/** What feedback may be sent as: one object, or one a line. */
export type FeedbackContentType = 'application/json' | 'application/x-ndjson'

/** How many lines of feedback became what; `line` counts from 1. */
export type FeedbackReport = Json<typeof FeedbackReportSchema>

/**
 * Sentences. A configuration with problems changed nothing; else it is in force, and `waiting` is what the store has
 * not taken up of it.
 */
export type ReloadResult =
  | { readonly ok: true; readonly changes: readonly string[]; readonly waiting: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] }

/** What became of the last reload; times in milliseconds since the epoch. */
export type ReloadStanding = {
  /** When the configuration in force was taken. */
  readonly inForceSince: number
  /** What the store has not taken up of it by now, in sentences. */
  readonly waiting: readonly string[]
  /** What was read since and not taken, with sentences that say why; null = nothing, or it has been mended. */
  readonly refused: { readonly at: number; readonly problems: readonly string[] } | null
}
