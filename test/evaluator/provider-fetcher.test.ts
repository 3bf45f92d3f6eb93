import t, { type Test } from 'tap'
import { createServer } from 'node:net'
import { isDeepStrictEqual as isSame } from 'node:util'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createProviderFetcher } from '../../src/evaluator/provider-fetcher.ts'
import { ProviderPoller } from '../../src/evaluator/provider-poller.ts'
import { GPU, SCORE } from '../fakes/measurements.ts'
import { startStreamingUpstream } from '../support/fake-upstream.ts'
import { refuse, startFakePrometheus, vector } from '../support/fake-prometheus.ts'

const BOTH = {
  canary: { variant: 'canary', version: '2.0' },
  baseline: { variant: 'baseline', version: '1.4' },
}

/** Asks once, and waits for what comes. */
async function asked(t: Test, metric: Parameters<ProviderPoller['ask']>[0], mostMs = 5000) {
  const fetcher = createProviderFetcher(mostMs)
  t.teardown(fetcher.close)
  const poller = new ProviderPoller(fetcher.fetch)
  poller.ask(metric, BOTH, 7)
  t.equal(poller.isAsking(metric.name), true)
  while (poller.isAsking(metric.name)) await delay(1)
  const [arrived, ...more] = poller.take()
  t.same(more, [])
  t.same(poller.take(), [], 'what is taken is gone')
  return arrived!.reading
}

t.test('Prometheus is asked about each variant, and answers a number', async (t) => {
  const prometheus = await startFakePrometheus()
  t.teardown(prometheus.close)
  prometheus.answer = (query, res) => vector(res, [query.includes('2.0') ? '0.8' : '0.4'])
  const reading = await asked(t, { ...GPU, url: prometheus.origin, secret: 's3cret' })
  t.same(reading, { at: 7, canary: { value: 0.8 }, baseline: { value: 0.4 } })
  t.same(prometheus.queries.toSorted(), ['avg(gpu{version="1.4"})', 'avg(gpu{version="2.0"})'])
  t.same(prometheus.tokens, ['Bearer s3cret', 'Bearer s3cret'])
})

t.test('a question that names no variant is asked once, about the canary', async (t) => {
  const prometheus = await startFakePrometheus()
  t.teardown(prometheus.close)
  const reading = await asked(t, { ...GPU, url: prometheus.origin, query: 'up' })
  t.same(reading, { at: 7, canary: { value: 0.5 }, baseline: null })
  t.same(prometheus.queries, ['up'])
})

t.test('a refused query, no series and a wrong path are errors with their reason', async (t) => {
  const prometheus = await startFakePrometheus()
  t.teardown(prometheus.close)
  const metric = { ...GPU, url: prometheus.origin, query: 'up', secret: 's3cret' }
  prometheus.answer = (_query, res) => refuse(res, 400, 'bad token s3cret')
  t.match(await asked(t, metric), {
    canary: { error: 'answered 400: bad_data: bad token (hidden)' },
  })
  prometheus.answer = (_query, res) => vector(res, [])
  t.match(await asked(t, metric), { canary: { error: 'the query found no series' } })
  t.match(await asked(t, { ...metric, url: `${prometheus.origin}/wrong` }), {
    canary: { error: 'answered 404' },
  })
})

t.test('a server that is down, never answers, breaks off or answers too much', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  t.match(await asked(t, { ...SCORE, url: `http://127.0.0.1:${port}` }), {
    canary: { error: 'refused the connection' },
  })
  t.match(await asked(t, { ...SCORE, url: 'http://no-such-name.invalid' }), {
    canary: { error: /its name was not found|no answer/ },
  })
  const upstream = await startStreamingUpstream((req, res) => {
    req.resume()
    if (req.url === '/breaks') req.socket.destroy()
    if (req.url === '/resets') req.socket.resetAndDestroy()
    if (req.url === '/large') res.end(Buffer.alloc(64 * 1024 + 1, ' '))
    if (req.url === '/trickles') res.write('{')
    if (req.url === '/moved') res.writeHead(302, { location: '/score' }).end()
    if (req.url === '/score') res.end('{"score":0.7}')
  })
  t.teardown(upstream.close)
  const error = async (path: string, mostMs = 5000) =>
    (await asked(t, { ...SCORE, url: upstream.origin + path }, mostMs)).canary
  const cutOff = { error: 'closed the connection before its answer was complete' }
  t.match(await error('/breaks'), cutOff)
  t.match(await error('/resets'), cutOff)
  t.match(await error('/large'), { error: 'its answer is larger than 64 KiB' })
  t.match(await error('/never', 50), { error: 'no answer within 0.05 s' })
  t.match(await error('/trickles', 50), { error: 'no answer within 0.05 s' })
  t.match(await error('/moved'), { error: 'answered 302' }, 'a secret goes nowhere else')
  t.same(await error('/score'), { value: 0.7 })
})

