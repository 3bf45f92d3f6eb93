import t from 'tap'
import { readSample, readService, untilService } from './support/admin-api.ts'
import { startExample } from './support/example.ts'
import { ended, faster, LABELS, load, send } from './support/quick-start.ts'
import { seeded } from './support/seeded.ts'
import { startTfServing } from './support/tf-serving.ts'
import { startTorchServe } from './support/torchserve.ts'
import { startTriton } from './support/triton-server.ts'
import { until } from './support/until.ts'

// Each test runs the configuration of one page in docs/quick-starts against servers that speak as the protocol's
// documents say, in seconds instead of minutes.

const inference = ({ x }: { readonly x: number }) =>
  JSON.stringify({ inputs: [{ name: 'features', shape: [1], datatype: 'FP32', data: [x] }] })

t.test('quick-start-triton.yaml: one Triton, two versions, and the second errs more', async (t) => {
  const triton = await startTriton(t, ['1', '2'])
  triton.behaviour['1']!.off = 4
  triton.behaviour['2']!.off = 20
  const gateway = await startExample(t, 'quick-start-triton.yaml', {
    upstreams: { 8001: triton.origin },
    ...faster(LABELS),
  })
  await t.test('what is no inference goes to the server as it is', async (t) => {
    t.match(await send(gateway, '/v2/health/ready'), { status: 200, text: '' })
    const model = await send(gateway, '/v2/models/credit-risk')
    t.match(JSON.parse(model.text), { name: 'credit-risk', versions: ['1', '2'] })
  })
  await t.test('an inference goes to a version, and its answer comes back whole', async (t) => {
    const answer = await send(
      gateway,
      '/v2/models/credit-risk/infer',
      `{"id":"42",${inference({ x: 7 }).slice(1)}`,
    )
    const variant = answer.headers['x-serin-variant'] as string
    const off = variant === 'canary' ? 20 : 4
    t.match(JSON.parse(answer.text), {
      ...{ id: '42', model_version: variant === 'canary' ? '2' : '1' },
      outputs: [{ name: 'risk', datatype: 'FP32', shape: [1], data: [7 + off] }],
    })
    t.match(triton.seen.at(-1)!.url, /^\/v2\/models\/credit-risk\/versions\/[12]\/infer$/)
  })
  await t.test("a mistake of the caller's is the caller's", async (t) => {
    const { status, text } = await send(gateway, '/v2/models/credit-risk/infer', '{"inputs":[]}')
    t.match({ status, text }, { status: 400, text: /^\{"error":"Unable to parse 'inputs'/ })
    t.equal(await readSample(gateway.admin, 'serin_requests_total', 'outcome="failed"'), 0)
  })
  load(t, gateway, { path: '/v2/models/credit-risk/infer', body: inference })
  t.match(await ended(gateway, 'credit-risk', 'rolled-back'), /rmse/)
})

t.test(
  'quick-start-kserve.yaml: a good canary is promoted, and customers keep a version',
  async (t) => {
    const [one, two] = [await startTriton(t, ['1']), await startTriton(t, ['2'])]
    const gateway = await startExample(t, 'quick-start-kserve.yaml', {
      upstreams: { 8001: one.origin, 8002: two.origin },
      ...faster({ ...LABELS, errors: { floor: '5%' }, latency: { maxIncrease: '400%' } }),
    })
    const of = (user: string, x: number) =>
      `{"parameters":{"customer_id":"${user}"},${inference({ x }).slice(1)}`
    one.behaviour['1']!.off = 4
    load(t, gateway, {
      path: '/v2/models/credit-risk/infer',
      body: ({ x, user }) => of(user, x),
    })
    await untilService(
      gateway.admin,
      'credit-risk',
      'the canary has traffic',
      (s) => s.weights['canary']! > 0,
    )
    const weight = async () => (await readService(gateway.admin, 'credit-risk')).weights['canary']
    const variants = await until('ten answers at one weight', async () => {
      const before = await weight()
      const found = new Set<unknown>()
      for (let n = 0; n < 10; n++) {
        const { headers } = await send(
          gateway,
          '/v2/models/credit-risk/infer',
          of('customer-17', 1),
        )
        found.add(headers['x-serin-variant'])
      }
      return before === (await weight()) ? found : null
    })
    t.equal(variants.size, 1)
    t.ok(await ended(gateway, 'credit-risk', 'promoted'))
    const answer = await send(gateway, '/v2/models/credit-risk/infer', of('customer-17', 1))
    t.equal(JSON.parse(answer.text).model_version, '2')
  },
)

t.test(
  'quick-start-tf-serving.yaml: NaN in both directions, and a canary that fails',
  async (t) => {
    const [one, two] = [await startTfServing(t, '123'), await startTfServing(t, '124')]
    const gateway = await startExample(t, 'quick-start-tf-serving.yaml', {
      upstreams: { 8001: one.origin, 8002: two.origin },
      ...faster(LABELS),
    })
    const path = '/v1/models/half_plus_three:predict'
    await t.test('the status of the model comes from the baseline', async (t) => {
      const { text } = await send(gateway, '/v1/models/half_plus_three')
      t.match(JSON.parse(text), { model_version_status: [{ version: '123', state: 'AVAILABLE' }] })
    })
    await t.test('a NaN goes through byte for byte, and is no prediction', async (t) => {
      const body = '{"instances": [NaN, 1.0, -Infinity], "signature_name": "debug"}'
      const { status, headers, text } = await send(gateway, path, body)
      t.match({ status, text }, { status: 200, text: '"predictions": [NaN, 3.5, 3' })
      t.equal(headers['x-serin-variant'], 'baseline', 'the rule is found behind it')
      t.equal(one.seen.at(-1)!.body.toString(), body)
      const note = 'note="prediction_unreadable"'
      const counted = () => readSample(gateway.admin, 'serin_request_notes_total', note)
      while ((await counted()) === 0) await new Promise((resolve) => setImmediate(resolve))
      t.equal(await counted(), 1)
    })
    await t.test("the server's errors come back as it says them", async (t) => {
      const wrong = await send(gateway, path, '{"examples": []}')
      t.match(wrong, { status: 400, text: /^\{"error":/ })
      const other = await send(gateway, '/v1/models/half:predict', '{"instances": [1.0]}')
      t.match(other, {
        status: 404,
        text: '{"error":"Servable not found for request: Latest(half)"}',
      })
    })
    two.behaviour['124']!.failEvery = 3
    load(t, gateway, {
      path,
      body: ({ x }) => `{"instances": [${x}]}`,
      say: ({ requestId, x }) => [{ requestId, label: x / 2 + 3 }],
    })
    t.match(await ended(gateway, 'half-plus-three', 'rolled-back'), /errors|failed/)
  },
)

t.test(
  'quick-start-torchserve.yaml: images, and a canary that is corrected more often',
  async (t) => {
    const [one, two] = [await startTorchServe(t, '1.0'), await startTorchServe(t, '2.0')]
    const gateway = await startExample(t, 'quick-start-torchserve.yaml', {
      upstreams: { 8001: one.origin, 8002: two.origin },
      ...faster({ corrected: { window: '1s' } }),
    })
    await t.test('health, and models that are not there', async (t) => {
      t.match(await send(gateway, '/ping'), { status: 200, text: '{"status":"Healthy"}' })
      const { status, text } = await send(gateway, '/predictions/alexnet', Buffer.from('x'))
      t.match({ status, ...JSON.parse(text) }, { status: 404, type: 'ModelNotFoundException' })
    })
    await t.test('bytes and forms arrive as they were sent', async (t) => {
      const image = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 256))
      const raw = await send(gateway, '/predictions/resnet-18', image, 'application/octet-stream')
      t.match(JSON.parse(raw.text), { class: /tabby/, probability: 0.5 })
      const form = Buffer.concat([
        Buffer.from(
          '--B\r\ncontent-disposition: form-data; name="data"; filename="kitten.jpg"\r\n\r\n',
        ),
        image,
        Buffer.from('\r\n--B--\r\n'),
      ])
      await send(gateway, '/predictions/resnet-18', form, 'multipart/form-data; boundary=B')
      const received = [...one.seen, ...two.seen].map(({ body }) => body)
      t.ok(received.some((body) => body.equals(image)))
      t.ok(received.some((body) => body.equals(form)))
    })
    const draw = seeded(3)
    load(t, gateway, {
      path: '/predictions/resnet-18',
      say: ({ requestId, variant }) =>
        draw() < (variant === 'canary' ? 0.5 : 0.1) ? [{ requestId, event: 'corrected' }] : [],
    })
    t.match(await ended(gateway, 'resnet-18', 'rolled-back'), /corrected/)
    const { metrics } = await readService(gateway.admin, 'resnet-18')
    t.match(
      metrics.find(({ name }) => name === 'confidence'),
      { canary: { value: 0.5 } },
    )
  },
)
