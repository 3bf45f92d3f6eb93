import { setImmediate as nextTurn } from 'node:timers/promises'
import { Registry } from 'prom-client'
import t from 'tap'
import { collectGauge } from '../../src/metrics/collect.ts'
import { mergeSnapshots } from '../../src/metrics/merge-snapshots.ts'
import { renderByService } from '../../src/metrics/render-by-service.ts'
import type { ServiceReading } from '../../src/metrics/service-reading.ts'
import { ServiceSlice } from '../../src/metrics/service-slice.ts'
import { takeInParts, takeSnapshot, type MetricsSnapshot } from '../../src/metrics/take-snapshot.ts'

const FAMILIES = 20

/** A registry with as many families as an exposition may have, over services of which only the weight matters. */
function setUp(services: number) {
  let come = 0
  const readings = function* (): Iterable<ServiceReading> {
    for (let n = 0; n < services; n += 1) {
      come += 1
      yield { weightsBp: { baseline: n } } as unknown as ServiceReading
    }
  }
  const slice = new ServiceSlice(readings)
  const byService = new Registry()
  for (let family = 0; family < FAMILIES; family += 1) {
    collectGauge(byService, {
      name: `family_${family}`,
      help: `Family ${family}.`,
      labelNames: ['service'],
      read: function* () {
        for (const { weightsBp } of slice.services()) {
          yield [{ service: `s${weightsBp['baseline']!}` }, family]
        }
      },
    })
  }
  const rest = new Registry()
  collectGauge(rest, { name: 'rest', help: 'The rest.', labelNames: [], read: () => [[{}, 1]] })
  const whole = Registry.merge([byService, rest])
  return {
    render: () => renderByService(byService, slice, rest),
    take: () => takeInParts(byService, slice, rest),
    whole,
    come: () => come,
  }
}

for (const services of [0, 1, 16, 17, 100]) {
  t.test(`The exposition of ${services} services is that of the library.`, async (t) => {
    const { render, whole, come } = setUp(services)
    const { body, contentType } = await render()
    t.equal(come(), services, 'each was read once')
    t.equal(body, await whole.metrics())
    t.equal(contentType, whole.contentType)
  })
}

t.test(
  'A snapshot in parts is that of the library, and others get their turn meanwhile.',
  async (t) => {
    const { take, whole, come } = setUp(100)
    const parts: MetricsSnapshot[] = []
    let turns = 0
    const count = () => {
      turns += 1
      counting = setImmediate(count)
    }
    let counting = setImmediate(count)
    for await (const part of take()) parts.push(structuredClone(part))
    clearImmediate(counting)
    t.equal(parts.length, 8, '7 of 16 services at most, and the rest')
    t.equal(come(), 100, 'each was read once')
    t.ok(turns >= 6, `${turns} turns`)
    t.same(await mergeSnapshots(parts.flat(), []), await takeSnapshot(whole))
  },
)

t.test('Others get their turn meanwhile, and two who ask at once get the same.', async (t) => {
  const { render } = setUp(320)
  let isDone = false
  let turns = 0
  const rendered = Promise.all([render(), render()]).finally(() => (isDone = true))
  while (!isDone) {
    await nextTurn()
    turns += 1
  }
  const [one, two] = await rendered
  t.equal(one.body, two.body)
  t.equal(one.body.split('\n').filter((line) => line.startsWith('family_7{')).length, 320)
  t.ok(turns >= 20, `${turns} turns for 20 slices of 16 services`)
})