t.test('an address that is none is an error too', async (t) => {
  t.match(await asked(t, { ...SCORE, url: 'http://a b' }), { canary: { error: 'Invalid URL' } })
})

t.test(
  'a thousand services ask one Prometheus 16 questions at a time, and all of them',
  async (t) => {
    const prometheus = await startFakePrometheus()
    t.teardown(prometheus.close)
    let [open, most] = [0, 0]
    prometheus.answer = (_query, res) => {
      most = Math.max(most, ++open)
      // Long enough for more to come, were more sent.
      setTimeout(() => {
        open -= 1
        vector(res, ['0.5'])
      }, 5)
    }
    const fetcher = createProviderFetcher()
    t.teardown(fetcher.close)
    const pollers = Array.from({ length: 1000 }, () => new ProviderPoller(fetcher.fetch))
    for (const poller of pollers) poller.ask({ ...GPU, url: prometheus.origin }, BOTH, 7)
    while (pollers.some((p) => p.isAsking('gpu'))) await delay(1)
    t.equal(prometheus.queries.length, 2000)
    t.ok(most > 1 && most <= 16, `${most} at once`)
    const value = { value: 0.5 }
    for (const poller of pollers) {
      const [arrived] = poller.take()
      if (!isSame(arrived!.reading, { at: 7, canary: value, baseline: value }))
        t.fail(JSON.stringify(arrived))
    }
  },
)

t.test(
  'a provider that hangs costs each question its time, and no other provider any',
  async (t) => {
    const [hanging, well] = [await startFakePrometheus(), await startFakePrometheus()]
    t.teardown(hanging.close)
    t.teardown(well.close)
    hanging.answer = () => {}
    const fetcher = createProviderFetcher(1000)
    t.teardown(fetcher.close)
    const pollers = Array.from({ length: 20 }, () => new ProviderPoller(fetcher.fetch))
    for (const poller of pollers) poller.ask({ ...GPU, url: hanging.origin }, BOTH, 7)
    const other = new ProviderPoller(fetcher.fetch)
    other.ask({ ...GPU, url: well.origin }, BOTH, 7)
    while (other.isAsking('gpu')) await delay(1)
    t.match(other.take(), [{ reading: { canary: { value: 0.5 } } }])
    t.ok(hanging.queries.length <= 16, `${hanging.queries.length} at once`)
    while (pollers.some((p) => p.isAsking('gpu'))) await delay(1)
    t.equal(hanging.queries.length, 40, 'those that waited had their time too')
    const error = { error: 'no answer within 1 s' }
    for (const poller of pollers)
      t.match(poller.take(), [{ reading: { canary: error, baseline: error } }])
  },
)

t.test('what waits for its turn when the gateway ends is not asked any more', async (t) => {
  const prometheus = await startFakePrometheus()
  t.teardown(prometheus.close)
  prometheus.answer = () => {}
  const fetcher = createProviderFetcher()
  const pollers = Array.from({ length: 20 }, () => new ProviderPoller(fetcher.fetch))
  for (const poller of pollers) poller.ask({ ...GPU, url: prometheus.origin }, BOTH, 7)
  while (prometheus.queries.length < 16) await delay(1)
  await fetcher.close()
  while (pollers.some((p) => p.isAsking('gpu'))) await delay(1)
  t.equal(prometheus.queries.length, 16)
  t.match(pollers.at(-1)!.take(), [{ reading: { canary: { error: /^no answer/ } } }])
})

t.test('a secret with what no header may have is an error that does not show it', async (t) => {
  const prometheus = await startFakePrometheus()
  t.teardown(prometheus.close)
  const { canary } = await asked(t, { ...GPU, url: prometheus.origin, secret: 'to\nken' })
  t.same(canary, { error: 'no answer (UND_ERR_INVALID_ARG)' })
  t.same(prometheus.queries, [])
})
