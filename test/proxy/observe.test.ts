import t from 'tap'
import { gzipSync } from 'node:zlib'
import { PredictionReader, resolvePointer } from '../../src/proxy/observe.ts'
import { FakeRecorder } from '../support/fake-recorder.ts'
import { refusedOrigin, startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'

const OBSERVE = {
  requestIdHeader: 'x-trace',
  prediction: '/outputs/0/data/0',
  sample: 1,
  numbers: [],
  awaitsEvents: false,
}
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`

t.test('predictions are read from answers after they have left', async (t) => {
  const answers: Record<string, readonly [status: number, body: string | Buffer, type?: object]> = {
    '/m/good': [200, '{"outputs":[{"data":[3.25,1]}]}'],
    '/m/none': [200, '{"outputs":[]}'],
    '/m/text': [200, '{"outputs":[{"data":["3"]}]}'],
    '/m/broken': [200, '{"outputs":'],
    '/m/error': [500, '{"outputs":[{"data":[3.25]}]}'],
    '/m/gzip': [200, gzipSync('{"outputs":[{"data":[1]}]}'), { 'content-encoding': 'gzip' }],
    '/m/events': [200, 'data: 1\n\n', { 'content-type': 'text/event-stream' }],
    '/m/large': [200, `{"x":"${'x'.repeat(5000)}","outputs":[{"data":[1]}]}`],
    '/m/vast': [200, '{"outputs":[{"data":[1e51]}]}'],
  }
  const upstream = await startUpstream((req, res) => {
    const [status, body, headers = {}] = answers[req.url!]!
    res.writeHead(status, { ...headers }).end(body)
  })
  const service = serviceWith([variantAt('baseline', upstream.origin)], { observe: OBSERVE })
  const gateway = await startGateway([service], { limits: { copyBytes: 4096 } })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const { recorder } = gateway
  const expected: readonly (readonly [path: string, value: number | null, notes: number])[] = [
    ['/m/good', 3.25, 0],
    ['/m/none', null, 1],
    ['/m/text', null, 1],
    ['/m/broken', null, 1],
    ['/m/error', null, 0],
    ['/m/gzip', null, 1],
    ['/m/events', null, 1],
    ['/m/large', null, 1],
    ['/m/vast', null, 1],
  ]
  for (const [n, [path, value, notes]] of expected.entries()) {
    const answer = parseAnswer(await rawExchange(gateway.port, get(path)))
    t.equal(answer.field('x-trace'), `id-${n + 1}`, path)
    await recorder.until(({ predictions }) => predictions.length > n)
    t.same(recorder.predictions[n], { requestId: `id-${n + 1}`, value }, path)
    t.same(recorder.notes.splice(0), Array(notes).fill('prediction_unreadable'), path)
  }
})

t.test('of a sample alone predictions are read, and asked for', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end('{"outputs":[{"data":[1]}]}'))
  const draws = [0.24, 0.5, 0.26, 0.5]
  const gateway = await startGateway(
    [
      serviceWith([variantAt('baseline', upstream.origin)], {
        observe: { ...OBSERVE, sample: 0.25, numbers: [], awaitsEvents: false },
      }),
    ],
    { draw: () => draws[gateway.recorder.begun.length === 0 ? 0 : 2]! },
  )
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const get = 'GET /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  await rawExchange(gateway.port, get)
  await rawExchange(gateway.port, get)
  await gateway.recorder.until(({ predictions }) => predictions.length > 0)
  t.same(
    gateway.recorder.begun.map(({ observed }) => observed),
    [true, false],
  )
  t.match(gateway.recorder.predictions, [{ value: 1 }])
  t.equal(gateway.recorder.predictions.length, 1)
})

t.test('a request without an answer has no prediction', async (t) => {
  const service = serviceWith([variantAt('baseline', await refusedOrigin())], { observe: OBSERVE })
  const gateway = await startGateway([service])
  t.teardown(() => gateway.close())
  await rawExchange(gateway.port, get('/m/x'))
  t.match(gateway.recorder.predictions, [{ value: null }])
  t.same(gateway.recorder.notes, [])
})

t.test('a slow client still gets its answer observed', async (t) => {
  const body = `{"outputs":[{"data":[7]}],"pad":"${'x'.repeat(200_000)}"}`
  const upstream = await startUpstream((_req, res) => {
    res.write(body.slice(0, 10))
    setImmediate(() => res.end(body.slice(10)))
  })
  const service = serviceWith([variantAt('baseline', upstream.origin)], { observe: OBSERVE })
  const gateway = await startGateway([service])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port).send(get('/m/x'))
  await client.closed()
  await gateway.recorder.until(({ predictions }) => predictions.length > 0)
  t.match(gateway.recorder.predictions, [{ value: 7 }])
})

t.test('pointers follow RFC 6901', async (t) => {
  const document = { 'a/b': 1, 'm~n': 2, '': 3, list: [4, [5]], nul: null }
  const cases: readonly (readonly [string, unknown])[] = [
    ['', document],
    ['/a~1b', 1],
    ['/m~0n', 2],
    ['/', 3],
    ['/list/0', 4],
    ['/list/1/0', 5],
    ['/list/01', undefined],
    ['/list/length', undefined],
    ['/list/-', undefined],
    ['/nul/x', undefined],
    ['/toString', undefined],
  ]
  for (const [pointer, value] of cases) t.same(resolvePointer(document, pointer), value, pointer)
})

t.test('what waits to be read is bounded, and read at the latest on closing', async (t) => {
  const recorder = new FakeRecorder()
  const reader = new PredictionReader()
  const chunk = Buffer.from('[1]')
  const add = (n: number, bytes: number) => {
    const assignment = {
      variant: 'baseline',
      reason: 'random',
      unit: null,
      suppressed: false,
      keyMissing: false,
      overrideRefused: false,
    } as const
    const ticket = recorder.begin(assignment, `r${n}`, 0, true)
    reader.add({
      recorder,
      ticket,
      pointer: '/0',
      numbers: [],
      chunks: [chunk],
      bytes,
      stream: null,
    })
  }
  for (let n = 0; n < 1025; n++) add(n, 3)
  t.same(recorder.predictions, [{ requestId: 'r1024', value: null }], 'the one too many')
  reader.close()
  t.equal(recorder.predictions.length, 1025)
  add(2000, 17 * 1024 * 1024)
  t.match(recorder.predictions.at(-1), { requestId: 'r2000', value: null })
  // More than one turn's worth: the rest waits for the next turn.
  for (let n = 0; n < 3; n++) add(3000 + n, 50_000)
  await recorder.until(({ predictions }) => predictions.length === 1029)
  t.match(recorder.predictions.at(-1), { requestId: 'r3002', value: 1 })
})
