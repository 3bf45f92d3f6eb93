import { Counter, Gauge, Registry } from 'prom-client'
import { PHASES, type Decision } from '../domain/decision.ts'
import { WHOLE_BP } from '../domain/units.ts'
import type { Verdict } from '../domain/verdict.ts'
import type { RolloutView } from '../rollout/view.ts'
import { registerHistogram } from './histogram-collector.ts'
import type { ServiceBook } from './service-recorder.ts'
import type { VariantBook } from './variant-book.ts'

/** One service as a scrape reads it. */
export type ServiceReading = {
  readonly book: ServiceBook
  readonly weightsBp: Readonly<Record<string, number>>
  readonly view: RolloutView | null
  /** By variant, then by upstream. */
  readonly upstreams: readonly {
    readonly variant: string
    readonly upstream: string
    readonly healthy: boolean
  }[]
}

/** What a scrape reads. */
export type RegistryDeps = {
  readonly version: string
  readonly services: () => Iterable<ServiceReading>
  readonly leads: () => boolean
}

/** The Prometheus side of the gateway: everything is read when it is scraped. */
export type MetricsRegistry = {
  readonly countDecision: (decision: Decision) => void
  readonly countFeedback: (service: string, result: string, count: number) => void
  readonly setReloadSuccess: (success: boolean) => void
  readonly setStoreUp: (up: boolean) => void
  readonly render: () => Promise<{ readonly contentType: string; readonly body: string }>
}

const VERDICTS: readonly Verdict[] = ['successful', 'failed', 'inconclusive', 'error']

