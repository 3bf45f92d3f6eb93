import type { Registry } from 'prom-client'
import { collectCounter, collectGauge } from './collect.ts'
import { registerHistogram } from './histogram-collector.ts'
import type { ReadServices } from './service-reading.ts'
import type { VariantBook } from './variant-book.ts'

/** Registers what the data plane counts. */
export function registerRequests(registry: Registry, services: ReadServices): void {
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
    help: 'Attempts at upstreams: of a request none where it was turned away first (a full queue, no healthy upstream), else one or more.',
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
    name: 'serin_fallbacks_total',
    help: "Requests that the baseline was asked to answer in the canary's place, by what became of it.",
    labelNames: ['service', 'result'],
    read: function* () {
      for (const { book } of services()) {
        for (const [result, count] of Object.entries(book.fallbacks)) {
          yield [{ service: book.service.name, result }, count]
        }
      }
    },
  })
  collectCounter(registry, {
    name: 'serin_request_notes_total',
    help: 'What was noticed about requests: keys that could not be read, suppressed rules, refused overrides, streams that ended with an error.',
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
  histogram(
    'serin_overhead_seconds',
    'Time without an attempt under way: at the door of the variant, or before another attempt.',
    (book) => book.overheads,
  )
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
    aggregator: 'min',
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

function* variantsOf(services: ReadServices): Iterable<readonly [string, VariantBook]> {
  for (const { book } of services()) {
    for (const variant of book.variants.values()) yield [book.service.name, variant]
  }
}
