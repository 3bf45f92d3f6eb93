import t, { type Test } from 'tap'
import { createFault } from '../../src/demo/fault.ts'
import { createModelServer } from '../../src/demo/model-server.ts'
import type { ModelServerOptions } from '../../src/demo/model-server.ts'

const SUM: ModelServerOptions = {
  name: 'sum',
  version: '2.0',
  model: { predict: (features) => features.reduce((sum, value) => sum + value, 0) },
  featureCount: 3,
  serve: (features) => features,
  isOutOfOrder: () => false,
}

async function serve(t: Test, options: Partial<ModelServerOptions> = {}): Promise<string> {
  const server = await createModelServer({ ...SUM, ...options })
  t.teardown(() => server.close())
  return `http://127.0.0.1:${server.port}`
}

function tensor(change: Readonly<Record<string, unknown>> = {}): unknown {
  return { name: 'features', shape: [1, 3], datatype: 'FP64', data: [1, 2, 3.5], ...change }
}

async function infer(origin: string, body: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${origin}/v2/models/sum/infer`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, body: await response.json() }
}

t.test('an inference is answered in the shape of the Open Inference Protocol', async (t) => {
  const origin = await serve(t)
  const answer = {
    model_name: 'sum',
    model_version: '2.0',
    outputs: [{ name: 'prediction', shape: [1], datatype: 'FP64', data: [6.5] }],
  }
  const id = 'r-1'
  const parameters = { card_tier: 'gold' }
  t.same(await infer(origin, { id, parameters, inputs: [tensor()] }), {
    status: 200,
    body: { ...answer, id },
  })
  t.same(await infer(origin, { inputs: [tensor({ data: [[1, 2, 3.5]] })] }), {
    status: 200,
    body: answer,
  })
})

t.test('health, readiness and metadata are served', async (t) => {
  const origin = await serve(t)
  const get = async (path: string): Promise<unknown> => (await fetch(`${origin}${path}`)).json()
  t.match(await get('/v2'), { name: /serin/ })
  t.same(await get('/v2/health/live'), { live: true })
  t.same(await get('/v2/health/ready'), { ready: true })
  t.same(await get('/v2/models/sum/ready'), { name: 'sum', ready: true })
  t.match(await get('/v2/models/sum/versions/2.0?x=1'), { versions: ['2.0'] })
})

t.test('bad input is answered 4xx with a sentence', async (t) => {
  const origin = await serve(t)
  const cases: readonly (readonly [unknown, RegExp])[] = [
    ['{"inputs":', /not JSON/],
    ['[1]', /not a JSON object/],
    [{ id: 7, inputs: [tensor()] }, /id: not a string/],
    [{ inputs: [] }, /inputs: not an array of one tensor/],
    [{ inputs: ['x'] }, /inputs\[0\]: not an object/],
    [{ inputs: [tensor({ name: 'x' })] }, /name: not "features"/],
    [{ inputs: [tensor({ datatype: 'BYTES' })] }, /datatype: not "FP64"/],
    [{ inputs: [tensor({ shape: [3] })] }, /shape: not \[1, 3\]/],
    [{ inputs: [tensor({ data: [1, 2] })] }, /data: not 3 numbers/],
    [{ inputs: [tensor({ data: [1, 2, '3'] })] }, /data: not 3 numbers/],
    [{ inputs: [tensor({ data: 'x' })] }, /data: not 3 numbers/],
  ]
  for (const [body, error] of cases)
    t.match(await infer(origin, body), { status: 400, body: { error } })
})

t.test('what is not there is answered 404, a wrong method 405, too much 413', async (t) => {
  const origin = await serve(t)
  const status = async (path: string, init?: RequestInit): Promise<number> => {
    const response = await fetch(`${origin}${path}`, init)
    t.match(await response.json(), { error: /\w/ })
    return response.status
  }
  t.equal(await status('/v1/models'), 404)
  t.equal(await status('/v2/models/other/ready'), 404)
  t.equal(await status('/v2/models/sum/versions/1.0/ready'), 404)
  t.equal(await status('/v2/models/sum/infer'), 405)
  const body = 'x'.repeat(1024 * 1024 + 1)
  t.equal(await status('/v2/models/sum/infer', { method: 'POST', body }), 413)
})

t.test('the serving side hands the model what it makes of the features', async (t) => {
  const origin = await serve(t, { serve: (features) => features.map((value) => value * 2) })
  t.match(await infer(origin, { inputs: [tensor()] }), { body: { outputs: [{ data: [13] }] } })
})

t.test(
  'a server out of order answers 500 to inference and still says that it is healthy',
  async (t) => {
    const origin = await serve(t, { isOutOfOrder: () => true })
    t.match(await infer(origin, { inputs: [tensor()] }), {
      status: 500,
      body: { error: /out of memory/ },
    })
    t.equal((await fetch(`${origin}/v2/health/ready`)).status, 200)
  },
)

t.test('a client that leaves in mid-body takes nothing with it', async (t) => {
  const origin = await serve(t)
  const leaving = new AbortController()
  const body = new ReadableStream({
    start: (stream) => stream.enqueue(new TextEncoder().encode('{"inputs":')),
    pull: () => leaving.abort(),
  })
  const init = { method: 'POST', body, duplex: 'half', signal: leaving.signal } as RequestInit
  await t.rejects(fetch(`${origin}/v2/models/sum/infer`, init), { name: 'AbortError' })
  t.match(await infer(origin, { inputs: [tensor()] }), { status: 200 })
})

t.test('a fault begins so long after the first request, hits its share, and is told once', (t) => {
  let now = 5000
  let draw = 0.5
  let onsets = 0
  const isOutOfOrder = createFault(
    { afterMs: 1000, share: 0.8 },
    () => now,
    () => draw,
    () => (onsets += 1),
  )
  t.equal(isOutOfOrder(), false)
  now = 5999
  t.equal(isOutOfOrder(), false)
  now = 6000
  draw = 0.8
  t.equal(isOutOfOrder(), false)
  t.equal(onsets, 0)
  draw = 0.79
  t.equal(isOutOfOrder(), true)
  t.equal(isOutOfOrder(), true)
  t.equal(onsets, 1)
  t.end()
})
