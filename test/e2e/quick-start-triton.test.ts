import t from 'tap'
import { readSample, readService, untilService } from './support/admin-api.ts'
import { startExample } from './support/example.ts'
import { ended, ENDLESS, faster, LABELS, load, send } from './support/quick-start.ts'
import { startTriton } from './support/triton-server.ts'
import { until } from './support/until.ts'

const inference = ({ x }: { readonly x: number }) =>
  JSON.stringify({ inputs: [{ name: 'features', shape: [1], datatype: 'FP32', data: [x] }] })

t.test('quick-start-triton.yaml: one Triton, two versions, and the second errs more', async (t) => {
  const triton = await startTriton(t, ['1', '2'])
  triton.behaviour['1']!.off = 4
  triton.behaviour['2']!.off = 20
  const gateway = await startExample(t, 'quick-start-triton.yaml', {
    upstreams: { 8001: triton.origin },
    ...faster(LABELS, ENDLESS),
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
    const posted = triton.seen.findLast(({ method }) => method === 'POST')
    t.match(posted!.url, /^\/v2\/models\/credit-risk\/versions\/[12]\/infer$/)
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
      ...faster(LABELS),
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
