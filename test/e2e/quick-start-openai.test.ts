import t from 'tap'
import { request } from 'undici'
import { readSample, untilService } from './support/admin-api.ts'
import { startExample } from './support/example.ts'
import { startOpenAi } from './support/openai-server.ts'
import { ended, ENDLESS, faster, load, send } from './support/quick-start.ts'
import { until } from './support/until.ts'

t.test(
  'quick-start-openai.yaml: streams pass token by token, and a slow first token rolls back',
  async (t) => {
    const [one, two] = [await startOpenAi(t, '1'), await startOpenAi(t, '2')]
    // On a busy machine a token is late by itself.
    const firstToken = { onFailure: 'rollback', maxIncrease: '100%' }
    const gateway = await startExample(t, 'quick-start-openai.yaml', {
      upstreams: { 8001: one.origin, 8002: two.origin },
      ...faster({ liked: { window: '1s' }, 'first-token': firstToken }, ENDLESS),
    })
    const path = '/v1/chat/completions'
    const chat = (more: object) =>
      JSON.stringify({ model: 'chat', messages: [{ role: 'user', content: 'Hello!' }], ...more })
    await t.test(
      'the models are listed, and what is wrong is said as the server says it',
      async (t) => {
        t.match(JSON.parse((await send(gateway, '/v1/models')).text), { object: 'list' })
        const { status, text } = await send(gateway, path, chat({ model: 'other' }))
        t.match({ status, ...JSON.parse(text) }, { status: 404, error: { type: 'NotFoundError' } })
      },
    )
    /** Reads a stream; the servers send each token only when the one before has arrived here. */
    const readStream = async (more: object) => {
      let text = ''
      const tokens = () => text.match(/"content":/g)?.length ?? 0
      const arrived = (sent: number) => until('the token is here', () => tokens() >= sent)
      one.afterTokens = two.afterTokens = arrived
      const answer = await request(`${gateway.data}${path}`, {
        method: 'POST',
        body: chat({ stream: true, ...more }),
      })
      try {
        for await (const part of answer.body) text += part
      } finally {
        one.afterTokens = two.afterTokens = () => Promise.resolve()
      }
      return { type: answer.headers['content-type'], text }
    }
    await t.test('a stream passes token by token, to its end', async (t) => {
      const { type, text } = await readStream({ stream_options: { include_usage: true } })
      t.match(type, 'text/event-stream')
      t.equal(text.match(/"object":"chat\.completion\.chunk"/g)!.length, 8 + 2)
      t.match(text, /"usage":\{"prompt_tokens":9,.*\}\n\ndata: \[DONE\]\n\n$/)
      const name = 'serin_time_to_first_byte_seconds_count'
      const timed = () => readSample(gateway.admin, name, 'service="chat"')
      t.ok(await until('its first byte is timed', timed))
    })
    await t.test('a stream that breaks off breaks off, and is a failure', async (t) => {
      one.breaksOff = two.breaksOff = true
      await t.rejects(readStream({}))
      one.breaksOff = two.breaksOff = false
      const failed = async () => {
        const [one, two] = await Promise.all(
          ['baseline', 'canary'].map((v) =>
            readSample(gateway.admin, 'serin_requests_total', `variant="${v}"`, 'outcome="failed"'),
          ),
        )
        return one! + two!
      }
      t.equal(await until('it is counted', failed), 1)
    })
    // A model that says more, and begins as soon.
    two.tokens = 24
    two.tokenMs = 10
    load(t, gateway, {
      path,
      body: ({ x, user }) => chat({ user, stream: x < 50 }),
      // The canary is liked, lest chance should speak first.
      say: ({ requestId, x, variant }) =>
        x > 30 || variant === 'canary' ? [{ requestId, event: 'thumbs-up' }] : [],
    })
    await t.test('longer answers are slower, and their first token is not', async (t) => {
      // The stream above may have been the canary's, which said 8 then.
      await untilService(gateway.admin, 'chat', 'tokens are counted', ({ metrics }) =>
        metrics.some(({ name, canary }) => name === 'tokens' && (canary.value ?? 0) > 20),
      )
      const { phase, metrics } = await untilService(
        gateway.admin,
        'chat',
        'whole answers are slower',
        (s) => s.metrics.some(({ name, verdict }) => name === 'latency' && verdict === 'failed'),
      )
      t.equal(phase, 'progressing')
      const first = metrics.find(({ name }) => name === 'first-token')!
      t.match(first, { kind: 'latency', until: 'first-byte' })
      t.not(first.verdict, 'failed')
    })
    await t.test('a first token that is late rolls back, behind a head that is not', async (t) => {
      two.tokenMs = 0
      two.firstTokenMs = 1000
      t.match(await ended(gateway, 'chat', 'rolled-back'), /Rolled back by first-token: /)
    })
  },
)
