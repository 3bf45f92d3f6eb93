import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { request } from 'undici'
import type { DecisionJson } from '../../src/admin/present.ts'
import { startRedis } from '../support/redis-server.ts'
import {
  askAdmin,
  command,
  readDecisions,
  readSample,
  readService,
  untilService,
} from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { skipWithout } from './support/programs.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'
import { startTwoGateways } from './support/two-gateways.ts'
import { until } from './support/until.ts'

const PENDING =
  /^m: 2\.0 gets nothing from this gateway since operator@loopback aborted it: that is stored, and other gateways hear of it, when the store is back \(it is away since .*\)\nm: rolled-back, baseline 100 %, canary 0 %\n$/

t.test('e2e/abort-away', skipWithout('redis-server'), async (t) => {
  t.test(
    'An abort while Redis is away holds at once, and is stored when it is back.',
    async (t) => {
      const { redis, start, loadOn } = await prepare(t, 1)
      const gateway = await start()
      const { admin } = gateway
      await begins(gateway)
      const load = loadOn(gateway)
      await until('the canary answers', () => (load.tally.variants['canary'] ?? 0) > 10)
      await redis.kill()
      await until('it is known', async () => (await readSample(admin, 'serin_store_up')) === 0)

      const order = (verb: string) =>
        askAdmin(admin, `/api/v1/services/m/${verb}`, { method: 'POST', body: {} })
      t.equal((await order('pause')).status, 503, 'nothing else is decided')
      const aborted = await runSerin(t, ['abort', 'm', '--reason', 'complaints'], admin)
      t.equal(aborted.code, 0, aborted.stderr)
      t.match(aborted.stdout, PENDING)
      await answersByBaseline(t, gateway)
      t.match(await order('abort'), { status: 202, text: /since operator@loopback aborted it/ })
      t.equal((await order('promote')).status, 503)
      const status = await runSerin(t, ['status', 'm'], admin)
      t.match(
        status.stdout.replaceAll(/\s+/g, ' '),
        /gets nothing from this gateway since operator@/,
      )

      await redis.start()
      const decision = await untilAborted(admin)
      t.match(decision, { actor: 'operator@loopback', note: 'complaints' })
      const log = await runSerin(t, ['decisions', 'm'], admin)
      t.match(
        log.stdout.replaceAll(/\s+/g, ' '),
        /operator@loopback aborted the rollout of 2\.0 at 20 %\./,
      )
      await answersByBaseline(t, gateway)
      t.equal((await readService(admin, 'm')).notice, null)
      await load.stop()
      t.same(Object.keys(load.tally.statuses), ['200'])
      await gateway.stop()
    },
  )

  t.test('It outlasts a gateway that is killed meanwhile.', async (t) => {
    const { redis, start } = await prepare(t, 1)
    const first = await start()
    await begins(first)
    await redis.kill()
    t.equal((await runSerin(t, ['abort', 'm', '--reason', 'complaints'], first.admin)).code, 0)
    first.kill('SIGKILL')
    await first.ended

    const second = await start()
    await answersByBaseline(t, second)
    t.match((await readService(second.admin, 'm')).notice, /since operator@loopback aborted it/)
    await redis.start()
    t.match(await untilAborted(second.admin), { note: 'complaints' })
    await answersByBaseline(t, second)
    await second.stop()
  })

  t.test('What a gateway remembers that has never reached Redis can be aborted.', async (t) => {
    const { redis, start } = await prepare(t, 1)
    const first = await start()
    await begins(first)
    await first.stop()
    await redis.kill()
    const second = await start()
    t.equal((await readService(second.admin, 'm')).weights['canary'], 20)
    const aborted = await runSerin(t, ['abort', 'm'], second.admin)
    t.equal(aborted.code, 0, aborted.stderr)
    t.match(aborted.stdout, /\(it is not reached since the start/)
    await answersByBaseline(t, second)
    await redis.start()
    await untilAborted(second.admin)
    await answersByBaseline(t, second)
    await second.stop()
  })

  t.test('All workers of the gateway give the canary nothing.', async (t) => {
    const { redis, start } = await prepare(t, 2)
    const gateway = await start()
    const { admin } = gateway
    await begins(gateway)
    await until('both are there', async () => (await readSample(admin, 'serin_replicas')) === 2)
    await redis.kill()
    const { status } = await askAdmin(admin, '/api/v1/services/m/abort', {
      method: 'POST',
      body: {},
    })
    t.equal(status, 202)
    await answersByBaseline(t, gateway)
    await redis.start()
    await untilAborted(admin)
    await answersByBaseline(t, gateway)
    await gateway.stop()
  })

  t.test('One of two gateways acts by itself, and is heard when Redis is back.', async (t) => {
    const { redis, folder, store, service } = await prepare(t, 1)
    const { first, second } = await startTwoGateways(t, service, { folder, store })
    await begins(first)
    const at20 = await untilService(second.admin, 'm', 'at 20 %', (m) => m.weights['canary'] === 20)
    t.equal(at20.phase, 'progressing')
    await redis.kill()
    const aborted = await runSerin(t, ['abort', 'm', '--reason', 'complaints'], second.admin)
    t.equal(aborted.code, 0, aborted.stderr)
    await answersByBaseline(t, second)
    t.equal((await readService(first.admin, 'm')).weights['canary'], 20)
    await redis.start()
    t.match(await untilAborted(first.admin), { actor: 'operator@loopback', note: 'complaints' })
    for (const each of [first, second]) await answersByBaseline(t, each)
    for (const each of [first, second]) await each.stop()
  })
})

/** A Redis that runs, and a gateway on it that can be started; its rollout begins by `promote`, with 20 %. */
async function prepare(t: Test, workers: number) {
  const folder = t.testdir({ redis: {}, gateway: {} })
  const redis = await startRedis(t, join(folder, 'redis'))
  const draw = seeded(5)
  const model = await startModel(t, draw, { error: 2, failures: 0 })
  const service = buildRolloutService(
    { baseline: model.origin, canary: model.origin },
    {
      rollout: {
        start: 'manual',
        steps: [{ weight: '20%', minDuration: '1h' }, { weight: '100%' }],
      },
      analysis: {
        interval: '500ms',
        warmUp: 0,
        minRequests: 20,
        metrics: { errors: { kind: 'error-rate', maxIncrease: '0%', floor: '20%' } },
      },
    },
  )
  const store = `redis://127.0.0.1:${redis.port}/0`
  const place = join(folder, 'gateway')
  mkdirSync(place, { recursive: true })
  const file = writeConfig(
    place,
    buildConfig(place, { m: service }, { store, gateway: { workers } }),
  )
  return {
    ...{ redis, folder, store, service },
    start: () => startSerin(t, file),
    loadOn: ({ data }: SerinGateway) =>
      startLoad(t, { data: () => data, path: '/m/infer', concurrency: 4, perSecond: 100, draw }),
  }
}

async function begins({ admin }: SerinGateway): Promise<void> {
  await until('it decides', async () => (await readSample(admin, 'serin_leader')) === 1)
  await command(admin, 'm', 'promote')
  await untilService(admin, 'm', 'it has begun', ({ weights }) => weights['canary'] === 20)
}

/** 200 users on 20 connections: at 20 % each worker would give the canary to some. */
async function answersByBaseline(t: Test, { data }: SerinGateway): Promise<void> {
  const answers = new Set<string>()
  for (let n = 0; n < 200; n++) {
    const answer = await request(`${data}/m/x`, {
      ...{ method: 'POST', body: '{"x":1}', reset: n % 10 === 9 },
      headers: { 'x-user-id': `user-${n}` },
    })
    await answer.body.dump()
    answers.add(`${answer.statusCode} by ${String(answer.headers['x-serin-variant'])}`)
  }
  t.same([...answers], ['200 by baseline'])
}

/** The rollback, when it is in the log. */
function untilAborted(admin: string): Promise<DecisionJson> {
  return until('it is stored', async () => {
    const { status } = await askAdmin(admin, '/api/v1/services/m/decisions')
    const found = status === 200 ? await readDecisions(admin, 'm') : []
    return found.find(({ action, reason }) => action === 'rollback' && reason === 'operator')
  })
}
