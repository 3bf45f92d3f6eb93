import t, { type Test } from 'tap'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
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
  while (poller.isAsking(metric.name)) await new Promise((resolve) => setImmediate(resolve))
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
    if (req.url === '/large') res.end(Buffer.alloc(1024 * 1024 + 1, ' '))
    if (req.url === '/trickles') res.write('{')
    if (req.url === '/moved') res.writeHead(302, { location: '/score' }).end()
    if (req.url === '/score') res.end('{"score":0.7}')
  })
  t.teardown(upstream.close)
  const error = async (path: string, mostMs = 5000) =>
    (await asked(t, { ...SCORE, url: upstream.origin + path }, mostMs)).canary
  t.match(await error('/breaks'), { error: 'no answer (UND_ERR_SOCKET)' })
  t.match(await error('/large'), { error: 'its answer is larger than 1 MiB' })
  t.match(await error('/never', 50), { error: 'no answer within 0.05 s' })
  t.match(await error('/trickles', 50), { error: 'no answer within 0.05 s' })
  t.match(await error('/moved'), { error: 'answered 302' }, 'a secret goes nowhere else')
  t.same(await error('/score'), { value: 0.7 })
})

t.test('an address that is none is an error too', async (t) => {
  t.match(await asked(t, { ...SCORE, url: 'http://a b' }), { canary: { error: 'Invalid URL' } })
})
