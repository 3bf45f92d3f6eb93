import type { Registry } from 'prom-client'
import { collectCounter, collectGauge } from './collect.ts'
import { registerHistogram } from './histogram-collector.ts'
import { DISAGREEMENTS, MIRROR_RESULTS, type MirrorBook } from './mirror-book.ts'
import type { ReadServices } from './service-reading.ts'

/** Registers what mirrors do. Every series is there from the start: a mirror that is dead stands still. */
export function registerMirrors(registry: Registry, services: ReadServices): void {
  collectCounter(registry, {
    name: 'serin_mirror_requests_total',
    help: 'Copies of requests that were drawn for a mirror, by what became of them.',
    labelNames: ['service', 'variant', 'result'],
    read: function* () {
      for (const [labels, { results }] of mirrorsOf(services)) {
        for (const result of MIRROR_RESULTS) yield [{ ...labels, result }, results[result]]
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_mirror_in_flight',
    help: 'Copies of requests under way.',
    labelNames: ['service', 'variant'],
    read: function* () {
      for (const [labels, { inFlight }] of mirrorsOf(services)) yield [labels, inFlight]
    },
  })
  registerHistogram(
    registry,
    'serin_mirror_duration_seconds',
    'From the sending of a copy to the end of its answer.',
    function* () {
      for (const [labels, { durations }] of mirrorsOf(services)) {
        yield { labels, buckets: durations }
      }
    },
  )
  collectCounter(registry, {
    name: 'serin_mirror_pairs_total',
    help: 'Pairs of a live answer and the answer to its copy; unread: their bodies could not be compared.',
    labelNames: ['service', 'variant', 'result'],
    read: function* () {
      for (const [labels, { pairs, unread, disagreed }] of mirrorsOf(services)) {
        yield [{ ...labels, result: 'agreed' }, pairs - disagreed]
        yield [{ ...labels, result: 'disagreed' }, disagreed]
        yield [{ ...labels, result: 'unread' }, unread]
      }
    },
  })
  collectCounter(registry, {
    name: 'serin_mirror_disagreements_total',
    help: 'Pairs of answers that disagree, by the first thing in which they do.',
    labelNames: ['service', 'variant', 'kind'],
    read: function* () {
      for (const [labels, { disagreements }] of mirrorsOf(services)) {
        for (const kind of DISAGREEMENTS) yield [{ ...labels, kind }, disagreements[kind]]
      }
    },
  })
  collectCounter(registry, {
    name: 'serin_mirror_pair_seconds_total',
    help: 'Time to the head of the answer, summed over all pairs, of either of the two.',
    labelNames: ['service', 'variant', 'answer'],
    read: function* () {
      for (const [labels, { liveMs, mirrorMs }] of mirrorsOf(services)) {
        yield [{ ...labels, answer: 'live' }, liveMs / 1000]
        yield [{ ...labels, answer: 'mirror' }, mirrorMs / 1000]
      }
    },
  })
}

type MirrorLabels = { readonly service: string; readonly variant: string }

function* mirrorsOf(services: ReadServices): Iterable<readonly [MirrorLabels, MirrorBook]> {
  for (const { book } of services()) {
    for (const mirror of book.mirrors.values()) {
      yield [{ service: book.service.name, variant: mirror.variant }, mirror]
    }
  }
}
