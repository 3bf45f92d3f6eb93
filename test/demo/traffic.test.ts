import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Car } from '../../src/demo/cars.ts'
import { FeedbackSender } from '../../src/demo/feedback-sender.ts'
import type { Label } from '../../src/demo/feedback-sender.ts'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { createTraffic } from '../../src/demo/traffic.ts'
import type { TrafficOptions } from '../../src/demo/traffic.ts'
import { rmseOf, UserTallies } from '../../src/demo/user-tally.ts'
import { createVisitors } from '../../src/demo/visitors.ts'

const CAR: Car = { name: 'a car', features: [3504, 130], milesPerGallon: 20 }

async function listen(t: Test, handle: RequestListener): Promise<string> {
  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function read(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

function options(origin: string, change: Partial<TrafficOptions>): TrafficOptions {
  return {
    service: 'mpg',
    origin,
    rate: 2000,
    cars: [CAR],
    feedback: { add: () => {} },
    random: createRandom(1),
    monotonic: () => performance.now(),
    idPrefix: 'u1',
    limit: 40,
    ...change,
  }
}

t.test('what users saw is counted by variant: requests, errors and wrong answers', async (t) => {
  let count = 0
  const origin = await listen(t, (request, response) => {
    request.resume()
    count += 1
    const turn = count % 4
    if (turn === 0) return void request.socket.destroy()
    response.setHeader('x-serin-variant', turn === 1 ? 'baseline' : 'canary')
    response.statusCode = turn === 2 ? 500 : 200
    response.end(JSON.stringify({ outputs: [{ data: [turn === 3 ? 29 : 23] }] }))
  })
  const labels: Label[] = []
  const traffic = createTraffic(
    options(origin, { feedback: { add: (label) => labels.push(label) } }),
  )
  await traffic.finished
  t.same(traffic.read(), {
    baseline: { requests: 10, errors: 0, wrong: 0, squaredError: 90 },
    canary: { requests: 20, errors: 10, wrong: 10, squaredError: 810 },
    none: { requests: 10, errors: 10, wrong: 0, squaredError: 0 },
  })
  t.equal(labels.length, 40, 'the true value of every request becomes known')
  t.equal(new Set(labels.map(({ requestId }) => requestId)).size, 40)
  await traffic.close()
})

t.test(
  'a request names its user, its id and its card tier as the gateway reads them',
  async (t) => {
    const seen: { headers: IncomingMessage['headers']; body: unknown; url: string }[] = []
    const origin = await listen(t, (request, response) => {
      void read(request).then((body) => {
        seen.push({ headers: request.headers, body: JSON.parse(body), url: request.url! })
        response.end('{}')
      })
    })
    const traffic = createTraffic(options(origin, { limit: 1 }))
    await traffic.finished
    t.match(seen, [
      {
        url: '/v2/models/mpg/infer',
        headers: {
          'x-user-id': 'u1-0',
          'x-request-id': 'u1-r0',
          'content-type': 'application/json',
        },
        body: {
          id: 'u1-r0',
          parameters: { card_tier: /^(standard|gold|platinum)$/ },
          inputs: [{ name: 'features', shape: [1, 2], datatype: 'FP64', data: [3504, 130] }],
        },
      },
    ])
    t.match(traffic.read(), { none: { requests: 1, errors: 1 } }, 'an answer without prediction')
  },
)

t.test('traffic that is closed early waits for what is under way and sends no more', async (t) => {
  let arrived = 0
  let release = (): void => {}
  const first = new Promise<void>((resolve) => (release = resolve))
  const origin = await listen(t, (request, response) => {
    request.resume()
    arrived += 1
    release()
    response.end('{}')
  })
  const traffic = createTraffic(options(origin, { limit: null, rate: 200 }))
  await first
  await traffic.close()
  const { requests } = traffic.read()['none']!
  t.equal(requests, arrived)
  await traffic.close()
  t.equal(arrived, requests)
})

t.test('a stalled generator lets go of what it owes instead of flooding', async (t) => {
  let arrived = 0
  const origin = await listen(t, (request, response) => {
    request.resume()
    arrived += 1
    response.end('{}')
  })
  // Each look at this clock finds ten seconds gone: 1,000 requests are owed, half a second's are sent.
  let now = 0
  const monotonic = (): number => (now += 10_000)
  const traffic = createTraffic(options(origin, { rate: 100, limit: 50, monotonic }))
  await traffic.finished
  t.equal(arrived, 50)
  t.equal(now, 20_000, 'all 50 were sent by the first tick, and no more would have been')
})

t.test(
  'true values are posted in batches once they are due, and the answers added up',
  async (t) => {
    const batches: string[] = []
    const origin = await listen(t, (request, response) => {
      void read(request).then((body) => {
        batches.push(body)
        t.equal(request.headers['content-type'], 'application/x-ndjson')
        response.end(
          '{"joined":1,"unmatched":1,"late":0,"duplicate":2,"rejected":[{"line":1,"error":"x"}]}',
        )
      })
    })
    let now = 0
    const sender = new FeedbackSender({
      origin,
      delayMs: [300, 1000],
      batchMs: 1,
      random: () => 0,
      monotonic: () => now,
    })
    sender.add({ service: 'mpg', requestId: 'a', label: 20 })
    now = 100
    sender.add({ service: 'mpg', requestId: 'b', label: 21 })
    now = 350
    while (batches.length === 0) await delay(1)
    await sender.close()
    t.same(batches, [
      '{"service":"mpg","requestId":"a","label":20}\n',
      '{"service":"mpg","requestId":"b","label":21}\n',
    ])
    t.match(sender.tally, { joined: 2, unmatched: 2, late: 0, duplicate: 4, rejected: 2 })
    t.equal(sender.tally.undelivered, 0)
  },
)

t.test('true values that are not accepted are counted, with the reason', async (t) => {
  const origin = await listen(t, (request, response) => {
    request.resume()
    response.statusCode = 503
    response.end('the store is away')
  })
  const sender = new FeedbackSender({
    origin,
    delayMs: [0, 0],
    batchMs: 60_000,
    random: () => 0,
    monotonic: () => 0,
  })
  sender.add({ service: 'mpg', requestId: 'a', label: 20 })
  await sender.close()
  t.match(sender.tally, { joined: 0, undelivered: 1, lastProblem: /503: the store is away/ })
})

t.test('most visitors are new, some come back, and nobody changes their card tier', (t) => {
  const next = createVisitors('u', createRandom(3))
  const visits = Array.from({ length: 5000 }, next)
  const tierOf = new Map(visits.map(({ userId, cardTier }) => [userId, cardTier]))
  t.ok(visits.every(({ userId, cardTier }) => tierOf.get(userId) === cardTier))
  t.ok(tierOf.size > 4350 && tierOf.size < 4650, `${tierOf.size} users`)
  const tiers = [...tierOf.values()]
  const share = (tier: string): number => tiers.filter((one) => one === tier).length / tiers.length
  t.ok(Math.abs(share('platinum') - 0.05) < 0.02)
  t.ok(Math.abs(share('gold') - 0.15) < 0.03)
  t.end()
})

t.test('the RMSE of a tally is that of its answers alone, and none without answers', (t) => {
  const tallies = new UserTallies()
  tallies.add('canary', null, 20)
  t.equal(rmseOf(tallies.read()['canary']!), null)
  tallies.add('canary', 23, 20)
  tallies.add('canary', 24, 20)
  t.equal(rmseOf(tallies.read()['canary']!), Math.sqrt(12.5))
  t.end()
})
