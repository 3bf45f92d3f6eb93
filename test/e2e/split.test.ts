import t, { type Test } from 'tap'
import { request } from 'undici'
import { startUpstream } from '../support/fake-upstream.ts'
import { readSample } from './support/admin-api.ts'
import { checkSplit } from './support/check-split.ts'
import { buildConfig, buildFixedService } from './support/config.ts'
import { startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'
import { deviations } from './support/split-requests.ts'
import { until } from './support/until.ts'

t.test('10,000 requests of 5,000 keys keep to their weights and variants.', async (t) => {
  await checkSplit(t, 10_000, 5_000)
})

const SECRET = 'correct horse battery staple'

async function startSplit(t: Test): Promise<SerinGateway> {
  const upstream = await startUpstream((_req, res) => res.end('ok'))
  t.teardown(upstream.close)
  const folder = t.testdir({})
  const service = buildFixedService(
    { baseline: upstream.origin, canary: upstream.origin },
    {
      key: 'body:/user',
      rules: [{ when: { 'body:/card_tier': ['gold'] }, variant: 'canary' }],
      weights: { canary: '30%' },
      override: { header: 'x-serin-variant', secret: '${SECRET}' },
    },
  )
  return startSerin(t, writeConfig(folder, buildConfig(folder, { m: service })), { SECRET })
}

type Sent = {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Which variant answers a request. A text is sent as it is, anything else as JSON. */
async function variantOf(gateway: SerinGateway, { body = {}, headers = {} }: Sent) {
  const answer = await request(`${gateway.data}/m/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  await answer.body.dump()
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`)
  return answer.headers['x-serin-variant']
}

t.test('Rules, overrides and keys of the body decide, and what fails is counted.', async (t) => {
  const gateway = await startSplit(t)
  const each = async (n: number, sent: (index: number) => Sent) => {
    const found = await Promise.all(
      Array.from({ length: n }, (_, i) => variantOf(gateway, sent(i))),
    )
    return { canaries: found.filter((v) => v === 'canary').length, all: new Set(found) }
  }

  const gold = await each(50, (i) => ({ body: { user: `g-${i}`, card_tier: 'gold' } }))
  t.same([...gold.all], ['canary'], 'card_tier gold has the canary, whoever it is')
  const one = await each(20, () => ({ body: { card_tier: 'silver', user: 'same' } }))
  t.equal(one.all.size, 1, 'one user has one variant')
  const users = await each(1000, (i) => ({ body: { user: i } }))
  t.ok(deviations(users.canaries, 1000, 0.3) < 5, `${users.canaries} of 1000 users`)

  for (const variant of ['canary', 'baseline']) {
    const headers = { 'x-serin-variant': variant, 'x-serin-secret': SECRET }
    const asked = await each(20, (i) => ({ body: { user: i }, headers }))
    t.same([...asked.all], [variant], `an override with the secret has ${variant}`)
  }
  const wrong = { 'x-serin-variant': 'canary', 'x-serin-secret': 'guess' }
  const refused = await each(200, (i) => ({ body: { user: i }, headers: wrong }))
  const unasked = await each(200, (i) => ({ body: { user: i } }))
  t.equal(refused.canaries, unasked.canaries, 'a wrong secret changes nothing')

  const broken = await each(400, () => ({ body: '{"user": "a' }))
  t.ok(
    deviations(broken.canaries, 400, 0.3) < 5,
    `broken bodies are drawn: ${broken.canaries} of 400`,
  )
  const nameless = await each(100, () => ({ body: { card_tier: 'silver' } }))
  t.equal(nameless.all.size, 2, 'so are those without the key')

  const notes = (note: string) =>
    readSample(gateway.admin, 'serin_request_notes_total', `note="${note}"`)
  await until('the last one is counted', async () => (await notes('key_missing')) >= 500)
  t.equal(await notes('key_missing'), 500)
  t.equal(await notes('key_unreadable'), 400)
  t.equal(await notes('override_refused'), 200)
  const requests = (...labels: string[]) =>
    readSample(gateway.admin, 'serin_requests_total', 'outcome="ok"', 'code="200"', ...labels)
  t.equal(await requests('variant="canary"', 'assignment="rule"'), 50)
  t.equal(await requests('variant="canary"', 'assignment="override"'), 20)
  t.equal(await requests('variant="baseline"', 'assignment="override"'), 20)
})
