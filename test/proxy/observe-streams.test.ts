import t, { type Test } from 'tap'
import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { Service } from '../../src/domain/service.ts'
import { StreamTail } from '../../src/proxy/stream-tail.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'

const EVENTS = { 'content-type': 'text/event-stream; charset=utf-8' }
const TOKENS = '/usage/completion_tokens'
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`

/** A chunk as vLLM writes it where usage is asked for: null in all but the last one. */
const token = 'data: {"choices":[{"delta":{"content":"tok "}}],"usage":null}\n\n'
const usage = (tokens: number) =>
  `data: {"choices":[],"usage":{"completion_tokens":${tokens}},"score":0.5}\n\n`
const DONE = 'data: [DONE]\n\n'
const ERROR = 'data: {"error":{"message":"EngineCore encountered an issue.","code":500}}\n\n'

/** A gateway before a server that answers as `answer` says. */
async function start(
  t: Test,
  answer: (path: string, res: ServerResponse) => void,
  more: Partial<Service> = {},
  limits: { readonly tailBytes?: number; readonly settleMs?: number } = {},
) {
  const upstream = await startUpstream((req, res) => answer(req.url!, res))
  const service = serviceWith([variantAt('baseline', upstream.origin)], more)
  const gateway = await startGateway([service], { limits })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  return gateway
}

/** What a service reads where `numbers` are metrics' and the prediction is a score. */
function reading(prediction: string | null, numbers: readonly string[]): Partial<Service> {
  return {
    observe: {
      requestIdHeader: 'x-request-id',
      prediction,
      sample: 1,
      numbers,
      awaitsEvents: false,
    },
  }
}

t.test('of a stream the last event is read that has the number', async (t) => {
  const streams: Record<string, readonly [status: number, parts: readonly (string | Buffer)[]]> = {
    '/m/usage': [200, [token, token, usage(42), DONE]],
    '/m/one-piece': [200, [token + usage(42) + DONE]],
    '/m/bytes': [200, Array.from(token + usage(42) + DONE)],
    '/m/twice': [200, [usage(7), token, usage(42), DONE]],
    '/m/apart': [200, ['data: {"score":0.5}\n\n', 'data: {"usage":{"completion_tokens":42}}\n\n']],
    '/m/long': [200, [token.repeat(500), usage(42), DONE]],
    '/m/not-asked': [200, [token, DONE]],
    '/m/too-early': [200, [usage(42), token.repeat(500), DONE]],
    '/m/unfinished': [200, [token, usage(42).trimEnd()]],
    '/m/text': [200, ['data: {"usage":{"completion_tokens":"42"},"score":"0.5"}\n\n']],
    '/m/error': [500, [usage(42)]],
    '/m/gzip': [200, [gzipSync(usage(42))]],
  }
  const gateway = await start(
    t,
    (path, res) => {
      const [status, parts] = streams[path]!
      res.writeHead(status, path === '/m/gzip' ? { ...EVENTS, 'content-encoding': 'gzip' } : EVENTS)
      for (const part of parts) res.write(part)
      res.end()
    },
    reading('/score', [TOKENS]),
    { tailBytes: 4096 },
  )
  const { recorder } = gateway
  const whole = [0.5, 42, []] as const
  const none = [null, null, ['prediction_unreadable']] as const
  const expected = {
    ...{ '/m/usage': whole, '/m/one-piece': whole, '/m/bytes': whole, '/m/twice': whole },
    ...{ '/m/apart': whole, '/m/long': whole, '/m/not-asked': none, '/m/too-early': none },
    ...{ '/m/unfinished': none, '/m/text': none, '/m/gzip': none },
    '/m/error': [null, null, []],
  } as const
  for (const [path, [value, tokens, notes]] of Object.entries(expected)) {
    await rawExchange(gateway.port, get(path))
    await recorder.until(({ predictions }) => predictions.length > 0)
    t.equal(recorder.predictions.shift()!.value, value, path)
    t.equal(recorder.numbers.shift()![TOKENS] ?? null, tokens, path)
    t.same(recorder.notes.splice(0), notes, path)
  }
})

t.test('of a stream a name is found that its server writes in another way', async (t) => {
  const names = ['/gr\u00f6\u00dfe', '/a~1b', '/list/1', '/deep/\u003cn\u003e']
  const line = String.raw`{"gr\u00f6\u00dfe":1,"a\/b":2,"list":[0,3],"deep":{"\u003cn\u003e":4}}`
  const gateway = await start(
    t,
    (_path, res) => void res.writeHead(200, EVENTS).end(`data: ${line}\n\n`),
    reading(null, names),
  )
  await rawExchange(gateway.port, get('/m/x'))
  await gateway.recorder.until(({ numbers }) => numbers.length > 0)
  t.same(Object.values(gateway.recorder.numbers[0]!), [1, 2, 3, 4])
})

t.test('of a stream that its client left, or that broke off, nothing is read', async (t) => {
  const answers: ServerResponse[] = []
  const gateway = await start(
    t,
    (_path, res) => {
      answers.push(res)
      res.writeHead(200, EVENTS).write(usage(42))
    },
    reading('/score', [TOKENS]),
  )
  const { recorder } = gateway
  const client = new RawConnection(gateway.port).send(get('/m/stopped'))
  await client.receive('"score":0.5}\n\n')
  client.close()
  t.match(await recorder.ended(1), { outcome: 'client_closed', stopped: true })
  const other = new RawConnection(gateway.port).send(get('/m/broken'))
  await other.receive('"score":0.5}\n\n')
  answers[1]!.destroy()
  t.match(await recorder.ended(2), { outcome: 'failed', code: 'SERIN_UPSTREAM_TRUNCATED' })
  t.match(recorder.predictions, [{ value: null }, { value: null }])
  t.same(recorder.numbers, [{}, {}])
})

t.test('a stream that has settled is read at its end', async (t) => {
  let open: ServerResponse | null = null
  const gateway = await start(
    t,
    (_path, res) => {
      open = res.writeHead(200, EVENTS)
      res.write(token)
    },
    reading('/score', [TOKENS]),
    { settleMs: 0 },
  )
  const { recorder } = gateway
  const client = new RawConnection(gateway.port).send(get('/m/x'))
  await client.receive(token)
  t.match(await recorder.ended(), { outcome: 'ok' })
  t.same(recorder.predictions, [], 'which it has not come to')
  open!.end(usage(42) + DONE)
  await recorder.until(({ predictions }) => predictions.length > 0)
  t.match(recorder.predictions, [{ value: 0.5 }])
  t.same(recorder.numbers, [{ [TOKENS]: 42 }])
})

t.test('a stream that ends with an error is a failure where that is asked for', async (t) => {
  const streams: Record<string, string> = {
    '/m/good': token + usage(42) + DONE,
    '/m/failed': token + ERROR + DONE,
    '/m/null': 'data: {"error":null}\n\n',
    '/m/usage-behind': token + ERROR + usage(1) + DONE,
    '/m/not-at-its-end': ERROR + token.repeat(2000) + DONE,
    '/m/long': token.repeat(2000) + ERROR + DONE,
  }
  const answer = (path: string, res: ServerResponse) =>
    void res.writeHead(200, EVENTS).end(streams[path])
  const asked = await start(t, answer, { streamError: '/error' })
  const failed = { outcome: 'failed', status: 200, code: 'SERIN_UPSTREAM_STREAM_ERROR' }
  const good = { outcome: 'ok', status: 200, code: null }
  const expected = {
    ...{ '/m/good': good, '/m/failed': failed, '/m/null': good },
    ...{ '/m/usage-behind': failed, '/m/not-at-its-end': good, '/m/long': failed },
  }
  for (const [n, [path, end]] of Object.entries(expected).entries()) {
    const text = await rawExchange(asked.port, get(path))
    t.ok(text.includes(streams[path]!.slice(-DONE.length)), 'all of it came')
    t.match(await asked.recorder.ended(n + 1), end, path)
    t.match(asked.accessLog[n], end, path)
  }
  t.same(asked.recorder.notes, ['stream_error', 'stream_error', 'stream_error'])
  t.match(
    asked.recorder.attempts.map(({ result }) => result),
    ['ok', 'failed', 'ok', 'failed', 'ok', 'failed'],
  )
  t.same(asked.recorder.predictions, [], 'nothing else is read')
  const not = await start(t, answer)
  await rawExchange(not.port, get('/m/failed'))
  t.match(await not.recorder.ended(), good, 'and else it is none')
})

t.test('an error behind the time at which a stream is booked is counted alone', async (t) => {
  let open: ServerResponse | null = null
  const gateway = await start(
    t,
    (_path, res) => {
      open = res.writeHead(200, EVENTS)
      res.write(token)
    },
    { streamError: '/error', ...reading(null, [TOKENS]) },
    { settleMs: 0 },
  )
  const { recorder } = gateway
  const client = new RawConnection(gateway.port).send(get('/m/x'))
  await client.receive(token)
  await recorder.ended()
  open!.end(usage(42) + ERROR + DONE)
  await client.closed()
  t.match(recorder.ends, [{ outcome: 'ok' }])
  t.same(recorder.notes, ['stream_error'])
  t.same(recorder.numbers, [{}], 'of what failed nothing is read')
  t.match(gateway.accessLog.at(-1), { outcome: 'failed', code: 'SERIN_UPSTREAM_STREAM_ERROR' })
})

t.test('of a stream of which nothing is asked nothing is kept', async (t) => {
  const kept = t.capture(StreamTail.prototype, 'add')
  const answer = (path: string, res: ServerResponse) =>
    void res.writeHead(path === '/m/bad' ? 500 : 200, EVENTS).end(token + usage(42) + DONE)
  const gateway = await start(t, answer)
  await rawExchange(gateway.port, get('/m/x'))
  const asked = await start(t, answer, { streamError: '/error' })
  await rawExchange(asked.port, get('/m/bad'))
  t.same(kept(), [], 'nor of one that is a failure as it is')
  await rawExchange(asked.port, get('/m/x'))
  t.not(kept().length, 0)
})
