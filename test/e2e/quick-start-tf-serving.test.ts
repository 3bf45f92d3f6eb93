import t from 'tap'
import { readSample } from './support/admin-api.ts'
import { startExample } from './support/example.ts'
import { ended, ENDLESS, faster, LABELS, load, send } from './support/quick-start.ts'
import { startTfServing } from './support/tf-serving.ts'
import { until } from './support/until.ts'

t.test(
  'quick-start-tf-serving.yaml: NaN in both directions, and a canary that fails',
  async (t) => {
    const [one, two] = [await startTfServing(t, '123'), await startTfServing(t, '124')]
    const gateway = await startExample(t, 'quick-start-tf-serving.yaml', {
      upstreams: { 8001: one.origin, 8002: two.origin },
      ...faster(LABELS, ENDLESS),
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
      // Health checks are seen as well.
      const posted = one.seen.findLast(({ method }) => method === 'POST')
      t.equal(posted!.body.toString(), body)
      const note = 'note="prediction_unreadable"'
      const counted = () => readSample(gateway.admin, 'serin_request_notes_total', note)
      t.equal(await until('it is counted', counted), 1)
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
