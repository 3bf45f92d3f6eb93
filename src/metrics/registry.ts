import { Counter, Gauge, Registry, type Metric } from 'prom-client'
import type { Decision } from '../domain/decision.ts'
import type { StoreState } from '../domain/store-state.ts'
import { collectCounter } from './collect.ts'
import { registerAdmin, type AdminCounters } from './register-admin.ts'
import { registerLostLines } from './lost-lines.ts'
import type { Exposition } from './merge-snapshots.ts'
import { registerGateway, type GatewayCounters } from './register-gateway.ts'
import { registerMirrors } from './register-mirrors.ts'
import { registerNotifications, type NotificationCounters } from './register-notifications.ts'
import { registerRequests } from './register-requests.ts'
import { registerRollouts } from './register-rollouts.ts'
import { registerRules } from './register-rules.ts'
import { renderByService } from './render-by-service.ts'
import { ServiceSlice } from './service-slice.ts'
import { takeInParts, type MetricsSnapshot } from './take-snapshot.ts'
import type { ReadServices } from './service-reading.ts'

/** What a scrape reads. */
export type RegistryDeps = {
  readonly version: string
  readonly services: ReadServices
  readonly leads: () => boolean
  /** Lines of the log that could not be written, since the process began. */
  readonly linesLost: () => number
  /** When the certificate of the data port expires, in epoch ms; null = it has none. */
  readonly certificateNotAfter: () => number | null
  /** Services whose weights do not come from the store, by where they come from. */
  readonly withoutStore: () => { readonly disk: number; readonly configuration: number }
  /** What is known of the others on the store; null while one of them decides. */
  readonly replicas: () => {
    readonly others: number
    /** Those with another configuration of some service. */
    readonly differing: readonly unknown[]
    readonly lostShares: number
  } | null
  readonly forgotten: () => ForgottenPredictions
}

/** Requests that feedback cannot join any more, since the process began. */
export type ForgottenPredictions = {
  /** Their time was over. */
  readonly expired: number
  /** The oldest of too many, or of too many bytes. */
  readonly evicted: number
  /** More than the store could take at the time: never stored. */
  readonly dropped: number
}

/** The Prometheus side of the gateway: everything is read when it is scraped. */
export type MetricsRegistry = AdminCounters &
  GatewayCounters &
  NotificationCounters & {
    readonly countDecision: (decision: Decision) => void
    readonly countFeedback: (service: string, result: string, count: number) => void
    /** Lines of posts that the store did not take. */
    readonly countRefused: (lines: number) => void
    /** Archived cohorts that made room for newer ones. */
    readonly countEvicted: (cohorts: number) => void
    /** A reader of events that was too slow, and was let go. */
    readonly countDroppedStream: () => void
    readonly setReloadSuccess: (success: boolean) => void
    readonly setStoreState: (state: StoreState) => void
    readonly render: () => Promise<Exposition>
    /** The same as numbers, in parts, to be merged with those of other processes. */
    readonly snapshot: () => AsyncGenerator<MetricsSnapshot>
    /** Every metric that there can be, in the order of the exposition. */
    readonly describe: () => Promise<readonly MetricDescription[]>
  }

/** What a metric is, whether it has series now or not. */
export type MetricDescription = {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly labels: readonly string[]
}

