import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { startRedis } from '../support/redis-server.ts'
import {
  askAdmin,
  command,
  readDecisions,
  readSample,
  readService,
  untilService,
} from './support/admin-api.ts'
import { buildConfig, buildFixedService, buildRolloutService } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { skipWithout } from './support/programs.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'
import { until } from './support/until.ts'

type Readiness = { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> }

t.test('e2e/redis-boot', skipWithout('redis-server'), async (t) => {
  const { redis, canary, keptFile, endRedis, start, loadOn } = await prepare(t)

  t.test('a start without Redis serves the last weights of the disk, not ready', async (t) => {
    await endRedis()
    const gateway = await start(t)
    const { admin } = gateway
    const load = loadOn(t, gateway)
    const { status, checks } = await readiness(gateway)
    t.equal(status, 503)
    t.match(checks['gateway'], /not ready before the store is there/)
    t.match(
      checks['store'],
      /^not reached since the start \(.*nothing listens there.*\): services with the last weights of this disk: 2, without: 0/,
    )
    t.equal((await fetch(`${gateway.data}/-/ready`)).status, 503)
    const said = gateway.logs().find(({ msg }) => msg?.startsWith('the store is away at the start'))
    t.match(said, { disk: 2, configuration: 0, reason: /cannot open the store in Redis/ })
    t.equal(await readSample(admin, 'serin_services_without_store', 'weights="disk"'), 2)
    t.strictSame((await readService(admin, 'm')).weights, { baseline: 70, canary: 30 })
    t.equal((await readService(admin, 'fixed')).weights['canary'], 100)
    for (const verb of ['pause', 'resume']) {
      const path = `/api/v1/services/m/${verb}`
      const refused = await askAdmin(admin, path, { method: 'POST', body: {} })
      t.equal(refused.status, 503, verb)
    }
    await until('both answer', () => load.tally.sent > 100)

    await redis.start()
    await isReady(gateway)
    await until('all services have the store', async () => {
      return (await readSample(admin, 'serin_services_without_store', 'weights="disk"')) === 0
    })
    await until('it can be used', async () => (await readiness(gateway)).checks['store'] === 'up')
    t.strictSame((await readService(admin, 'm')).weights, { baseline: 70, canary: 30 })
    t.equal((await readService(admin, 'fixed')).weights['canary'], 100)
    await until('it decides', async () => (await readSample(admin, 'serin_leader')) === 1)
    await command(admin, 'm', 'abort')
    t.equal((await readService(admin, 'm')).weights['canary'], 0)
    const ids = (await readDecisions(admin, 'm')).map(({ id }) => id)
    t.strictSame(
      ids,
      Array.from(ids, (_, i) => ids.length - i),
      'no decision is missing',
    )
    await load.stop()
    t.same(Object.keys(load.tally.statuses), ['200'])
    await gateway.stop()
    t.match(JSON.parse(readFileSync(keptFile, 'utf8')), {
      rollouts: { m: { phase: 'rolled-back', weightBp: 0 } },
    })
  })

  t.test(
    'without Redis and without a file the baseline alone answers, and it says so',
    async (t) => {
      await endRedis()
      const spoilt = [
        [() => rmSync(keptFile), false],
        [() => writeFileSync(keptFile, '{"for'), true],
      ] as const
      for (const [spoil, isTold] of spoilt) {
        spoil()
        const gateway = await start(t)
        const load = loadOn(t, gateway)
        t.match((await readiness(gateway)).checks['store'], /of this disk: 0, without: 2/)
        const without = 'weights="configuration"'
        t.equal(await readSample(gateway.admin, 'serin_services_without_store', without), 2)
        await until('it answers', () => load.tally.sent > 100)
        await load.stop()
        t.same(Object.keys(load.tally.statuses), ['200'])
        t.equal((await readService(gateway.admin, 'm')).weights['canary'], 0)
        const hasWarned = gateway.logs().some(({ msg }) => /cannot be read/.test(msg ?? ''))
        t.equal(hasWarned, isTold)
        if (isTold) {
          await redis.start()
          await isReady(gateway)
          const { weights } = await readService(gateway.admin, 'm')
          t.equal(weights['canary'], 30, 'the rollout goes on')
        }
        await gateway.stop()
      }
    },
  )

  t.test('a canary that fails meanwhile gets nothing, and nothing again with Redis', async (t) => {
    await endRedis()
    const gateway = await start(t)
    const load = loadOn(t, gateway)
    const seen: number[] = []
    const look = async () => {
      const { weights } = await readService(gateway.admin, 'm')
      if (seen.at(-1) !== weights['canary']) seen.push(weights['canary']!)
    }
    await look()
    await until('the canary has answered', () => load.tally.variants['canary']! > 20)
    canary.behaviour.failures = 1
    await until('it gets nothing', async () => {
      await look()
      return seen.at(-1) === 0
    })
    t.equal((await readiness(gateway)).checks['evaluator'], 'nobody is known to decide')
    await redis.start()
    const last = await until('that is decided', async () => {
      await look()
      const { status } = await askAdmin(gateway.admin, '/api/v1/services/m/decisions')
      const [decision] = status === 200 ? await readDecisions(gateway.admin, 'm') : []
      return decision?.action === 'rollback' ? decision : null
    })
    await look()
    t.same(seen, [30, 0], 'the weights go one way')
    t.match(last, { reason: 'breaker', to: { phase: 'rolled-back' } })
    await isReady(gateway)
    await load.stop()
    await gateway.stop()
  })

  t.test('a Redis that came back empty begins afresh', async (t) => {
    const files = await endRedis()
    rmSync(files, { recursive: true })
    mkdirSync(files)
    const gateway = await start(t)
    t.equal((await readService(gateway.admin, 'm')).weights['canary'], 30)
    await redis.start()
    await isReady(gateway)
    t.ok(gateway.logs().some(({ msg }) => msg?.startsWith('the store is empty')))
    const decisions = await until('it has been decided about', async () => {
      const found = await readDecisions(gateway.admin, 'm')
      return found.some(({ action }) => action === 'start') ? found : null
    })
    t.comment(decisions.map(({ id, action, summary }) => `${id} ${action} ${summary}`).join('\n'))
    t.same((await readService(gateway.admin, 'm')).weights, { baseline: 80, canary: 20 })
    await gateway.stop()
  })
})

