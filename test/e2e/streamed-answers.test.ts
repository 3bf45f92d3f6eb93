import t from 'tap'
import { readSample, untilService } from './support/admin-api.ts'
import { startExample } from './support/example.ts'
import { startOpenAi } from './support/openai-server.ts'
import { ended, ENDLESS, faster, load } from './support/quick-start.ts'

t.test(
  'quick-start-openai.yaml: tokens of streams are counted, and errors inside of them roll back',
  async (t) => {
    const [one, two] = [await startOpenAi(t, '1'), await startOpenAi(t, '2')]
    two.tokens = 12
    const quick = faster({ liked: { window: '1s' } }, ENDLESS)
    const gateway = await startExample(t, 'quick-start-openai.yaml', {
      ...quick,
      upstreams: { 8001: one.origin, 8002: two.origin },
      // Another system's word is not what this is about.
      analysis: (of) => {
        const metrics = Object.entries(of.metrics).filter(([, { kind }]) => kind !== 'prometheus')
        return quick.analysis!({ ...of, metrics: Object.fromEntries(metrics) })
      },
    })
    const stream = { stream: true, stream_options: { include_usage: true } }
    const messages = [{ role: 'user', content: 'Hello!' }]
    load(t, gateway, {
      path: '/v1/chat/completions',
      body: ({ user }) => JSON.stringify({ model: 'chat', messages, user, ...stream }),
      say: ({ requestId }) => [{ requestId, event: 'thumbs-up' }],
    })
    await untilService(gateway.admin, 'chat', 'tokens are counted', ({ metrics }) =>
      metrics.some(
        ({ name, baseline, canary }) =>
          name === 'tokens' && baseline.value === 8 && canary.value === 12,
      ),
    )
    two.failsWithin = true
    t.match(await ended(gateway, 'chat', 'rolled-back'), /\d × SERIN_UPSTREAM_STREAM_ERROR/)
    const failed = (variant: string) =>
      readSample(
        gateway.admin,
        'serin_requests_total',
        `variant="${variant}"`,
        'outcome="failed"',
        'code="200"',
      )
    t.ok((await failed('canary'))! > 0, 'they are failures, with the status that they had')
    t.notOk(await failed('baseline'))
    t.ok(await readSample(gateway.admin, 'serin_request_notes_total', 'note="stream_error"'))
  },
)
