import { Gauge, Registry } from 'prom-client'
import t from 'tap'
import {
  keepTotals,
  lostTotals,
  mergeSnapshots,
  renderSnapshot,
} from '../../src/metrics/merge-snapshots.ts'
import { createMetricsRegistry, type MetricsRegistry } from '../../src/metrics/registry.ts'
import { takeSnapshot, writeValue, type MetricsSnapshot } from '../../src/metrics/take-snapshot.ts'
import type { ServiceReading } from '../../src/metrics/service-reading.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { ManualClock, rolloutSpec, service } from '../fakes/simulated-service.ts'

/** A process that has answered `requests` and `leads` or not; its canary is at `canaryBp`. */
function processOf(requests: number, leads: boolean, canaryBp: number, healthy = true) {
  const clock = new ManualClock()
  const of = service(rolloutSpec())
  const book = new ServiceBook({ service: of, clock, remember: () => {}, previous: null })
  for (let i = 0; i < requests; i++) {
    const assignment = {
      ...({ variant: 'baseline', reason: 'key', unit: i } as const),
      ...{ suppressed: false, keyMissing: false, overrideRefused: false },
    }
    const ticket = book.begin(assignment, 'r')
    clock.ms += 7
    book.end(ticket, 'ok', 200, 6)
  }
  const reading: ServiceReading = {
    book,
    weightsBp: { baseline: 10_000 - canaryBp, canary: canaryBp },
    view: null,
    experiment: null,
    upstreams: [{ variant: 'baseline', upstream: 'http://u', healthy }],
  }
  return createMetricsRegistry({
    version: '1.2.3',
    services: () => [reading],
    leads: () => leads,
    linesLost: () => 0,
    withoutStore: () => ({ disk: 0, configuration: 0 }),
    replicas: () => null,
    certificateNotAfter: () => null,
    forgotten: () => ({ expired: 1, evicted: 0, dropped: 0 }),
  })
}

async function readMerged(
  leading: MetricsSnapshot,
  others: readonly MetricsSnapshot[],
): Promise<(start: string) => number | undefined> {
  const { body } = await renderSnapshot(await mergeSnapshots(leading, others))
  return (start) => {
    const line = body.split('\n').find((each) => each.startsWith(start))
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1))
  }
}

async function snapshotOf(registry: MetricsRegistry): Promise<MetricsSnapshot> {
  const parts: MetricsSnapshot[] = []
  for await (const part of registry.snapshot()) parts.push(part)
  return parts.flat()
}

t.test(
  'counters and histograms add up; what is followed is that of the one who decides',
  async (t) => {
    const [leading, other] = [processOf(3, true, 2000), processOf(4, false, 500, false)]
    other.setReloadSuccess(false)
    const snapshots = [await snapshotOf(leading), await snapshotOf(other)] as const
    t.same(structuredClone(snapshots), snapshots, 'snapshots are plain data')
    const read = await readMerged(snapshots[0], [snapshots[1]])
    t.equal(read('serin_requests_total{service="svc",variant="baseline"'), 7)
    t.equal(read('serin_request_duration_seconds_count{service="svc",variant="baseline"'), 7)
    t.equal(read('serin_request_duration_seconds_bucket{le="0.005",service="svc",variant="bas'), 0)
    t.equal(read('serin_request_duration_seconds_bucket{le="0.01",service="svc",variant="bas'), 7)
    t.equal(read('serin_predictions_forgotten_total{reason="expired"'), 2)
    t.equal(read('serin_variant_weight{service="svc",variant="canary"'), 0.2)
    t.equal(read('serin_leader'), 1)
    t.equal(read('serin_build_info'), 1)
    t.equal(read('serin_store_up'), 1)
    t.equal(read('serin_config_reload_success'), 0, 'one that refused is enough')
    t.equal(read('serin_upstream_healthy'), 0, 'well is what all find well')
  },
)

t.test('of gauges nothing but what is under way adds up', async (t) => {
  const snapshot = await snapshotOf(processOf(1, true, 1000))
  const summed = snapshot.filter(({ type, aggregator }) => type === 'gauge' && aggregator === 'sum')
  t.same(
    summed.map(({ name }) => name),
    ['serin_in_flight', 'serin_mirror_in_flight'],
    'where a rollout stands is no more for each that follows it',
  )
})

