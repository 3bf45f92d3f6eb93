import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { Admission } from '../../src/proxy/admission.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'

const GET = 'GET /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

t.test('a door lets so many in, so many wait in order, and turns the rest away', async (t) => {
  const door = new Admission({ maxInFlight: 2, maxWaiting: 2 })
  const admitted: number[] = []
  const waiter = (n: number) => ({ onAdmitted: () => admitted.push(n) })
  const waiters = [0, 1, 2, 3, 4].map(waiter)
  t.same(
    waiters.map((w) => door.enter(w)),
    ['in', 'in', 'waiting', 'waiting', 'full'],
  )
  t.equal(door.waiting, 2)
  t.notOk(door.enterAtOnce())
  door.leave()
  t.same(admitted, [2])
  door.forget(waiters[3]!)
  door.forget(waiters[4]!)
  door.leave()
  t.same(admitted, [2])
  t.equal(door.inFlight, 1)
  t.ok(door.enterAtOnce())
})

t.test('new limits let in who waits, and put nobody out', async (t) => {
  const door = new Admission({ maxInFlight: 1, maxWaiting: 9 })
  const admitted: number[] = []
  for (const n of [0, 1, 2, 3]) door.enter({ onAdmitted: () => admitted.push(n) })
  door.limit({ maxInFlight: 3, maxWaiting: 0 })
  t.same(admitted, [1, 2])
  door.limit({ maxInFlight: 1, maxWaiting: 0 })
  t.equal(door.inFlight, 3)
  door.limit({ maxInFlight: null, maxWaiting: 0 })
  t.same(admitted, [1, 2, 3])
})

t.test('of many who wait each may leave as soon as it is in', async (t) => {
  const door = new Admission({ maxInFlight: 1, maxWaiting: 20_000 })
  const admitted: number[] = []
  const waiter = (n: number) => ({
    onAdmitted: () => {
      admitted.push(n)
      door.leave()
    },
  })
  door.enterAtOnce()
  const order = Array.from({ length: 20_000 }, (_, n) => n)
  for (const n of order) door.enter(waiter(n))
  door.leave()
  t.same(admitted, order)
  t.equal(door.inFlight, 0)
})

/** A gateway whose baseline answers when it is told to. */
async function start(t: { teardown: (end: () => unknown) => void }, queueMs: number | null) {
  const held: ServerResponse[] = []
  const upstream = await startUpstream((_req, res) => held.push(res))
  const queue = queueMs === null ? null : { max: 1, timeoutMs: queueMs }
  const variant = variantAt('baseline', upstream.origin, { maxInFlight: 1, queue })
  const gateway = await startGateway([serviceWith([variant])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const arrivals = async (count: number) => {
    while (held.length < count) await delay(1)
  }
  return { gateway, upstream, held, arrivals }
}

t.test('who finds the variant full and no queue is told to come back', async (t) => {
  const { gateway, held, arrivals } = await start(t, null)
  const first = new RawConnection(gateway.port).send(GET)
  await arrivals(1)
  const answer = parseAnswer(await rawExchange(gateway.port, GET))
  t.equal(answer.status, 503)
  t.equal(answer.field('x-serin-error'), 'SERIN_QUEUE_FULL')
  t.equal(answer.field('retry-after'), '1')
  t.equal(answer.field('proxy-status'), 'serin-test; error=connection_limit_reached')
  t.equal(answer.field('x-serin-variant'), 'baseline')
  t.match(await gateway.recorder.ended(), { outcome: 'rejected', upstreamMs: null })
  t.same(gateway.recorder.attempts, [])
  t.match(gateway.accessLog, [{ level: 'warn', flags: 'UO', attempts: 0, upstream: '' }])
  held[0]!.end('done')
  await first.receive('done')
})

t.test('who waits is served in turn', async (t) => {
  const { gateway, held, arrivals } = await start(t, 60_000)
  const first = new RawConnection(gateway.port).send(GET)
  await arrivals(1)
  const second = new RawConnection(gateway.port).send(GET)
  await gateway.recorder.until(({ begun }) => begun.length === 2)
  const third = parseAnswer(await rawExchange(gateway.port, GET))
  t.equal(third.field('x-serin-error'), 'SERIN_QUEUE_FULL')
  held[0]!.end('one')
  await first.receive('one')
  await arrivals(2)
  held[1]!.end('two')
  await second.receive('two')
  await gateway.recorder.ended(3)
  const waited = gateway.accessLog.at(-1)!
  t.ok(waited.queueMs! > 0)
})

t.test('who has waited too long is told so, and gives the place up', async (t) => {
  const { gateway, held, arrivals } = await start(t, 40)
  const first = new RawConnection(gateway.port).send(GET)
  await arrivals(1)
  const answer = parseAnswer(await rawExchange(gateway.port, GET))
  t.equal(answer.status, 503)
  t.equal(answer.field('x-serin-error'), 'SERIN_QUEUE_TIMEOUT')
  t.match(await gateway.recorder.ended(), { outcome: 'rejected' })
  held[0]!.end('one')
  await first.receive('one')
  const next = new RawConnection(gateway.port).send(GET)
  await arrivals(2)
  held[1]!.end('two')
  await next.receive('two')
})

t.test('who leaves the queue is never sent', async (t) => {
  const { gateway, held, arrivals } = await start(t, 60_000)
  const first = new RawConnection(gateway.port).send(GET)
  await arrivals(1)
  const second = new RawConnection(gateway.port).send(GET)
  await gateway.recorder.until(({ begun }) => begun.length === 2)
  second.close()
  t.match(await gateway.recorder.ended(), { outcome: 'client_closed' })
  held[0]!.end('one')
  await first.receive('one')
  t.equal(held.length, 1)
})

t.test('new limits hold once the configuration is in force', async (t) => {
  const { gateway, upstream, held, arrivals } = await start(t, 60_000)
  const first = new RawConnection(gateway.port).send(GET)
  await arrivals(1)
  const second = new RawConnection(gateway.port).send(GET)
  await gateway.recorder.until(({ begun }) => begun.length === 2)
  const wider = [serviceWith([variantAt('baseline', upstream.origin, { maxInFlight: 2 })])]
  gateway.upstreams.open(wider).release()
  t.equal(held.length, 1, 'looked at, and refused')
  gateway.reload(wider)
  await arrivals(2)
  for (const res of held) res.end('done')
  for (const client of [first, second]) await client.receive('done')
})

t.test('a reload loses nobody who waits', async (t) => {
  const { gateway, upstream, held, arrivals } = await start(t, 60_000)
  const other = await startUpstream((_req, res) => res.end('other'))
  t.teardown(() => other.close())
  const first = new RawConnection(gateway.port).send(GET)
  await arrivals(1)
  const second = new RawConnection(gateway.port).send(GET)
  await gateway.recorder.until(({ begun }) => begun.length === 2)
  const queue = { max: 1, timeoutMs: 60_000 }
  gateway.reload([serviceWith([variantAt('baseline', other.origin, { maxInFlight: 1, queue })])])
  held[0]!.end('one')
  await first.receive('one')
  await arrivals(2)
  t.equal(upstream.seen.length, 2, 'it goes where it was assigned to go')
  held[1]!.end('two')
  await second.receive('two')
  await gateway.onlyUses([other.origin])
})