/** Builds the registry. Label values come from the configuration alone, never from requests. */
export function createMetricsRegistry(deps: RegistryDeps): MetricsRegistry {
  const registry = new Registry()
  const byService = new Registry()
  const slice = new ServiceSlice(deps.services)
  const { services } = slice
  registerRequests(byService, services)
  registerRollouts(byService, services)
  registerMirrors(byService, services)
  registerRules(byService, services)
  const decisions = new Counter({
    name: 'serin_decisions_total',
    help: 'Decisions, by what was done and why.',
    labelNames: ['service', 'action', 'reason'],
    registers: [registry],
  })
  const feedback = new Counter({
    name: 'serin_feedback_total',
    help: 'Lines of feedback, by what became of them.',
    labelNames: ['service', 'result'],
    registers: [registry],
  })
  const refused = new Counter({
    name: 'serin_feedback_refused_total',
    help: 'Lines of feedback in posts that the store did not take (503): they are to be sent again.',
    registers: [registry],
  })
  collectCounter(byService, {
    name: 'serin_labels_unscored_total',
    help: 'Labels that a metric cannot score: for a log-loss, a label other than 0 and 1, or of a prediction not from 0 to 1.',
    labelNames: ['service', 'metric'],
    read: function* () {
      for (const { book } of services()) {
        for (const [metric, { labels }] of book.labels.counts) {
          yield [{ service: book.service.name, metric }, labels]
        }
      }
    },
  })
  collectCounter(registry, {
    name: 'serin_predictions_forgotten_total',
    help: 'Requests that feedback cannot join any more, by why.',
    labelNames: ['reason'],
    read: () => Object.entries(deps.forgotten()).map(([reason, n]) => [{ reason }, n] as const),
  })
  const evicted = new Counter({
    name: 'serin_archive_evicted_cohorts_total',
    help: 'Cohorts of past evidence that made room for newer ones: no backtest sees them any more.',
    registers: [registry],
  })
  const streams = new Counter({
    name: 'serin_event_streams_dropped_total',
    help: 'Readers of GET /api/v1/events that were too slow and were let go.',
    registers: [registry],
  })
  const reload = gauge(
    registry,
    'serin_config_reload_success',
    'Whether the last reload was taken.',
  )
  const storeUp = gauge(registry, 'serin_store_up', 'Whether the store could be written last time.')
  const storeLost = new Gauge({
    name: 'serin_store_lost',
    help: 'Whether the store is there without the data that this process knew.',
    aggregator: 'max',
    registers: [registry],
  })
  new Gauge({
    name: 'serin_services_without_store',
    help: 'Services that go by what this disk remembers, or by the configuration alone, because the store has not been reached since the start.',
    labelNames: ['weights'],
    aggregator: 'max',
    registers: [registry],
    collect() {
      for (const [weights, n] of Object.entries(deps.withoutStore())) this.set({ weights }, n)
    },
  })
  new Gauge({
    name: 'serin_leader',
    help: 'Whether this process decides.',
    aggregator: 'max',
    registers: [registry],
    collect() {
      this.set(deps.leads() ? 1 : 0)
    },
  })
  new Gauge({
    name: 'serin_replicas',
    aggregator: 'max',
    help: 'Processes on the store whose requests are evidence or could be, where this one decides; else 0.',
    registers: [registry],
    collect() {
      const seen = deps.replicas()
      this.set(seen === null ? 0 : seen.others + 1)
    },
  })
  new Gauge({
    name: 'serin_replicas_differing',
    aggregator: 'max',
    help: 'Those of them that run with another configuration of some service: their requests of it are no evidence.',
    registers: [registry],
    collect() {
      this.set(deps.replicas()?.differing.length ?? 0)
    },
  })
  // Known only while this process decides: a counter that went back to 0 meanwhile would be counted again.
  let lostShares = 0
  collectCounter(registry, {
    name: 'serin_lost_shares_total',
    help: 'Cohorts that were folded without the share of a process that may have had one.',
    labelNames: [],
    read: () => [[{}, (lostShares = deps.replicas()?.lostShares ?? lostShares)]],
  })
  registerLostLines(registry, deps.linesLost)
  new Gauge({
    name: 'serin_build_info',
    help: 'The version that runs; always 1.',
    aggregator: 'first',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version: deps.version }, 1)
  reload.set(1)
  storeUp.set(1)
  return {
    ...registerAdmin(registry),
    ...registerGateway(registry, deps.certificateNotAfter),
    ...registerNotifications(registry),
    countDecision: ({ service, action, reason }) => decisions.inc({ service, action, reason }),
    countFeedback: (service, result, count) => feedback.inc({ service, result }, count),
    countRefused: (lines) => refused.inc(lines),
    countEvicted: (cohorts) => evicted.inc(cohorts),
    countDroppedStream: () => streams.inc(),
    setReloadSuccess: (success) => reload.set(success ? 1 : 0),
    setStoreState: (state) => {
      storeUp.set(state === 'up' ? 1 : 0)
      storeLost.set(state === 'lost' ? 1 : 0)
    },
    render: () => renderByService(byService, slice, registry),
    snapshot: () => takeInParts(byService, slice, registry),
    describe: () =>
      Promise.all(
        [byService, registry]
          .flatMap((each) => each.getMetricsAsArray())
          .map(async (metric) => {
            const { name, type, help } = await (metric as unknown as Metric<string>).get()
            return { name, type: String(type), help, labels: labelsOf(metric) }
          }),
      ),
  }
}

/** The library keeps them, and does not tell of them in its types. */
function labelsOf(metric: object): readonly string[] {
  return 'labelNames' in metric ? [...(metric.labelNames as readonly string[])] : []
}

function gauge(registry: Registry, name: string, help: string): Gauge {
  return new Gauge({ name, help, aggregator: 'min', registers: [registry] })
}
