import t, { type Test } from 'tap'
import { request } from 'undici'
import type { ServiceJson } from '../../src/admin/present.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { postFeedback, readSample, readService, untilService } from './support/admin-api.ts'
import { createEvenly } from './support/evenly.ts'
import { startExample } from './support/example.ts'
import { startLoad, type Answered } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { until } from './support/until.ts'
import { runSerin, type SerinGateway } from './support/serin-process.ts'
import { deviations } from './support/split-requests.ts'

type Sent = {
  readonly path: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

async function variantOf(gateway: SerinGateway, { path, body = {}, headers = {} }: Sent) {
  const answer = await request(`${gateway.data}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  await answer.body.dump()
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`)
  return String(answer.headers['x-serin-variant'])
}

/** Which variants answer, and how often. */
async function tally(gateway: SerinGateway, n: number, sent: (index: number) => Sent) {
  const found: Record<string, number> = {}
  for (let at = 0; at < n; at += 50) {
    const some = Array.from({ length: Math.min(50, n - at) }, (_, i) => sent(at + i))
    for (const variant of await Promise.all(some.map((each) => variantOf(gateway, each)))) {
      found[variant] = (found[variant] ?? 0) + 1
    }
  }
  return found
}

/** One server with both versions: the old one is off by 4, the new one by 1. */
async function startBoth(t: Test): Promise<string> {
  const upstream = await startUpstream((req, res) => {
    const off = req.url!.startsWith('/v2/models/credit-risk-v2/') ? 1 : 4
    res.writeHead(200, { 'content-type': 'application/json' })
    res.end(JSON.stringify({ outputs: [{ data: [100 + off] }] }))
  })
  t.teardown(upstream.close)
  return upstream.origin
}

t.test('key-split.yaml: each rule has its own figures, and none of it is evidence', async (t) => {
  const gateway = await startExample(t, 'key-split.yaml', {
    upstreams: { 8000: await startBoth(t) },
  })
  const send = (n: number, kind: string, sent: Omit<Sent, 'path'>, query = '') =>
    tally(gateway, n, (i) => ({
      path: `/v2/models/credit-risk/infer${query}`,
      body: { parameters: { customer_id: `${kind}-${i}` } },
      ...sent,
      headers: { 'x-request-id': `${kind}-${i}`, ...sent.headers },
    }))
  const tier = (card_tier: string) => ({ body: { parameters: { card_tier } } })
  t.same(await send(60, 'platinum', tier('platinum')), { baseline: 60 })
  t.same(await send(40, 'gold', tier('gold')), { canary: 40 })
  const coin = await send(200, 'nz', { headers: { 'x-country': 'NZ' } })
  t.ok(deviations(coin['canary']!, 200, 0.5) < 5, `${coin['canary']} of 200`)
  const young = { headers: { 'x-id': 'eu-1' } }
  t.same(await send(10, 'young', young, '?age=18'), { canary: 10 })
  t.same(await send(10, 'old', young, '?age=30'), { baseline: 10 }, 'no rule: drawn, and 100 %')

  await untilService(gateway.admin, 'credit-risk', 'all are counted', ({ rules }) => {
    const counts = rules.flatMap(({ variants }) => Object.values(variants))
    return counts.reduce((sum, { requests }) => sum + requests, 0) === 320
  })
  const labels = ['platinum', 'gold'].flatMap((kind) =>
    Array.from({ length: 30 }, (_, i) => ({ requestId: `${kind}-${i}`, label: 100 })),
  )
  t.match(await postFeedback(gateway.admin, labels), { joined: 60 })
  const service = await readService(gateway.admin, 'credit-risk')
  t.match(
    service.rules.map(({ rule, variants }) => [rule, Object.keys(variants).sort()]),
    [
      ['body:/parameters/card_tier = platinum', ['baseline']],
      ['body:/parameters/card_tier = gold', ['canary']],
      ['header:x-country = NZ', ['baseline', 'canary']],
      ['query:age >= 18 < 30 and header:x-id = eu-*', ['canary']],
      [null, ['baseline']],
    ],
  )
  const [platinum, gold, nz] = service.rules
  t.same([gold!.weights, nz!.weights], [{ canary: 100 }, { baseline: 50, canary: 50 }])
  t.match(platinum!.variants['baseline'], {
    requests: 60,
    errors: 0,
    metrics: { rmse: { value: 4, n: 30 } },
  })
  t.match(gold!.variants['canary'], { requests: 40, metrics: { rmse: { value: 1, n: 30 } } })
  t.ok(gold!.variants['canary']!.p95Ms! > 0)
  t.equal(nz!.variants['canary']!.requests, coin['canary'])
  t.match(service.notice, /^rules do not randomise: no A\/B test, no evidence/)
  t.same([service.comparisons, service.metrics], [[], []])
  const rule = 'rule="body:/parameters/card_tier = gold"'
  t.equal(await readSample(gateway.admin, 'serin_rule_requests_total', rule), 40)
  t.equal(await readSample(gateway.admin, 'serin_rule_metric_value', rule, 'metric="rmse"'), 1)
  const { stdout } = await runSerin(t, ['status', 'credit-risk'], gateway.admin)
  t.match(stdout, /^credit-risk {2}key split\n/)
  t.match(stdout, /card_tier = gold -> canary\n +canary +40 +0 .* 1 \(n 30\)\n/)
  t.match(stdout, /no A\/B\s+test/)
  t.comment(stdout)
})

t.test('fixed-ab.yaml: sessions keep their variant, at the weights of the file', async (t) => {
  const model = await startModel(t, seeded(4), { error: 0, failures: 0 })
  const upstreams = { 8001: model.origin, 8002: model.origin, 8003: model.origin }
  const gateway = await startExample(t, 'fixed-ab.yaml', { upstreams })
  const sent = (session: string): Sent => ({
    path: '/rank/infer',
    headers: { host: 'models.example.com', cookie: `session=${session}` },
  })
  const found = await tally(gateway, 800, (i) => sent(`s-${i}`))
  t.ok(deviations(found['baseline']!, 800, 0.625) < 5, `${found['baseline']}`)
  t.ok(deviations(found['small']!, 800, 0.25) < 5, `${found['small']}`)
  t.ok(deviations(found['large']!, 800, 0.125) < 5, `${found['large']}`)
  t.equal(Object.keys(await tally(gateway, 50, () => sent('one'))).length, 1)
  const promoted = await runSerin(t, ['promote', 'ranking', 'large'], gateway.admin)
  t.equal(promoted.code, 0, promoted.stderr)
  t.same(await tally(gateway, 50, (i) => sent(`s-${i}`)), { large: 50 })
})

t.test('abn.yaml: purchases tell two challengers apart; a backtest says it again', async (t) => {
  const draw = seeded(31)
  const model = await startModel(t, draw, { error: 0, failures: 0 })
  const gateway = await startExample(t, 'abn.yaml', {
    upstreams: { 8001: model.origin, 8002: model.origin, 8003: model.origin },
    key: 'header:x-user-id',
    // As in the file, in seconds instead of minutes; on a loaded machine an event takes a while.
    analysis: ({ metrics }) => ({
      ...{ interval: '500ms', warmUp: 0 },
      metrics: {
        ...metrics,
        rmse: { ...metrics['rmse'], labelWindow: '1s' },
        conversion: { ...metrics['conversion'], window: '5s' },
      },
    }),
  })
  const isBuyer: Record<string, () => boolean> = {
    baseline: createEvenly(() => 0.3),
    small: createEvenly(() => 0.1),
    large: createEvenly(() => 0.6),
  }
  const say = ({ requestId, variant }: Answered): object[] =>
    isBuyer[variant]!() ? [{ requestId, event: 'purchase' }] : []
  const load = startLoad(t, {
    ...{ data: () => gateway.data, admin: () => gateway.admin, path: '/rank/infer' },
    ...{ concurrency: 8, perSecond: 300, draw, say },
  })
  const of = ({ comparisons }: ServiceJson, variant: string) =>
    comparisons
      .find((c) => c.variant === variant)!
      .metrics.find(({ name }) => name === 'conversion')!
  const isNear = (value: number | null, share: number) =>
    value !== null && Math.abs(value - share) < 0.15
  await untilService(gateway.admin, 'ranking', 'both are known, with their shares', (s) => {
    const [small, large] = [of(s, 'small'), of(s, 'large')]
    return (
      small.comparison === 'worse' &&
      large.comparison === 'better' &&
      isNear(small.canary.value, 0.1) &&
      isNear(large.canary.value, 0.6) &&
      isNear(large.baseline.value, 0.3)
    )
  })
  await load.stop()
  // What was judged is stored a moment later than it is shown.
  const stdout = await until('a backtest says it again', async () => {
    const { stdout } = await runSerin(t, ['backtest', 'ranking'], gateway.admin)
    const saysAll = [
      /ranking {2}small {2}3\.1->3\.2-small#1/,
      /conversion +worse since \d\d:\d\d:\d\d/,
      /conversion +better since \d\d:\d\d:\d\d/,
    ].every((pattern) => pattern.test(stdout))
    return saysAll ? stdout : null
  })
  t.comment((await runSerin(t, ['status', 'ranking'], gateway.admin)).stdout)
  t.comment(stdout)
  await gateway.stop()
})

t.test(
  "coin.yaml: the client's own number decides; what is none is hashed and counted",
  async (t) => {
    const model = await startModel(t, seeded(5), { error: 0, failures: 0 })
    const gateway = await startExample(t, 'coin.yaml', {
      upstreams: { 8001: model.origin, 8002: model.origin },
      analysis: (of) => ({ ...of, interval: '500ms', warmUp: 0 }),
    })
    const sent = (bucket: string): Sent => ({
      path: '/rank/infer',
      headers: { 'x-bucket': bucket },
    })
    t.same(await tally(gateway, 100, (i) => sent(String(i / 500))), { canary: 100 })
    t.same(await tally(gateway, 150, (i) => sent(String(0.2 + i / 500))), { baseline: 150 })
    const named = await tally(gateway, 400, (i) => sent(`user-${i}`))
    t.ok(deviations(named['canary']!, 400, 0.2) < 5, `${named['canary']} of 400`)
    const note = 'note="coin_unreadable"'
    t.equal(await readSample(gateway.admin, 'serin_request_notes_total', note), 400)
    const service = await untilService(
      gateway.admin,
      'ranking',
      'the draws are counted',
      ({ comparisons: [c] }) => c!.units.baseline + c!.units.challenger > 0,
    )
    t.match(service, { rollout: '3.1 vs 3.2#1' })
    const keys = Array.from({ length: 40 }, (_, i) => String(0.19 + i / 2000))
    await tally(gateway, 40, (i) => sent(keys[i]!))
    const bought = keys.map((key) => ({ service: 'ranking', key, event: 'purchase' }))
    t.match(await postFeedback(gateway.admin, bought), { joined: 40 }, 'events find their key')
  },
)
