import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { request } from 'undici'
import { startRedis } from '../support/redis-server.ts'
import { postFeedback, readSample, untilService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startModel } from './support/model-server.ts'
import { skipWithout } from './support/programs.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'
import { until } from './support/until.ts'

t.test('e2e/the same label to two gateways, on one directory', (t) =>
  testTwice(t, `lmdb:${join(t.testdir(), 'data')}`),
)

t.test(
  'e2e/the same label to two gateways, on one Redis',
  skipWithout('redis-server'),
  async (t) => {
    const redis = await startRedis(t, t.testdir())
    await testTwice(t, `redis://127.0.0.1:${redis.port}/0`)
  },
)

/** Requests whose feedback comes one by one, and those of which it comes in one post. */
const SINGLE = 40
const MANY = 400

/** Each label and each event is posted to two gateways at the same moment: one has joined it, the other says so. */
async function testTwice(t: Test, store: string): Promise<void> {
  const gateways = await startTwo(t, store)
  const [first] = gateways
  const ids = await sendAll(first, SINGLE + MANY)
  // Predictions are written behind the answers, in their order.
  const last = [{ requestId: ids.pop(), label: 3 }]
  await until(
    'the last is stored',
    async () => (await postFeedback(first.admin, last)).joined === 1,
  )

  for (const requestId of ids.slice(0, SINGLE)) {
    for (const what of [{ label: 3 }, { event: 'purchase', id: 'o-1', value: 1 }]) {
      const reports = await Promise.all(
        gateways.map(({ admin }) => postFeedback(admin, [{ requestId, ...what }])),
      )
      const results = reports.map(({ joined, duplicate }) => `${joined} ${duplicate}`).sort()
      t.strictSame(results, ['0 1', '1 0'], `${requestId}: ${JSON.stringify(what)}`)
    }
  }
  const many = ids.slice(SINGLE)
  // One of the two has them backwards, and another purchase of each.
  const lines = many.flatMap((requestId) => [
    { requestId, label: 3 },
    { requestId, event: 'purchase', id: 'o-1', value: 1 },
    { requestId, event: 'purchase', id: 'o-2', value: 1 },
  ])
  const reports = await Promise.all([
    postFeedback(gateways[0].admin, lines),
    postFeedback(gateways[1].admin, lines.toReversed()),
  ])
  t.equal(reports[0].joined + reports[1].joined, lines.length, JSON.stringify(reports))
  t.equal(reports[0].duplicate + reports[1].duplicate, lines.length)

  const judged = ids.length + 1
  const service = await untilService(first.admin, 'm', 'all is folded', ({ metrics }) =>
    ['rmse', 'conversion', 'revenue'].every((name) => {
      const found = metrics.find((each) => each.name === name)
      return found !== undefined && found.baseline.n + found.canary.n >= judged
    }),
  )
  const total = (name: string) => {
    const { baseline, canary } = service.metrics.find((each) => each.name === name)!
    return Math.round((baseline.value ?? 0) * baseline.n + (canary.value ?? 0) * canary.n)
  }
  const { baseline, canary } = service.metrics.find(({ name }) => name === 'rmse')!
  t.equal(baseline.n + canary.n, judged, 'each label counts once')
  t.equal(total('conversion'), ids.length, 'each unit converts once')
  t.equal(total('revenue'), SINGLE + 2 * many.length, 'each purchase is added once')
}

async function startTwo(t: Test, store: string): Promise<readonly [SerinGateway, SerinGateway]> {
  const model = await startModel(t, seeded(5), { error: 0, failures: 0 })
  // All feedback has to come in it, however busy the machine is.
  const window = '20s'
  const service = buildRolloutService(
    { baseline: model.origin, canary: model.origin },
    {
      split: { key: undefined },
      rollout: { steps: [{ weight: '50%', minDuration: '10m' }, { weight: '100%' }] },
      analysis: {
        interval: '1s',
        warmUp: 0,
        metrics: {
          rmse: { kind: 'rmse', maxIncrease: '50%', labelWindow: window, minLabels: 100, cap: 50 },
          conversion: { kind: 'conversion', event: 'purchase', maxDecrease: '50%', window },
          revenue: { kind: 'sum', event: 'purchase', maxDecrease: '50%', cap: 9, window },
        },
      },
    },
  )
  const start = (name: string) => {
    const folder = join(t.testdirName, name)
    mkdirSync(folder, { recursive: true })
    return startSerin(t, writeConfig(folder, buildConfig(folder, { m: service }, { store })))
  }
  const first = await start('first')
  await until('it decides', async () => (await readSample(first.admin, 'serin_leader')) === 1)
  const second = await start('second')
  await until('both take part', async () => (await readSample(first.admin, 'serin_replicas')) === 2)
  return [first, second]
}

/** Sends requests one after the other, half of them to each variant; gives their ids. */
async function sendAll({ data }: SerinGateway, count: number): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) {
    const answer = await request(`${data}/m/infer`, { method: 'POST', body: '{"x":3}' })
    await answer.body.dump()
    ids.push(String(answer.headers['x-request-id']))
  }
  return ids
}