/** Builds the registry. Label values come from the configuration alone, never from requests. */
export function createMetricsRegistry(deps: RegistryDeps): MetricsRegistry {
  const registry = new Registry()
  const { services } = deps
  registerRequests(registry, services)
  registerRollouts(registry, services)
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
  const reload = gauge(
    registry,
    'serin_config_reload_success',
    'Whether the last reload was taken.',
  )
  const storeUp = gauge(registry, 'serin_store_up', 'Whether the store could be written last time.')
  new Gauge({
    name: 'serin_leader',
    help: 'Whether this process decides.',
    registers: [registry],
    collect() {
      this.set(deps.leads() ? 1 : 0)
    },
  })
  new Gauge({
    name: 'serin_build_info',
    help: 'The version that runs; always 1.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version: deps.version }, 1)
  reload.set(1)
  storeUp.set(1)
  return {
    countDecision: ({ service, action, reason }) => decisions.inc({ service, action, reason }),
    countFeedback: (service, result, count) => feedback.inc({ service, result }, count),
    setReloadSuccess: (success) => reload.set(success ? 1 : 0),
    setStoreUp: (up) => storeUp.set(up ? 1 : 0),
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  }
}

function registerRequests(registry: Registry, services: RegistryDeps['services']): void {
  collectCounter(registry, {
    name: 'serin_requests_total',
    help: 'Requests by their one outcome, booked to the variant that was assigned.',
    labelNames: ['service', 'variant', 'outcome', 'code', 'assignment'],
    read: function* () {
      for (const [service, book] of variantsOf(services)) {
        for (const { outcome, code, reason, count } of book.requestSeries()) {
          yield [{ service, variant: book.variant, outcome, code, assignment: reason }, count]
        }
      }
    },
  })
  collectCounter(registry, {
    name: 'serin_attempts_total',
    help: 'Attempts at upstreams; a request has at least one.',
    labelNames: ['service', 'variant', 'upstream', 'result'],
    read: function* () {
      for (const [service, book] of variantsOf(services)) {
        for (const { upstream, result, count } of book.attemptSeries()) {
          yield [{ service, variant: book.variant, upstream, result }, count]
        }
      }
    },
  })
  collectCounter(registry, {
    name: 'serin_request_notes_total',
    help: 'What was noticed about requests: keys that could not be read, suppressed rules, refused overrides.',
    labelNames: ['service', 'note'],
    read: function* () {
      for (const { book } of services()) {
        for (const [note, count] of book.notes) yield [{ service: book.service.name, note }, count]
      }
    },
  })
  const histogram = (
    name: string,
    help: string,
    of: (book: VariantBook) => VariantBook['durations'],
  ) =>
    registerHistogram(registry, name, help, function* () {
      for (const [service, book] of variantsOf(services)) {
        yield { labels: { service, variant: book.variant }, buckets: of(book) }
      }
    })
  histogram(
    'serin_request_duration_seconds',
    'From the request to the end of its answer.',
    (book) => book.durations,
  )
  histogram(
    'serin_time_to_first_byte_seconds',
    "From the request to the head of the upstream's answer.",
    (book) => book.firstBytes,
  )
  histogram('serin_overhead_seconds', 'Total time minus upstream time.', (book) => book.overheads)
  collectGauge(registry, {
    name: 'serin_in_flight',
    help: 'Requests under way.',
    labelNames: ['service', 'variant'],
    read: function* () {
      for (const [service, book] of variantsOf(services)) {
        yield [{ service, variant: book.variant }, book.inFlight]
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_upstream_healthy',
    help: 'Whether an upstream can be reached.',
    labelNames: ['service', 'variant', 'upstream'],
    read: function* () {
      for (const { book, upstreams } of services()) {
        for (const { variant, upstream, healthy } of upstreams) {
          yield [{ service: book.service.name, variant, upstream }, healthy ? 1 : 0]
        }
      }
    },
  })
}

function registerRollouts(registry: Registry, services: RegistryDeps['services']): void {
  collectGauge(registry, {
    name: 'serin_variant_weight',
    help: "A variant's share of the randomised requests, 0 to 1.",
    labelNames: ['service', 'variant'],
    read: function* () {
      for (const { book, weightsBp } of services()) {
        for (const [variant, bp] of Object.entries(weightsBp)) {
          yield [{ service: book.service.name, variant }, bp / WHOLE_BP]
        }
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_rollout_phase',
    help: 'The phase of a rollout: 1 for the one that it is in.',
    labelNames: ['service', 'phase'],
    read: function* () {
      for (const [service, view] of viewsOf(services)) {
        for (const phase of PHASES) yield [{ service, phase }, view.state.phase === phase ? 1 : 0]
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_rollout_step',
    help: 'Index of the current step, from 0.',
    labelNames: ['service'],
    read: function* () {
      for (const [service, view] of viewsOf(services)) yield [{ service }, view.state.step]
    },
  })
  collectGauge(registry, {
    name: 'serin_metric_value',
    help: 'What a metric reads, in its unit.',
    labelNames: ['service', 'metric', 'variant'],
    read: function* () {
      for (const [service, view] of viewsOf(services)) {
        for (const { name, baseline, canary } of view.metrics) {
          if (baseline.value !== null) {
            yield [{ service, metric: name, variant: 'baseline' }, baseline.value]
          }
          if (canary.value !== null) {
            yield [{ service, metric: name, variant: 'canary' }, canary.value]
          }
        }
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_metric_log_evidence',
    help: 'Natural logarithm of the evidence for harm, and for being no worse.',
    labelNames: ['service', 'metric', 'direction'],
    read: function* () {
      for (const [service, view] of viewsOf(services)) {
        for (const { name, evidence } of view.metrics) {
          const { harm, nonInferiority } = evidence
          if (harm !== null) yield [{ service, metric: name, direction: 'harm' }, harm.log]
          if (nonInferiority !== null) {
            yield [{ service, metric: name, direction: 'non-inferiority' }, nonInferiority.log]
          }
        }
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_metric_verdict',
    help: 'The verdict on a metric: 1 for the one that stands.',
    labelNames: ['service', 'metric', 'verdict'],
    read: function* () {
      for (const [service, view] of viewsOf(services)) {
        for (const { name, verdict } of view.metrics) {
          for (const each of VERDICTS) {
            yield [{ service, metric: name, verdict: each }, verdict === each ? 1 : 0]
          }
        }
      }
    },
  })
}

type Collected = {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  readonly read: () => Iterable<readonly [Readonly<Record<string, string>>, number]>
}

function collectCounter(registry: Registry, { read, labelNames, ...rest }: Collected): void {
  new Counter({
    ...rest,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of read()) this.inc({ ...labels }, value)
    },
  })
}

function collectGauge(registry: Registry, { read, labelNames, ...rest }: Collected): void {
  new Gauge({
    ...rest,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of read()) this.set({ ...labels }, value)
    },
  })
}

function gauge(registry: Registry, name: string, help: string): Gauge {
  return new Gauge({ name, help, registers: [registry] })
}

function* variantsOf(services: RegistryDeps['services']): Iterable<readonly [string, VariantBook]> {
  for (const { book } of services()) {
    for (const variant of book.variants.values()) yield [book.service.name, variant]
  }
}

function* viewsOf(services: RegistryDeps['services']): Iterable<readonly [string, RolloutView]> {
  for (const { book, view } of services()) {
    if (view !== null) yield [book.service.name, view]
  }
}
