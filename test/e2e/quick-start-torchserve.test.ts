import t from 'tap'
import { untilService } from './support/admin-api.ts'
import { startExample } from './support/example.ts'
import { ended, ENDLESS, faster, load, send } from './support/quick-start.ts'
import { seeded } from './support/seeded.ts'
import { startTorchServe } from './support/torchserve.ts'

t.test(
  'quick-start-torchserve.yaml: images, and a canary that is corrected more often',
  async (t) => {
    const [one, two] = [await startTorchServe(t, '1.0'), await startTorchServe(t, '2.0')]
    const gateway = await startExample(t, 'quick-start-torchserve.yaml', {
      upstreams: { 8001: one.origin, 8002: two.origin },
      ...faster({ corrected: { window: '1s' } }, ENDLESS),
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
    let isCorrected = false
    load(t, gateway, {
      path: '/predictions/resnet-18',
      say: ({ requestId, variant }) =>
        isCorrected && draw() < (variant === 'canary' ? 0.5 : 0.1)
          ? [{ requestId, event: 'corrected' }]
          : [],
    })
    // Before users correct it: what is rolled back is read no more.
    await untilService(gateway.admin, 'resnet-18', 'its confidence is read', ({ metrics }) =>
      metrics.some(({ name, canary }) => name === 'confidence' && canary.value === 0.5),
    )
    isCorrected = true
    t.match(await ended(gateway, 'resnet-18', 'rolled-back'), /corrected/)
  },
)