t.test('one alone reads the same merged as by itself', async (t) => {
  const alone = processOf(5, true, 1000)
  const merged = await renderSnapshot(await mergeSnapshots(await snapshotOf(alone), []))
  const lines = (body: string) =>
    body
      .split('\n')
      .filter((line) => line.startsWith('serin'))
      .sort()
  // Labels of histograms may stand in another order.
  const labels = (line: string) =>
    [...line.matchAll(/\w+="[^"]*"| \S+$|^\w+/g)].flat().sort().join()
  t.same(
    lines(merged.body).map(labels).sort(),
    lines((await alone.render()).body)
      .map(labels)
      .sort(),
  )
})

t.test('what has ended keeps what only grows', async (t) => {
  const ended = keepTotals(await snapshotOf(processOf(9, true, 5000)))
  const read = await readMerged(await snapshotOf(processOf(1, false, 0)), [ended])
  t.equal(read('serin_requests_total{service="svc",variant="baseline"'), 10)
  t.equal(read('serin_leader'), 0)
  t.equal(read('serin_in_flight{service="svc",variant="baseline"'), 0)
})

/** A snapshot of as many counters' series, in pieces of a hundred. */
function many(series: number): MetricsSnapshot {
  return Array.from({ length: series / 100 }, (_, piece) => ({
    ...{ name: 'serin_x_total', head: '# HELP serin_x_total x\n# TYPE serin_x_total counter' },
    ...{ type: 'counter', aggregator: 'sum' },
    series: Array.from({ length: 100 }, (_, n) => `serin_x_total{service="${piece}-${n}"}`),
    values: Array.from({ length: 100 }, () => 1),
  }))
}

t.test('Others get their turn while thousands of services are merged and rendered.', async (t) => {
  const snapshots = [many(20_000), many(20_000), many(20_000)] as const
  let turns = 0
  const count = () => {
    turns += 1
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  const merged = await mergeSnapshots(snapshots[0], snapshots.slice(1))
  const afterMerge = turns
  const { body } = await renderSnapshot(merged)
  const afterRender = turns
  const lost = await lostTotals(merged, snapshots[0])
  clearImmediate(counting)
  t.equal(body.match(/^serin_x_total\{.*\} 3$/gm)?.length, 20_000)
  t.equal(body.match(/^# TYPE/gm)?.length, 1)
  t.equal(lost[0]!.series.length, 20_000)
  t.ok(afterMerge >= 25, `${afterMerge} turns for 60,000 series`)
  t.ok(afterRender - afterMerge >= 8, `${afterRender - afterMerge} turns for 20,000`)
  t.ok(turns - afterRender >= 8, `${turns - afterRender} turns`)
})

t.test('Values that are no finite numbers are written as Prometheus reads them.', async (t) => {
  const registry = new Registry()
  const gauge = new Gauge({ name: 'x', help: 'x', labelNames: ['a'], registers: [registry] })
  for (const value of [0.1, 1e300, -1e-9, Infinity, -Infinity, NaN]) {
    gauge.set({ a: `of "${value}", {`.concat(' } ') }, value)
  }
  const { body } = await renderSnapshot(await mergeSnapshots(await takeSnapshot(registry), []))
  t.equal(body, (await registry.metrics()).replace('Nan', 'NaN'))
  t.equal(writeValue(0), '0')
})

t.test(
  'Of a histogram that began anew all of its series is kept, with labels or without.',
  async (t) => {
    const family = (samples: Record<string, number>): MetricsSnapshot => [
      {
        ...{
          name: 'd',
          head: '# HELP d d\n# TYPE d histogram',
          type: 'histogram',
          aggregator: 'sum',
        },
        series: Object.keys(samples),
        values: Object.values(samples),
      },
    ]
    const of = (fast: number, all: number) => ({
      ...{ 'd_bucket{le="1"}': fast, 'd_bucket{le="+Inf"}': all, d_sum: all, d_count: all },
      ...{
        'd_bucket{le="1",a="b"}': fast,
        'd_bucket{le="+Inf",a="b"}': all,
        'd_count{a="b"}': all,
      },
      'd_count{a="c"}': 1,
    })
    const [lost] = await lostTotals(family(of(5, 9)), family({ ...of(4, 9) }))
    t.same(lost!.series, Object.keys(of(5, 9)).slice(0, -1))
    t.same(await lostTotals(family(of(5, 9)), family(of(5, 10))), [])
  },
)