/** A gateway has run and ended, with `m` at 30 % and all of `fixed` on the canary; each test begins there. */
async function prepare(t: Test) {
  const folder = t.testdir({ redis: {}, gateway: {} })
  const files = join(folder, 'redis')
  const redis = await startRedis(t, files)
  const draw = seeded(3)
  const baseline = await startModel(t, draw, { error: 2, failures: 0 })
  const canary = await startModel(t, draw, { error: 2, failures: 0 })
  const origins = { baseline: baseline.origin, canary: canary.origin }
  const m = buildRolloutService(origins, {
    rollout: { steps: [{ weight: '20%', minDuration: '1m' }, { weight: '100%' }] },
    analysis: {
      interval: '500ms',
      warmUp: 0,
      minRequests: 20,
      metrics: { errors: { kind: 'error-rate', maxIncrease: '0%', floor: '20%' } },
    },
  })
  const fixed = {
    ...buildFixedService(origins, { weights: { canary: '10%' } }),
    match: { path: '/fixed/*' },
  }
  const store = `redis://127.0.0.1:${redis.port}/0`
  const place = join(folder, 'gateway')
  const file = writeConfig(place, buildConfig(folder, { m, fixed }, { store }))
  const start = (t: Test) => startSerin(t, file)

  const first = await start(t)
  await isReady(first)
  await command(first.admin, 'm', 'weights', { canary: 30 })
  await command(first.admin, 'fixed', 'promote', { variant: 'canary' })
  await first.stop()
  await redis.kill()
  const before = join(folder, 'before')
  for (const each of [files, place]) cpSync(each, join(before, basename(each)), { recursive: true })
  /** Redis is away, and all files are as the first gateway left them; gives the place of those of Redis. */
  const endRedis = async () => {
    await redis.kill()
    canary.behaviour.failures = 0
    for (const each of [files, place]) {
      rmSync(each, { recursive: true })
      cpSync(join(before, basename(each)), each, { recursive: true })
    }
    return files
  }
  return {
    ...{ redis, canary, endRedis, start },
    keptFile: join(place, 'data', 'last-weights.json'),
    loadOn: (t: Test, { data }: SerinGateway) =>
      startLoad(t, { data: () => data, path: '/m/infer', concurrency: 4, perSecond: 100, draw }),
  }
}

async function readiness({ admin }: SerinGateway): Promise<Readiness & { status: number }> {
  const { status, json } = await askAdmin(admin, '/readyz')
  return { status, ...json<Readiness>() }
}

/** Ready, and its rollout has begun. */
async function isReady(gateway: SerinGateway): Promise<void> {
  await until('it is ready', async () => (await readiness(gateway)).ready)
  await untilService(gateway.admin, 'm', 'it has begun', (m) => m.phase !== 'idle')
}
