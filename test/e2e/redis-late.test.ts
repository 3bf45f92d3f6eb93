import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { request } from 'undici'
import type { ReloadedJson } from '../../src/admin/present-reload.ts'
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
import { startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'
import { pidOf } from './support/two-workers.ts'
import { until } from './support/until.ts'

t.test('e2e/redis-late', skipWithout('redis-server'), async (t) => {
  t.test('a file is reloaded while Redis was never reached', async (t) => {
    const { redis, write, start } = await prepare(t, 1)
    const before = await start()
    await isReady(before)
    await command(before.admin, 'm', 'weights', { canary: 30 })
    await before.stop()
    await redis.kill()

    const gateway = await start()
    const { admin } = gateway
    const unchanged = async (what: string) => {
      t.strictSame((await readService(admin, 'm')).weights, { baseline: 70, canary: 30 }, what)
      t.notOk((await readiness(gateway)).ready, what)
    }
    await unchanged('the weights of the disk')
    write({ minRequests: 30 })
    const taken = await reload(gateway)
    t.equal(taken.status, 200)
    t.match(taken.json(), { waiting: [/^services\.m: its rollout goes on by the new file when/] })
    t.match((await askAdmin(admin, '/api/v1/config')).text, MINIMUM_OF_30, 'it holds all the same')
    await unchanged('another minimum')
    write({ minRequests: 30, version: '2.1', further: ['n'] })
    const refused = await reload(gateway)
    t.equal(refused.status, 422)
    t.match(refused.text, /whether 2\.1 beside 1\.4 may begin is known when the store can be asked/)
    await unchanged('another version is refused')
    t.equal((await askAdmin(admin, '/api/v1/services/n')).status, 404, 'with all of the file')
    write({ minRequests: 30, further: ['n'] })
    const brought = await reload(gateway)
    t.equal(brought.status, 200)
    const { waiting } = brought.json<ReloadedJson>()
    t.match(waiting, [/^services\.m: its rollout goes on/, /^services\.n: its rollout is taken up/])
    await unchanged('another service')
    t.match((await readService(admin, 'n')).weights, { baseline: 100, canary: 0 })
    t.match((await askAdmin(admin, '/api/v1/reload')).json(), { waiting })
    t.match((await readiness(gateway)).checks, {
      configuration: /^in force; services\.m: its .*; services\.n: its /,
    })

    await redis.start()
    await isReady(gateway)
    t.strictSame((await readService(admin, 'm')).weights, { baseline: 70, canary: 30 })
    t.match((await askAdmin(admin, '/api/v1/config')).text, MINIMUM_OF_30)
    await untilService(admin, 'n', 'it has begun', ({ weights }) => weights['canary'] === 20)
    t.match((await askAdmin(admin, '/api/v1/reload')).json(), { waiting: [], refused: null })
    t.match((await readiness(gateway)).checks, { configuration: 'in force' })
    const said = gateway.logs().map(({ msg }) => String(msg))
    t.ok(said.includes('the store has taken up all of the configuration'))
    await until('it decides', async () => (await readSample(admin, 'serin_leader')) === 1)
    await command(admin, 'm', 'abort')
    const ids = (await readDecisions(admin, 'm')).map(({ id }) => id)
    t.strictSame(
      ids,
      Array.from(ids, (_, i) => ids.length - i),
      'no decision is missing',
    )
    await gateway.stop()
  })

  t.test('workers start without Redis, and go on from it when it comes', async (t) => {
    const { redis, write, start, draw } = await prepare(t, 2)
    await redis.kill()
    const gateway = await start()
    const { admin, data } = gateway
    t.notOk((await readiness(gateway)).ready)
    t.strictSame((await readService(admin, 'm')).weights, { baseline: 100, canary: 0 })
    const load = startLoad(t, {
      data: () => data,
      admin: () => admin,
      path: '/m/infer',
      ...{ concurrency: 8, perSecond: 100, draw },
    })
    await until('both answer', () => load.tally.sent > 200)
    t.same(Object.keys(load.tally.variants), ['baseline'])
    // A file is taken by all of them or by none, and one that dies is replaced, also now.
    write({ minRequests: 25, further: ['n'] })
    t.match((await reload(gateway)).json(), { waiting: [/^services\.m: /, /^services\.n: /] })
    const answers = Array.from({ length: 8 }, () =>
      request(`${data}/n/infer`, { method: 'POST', body: '{}', reset: true }),
    )
    for (const answer of await Promise.all(answers)) {
      t.equal(answer.headers['x-serin-variant'], 'baseline', 'every worker has it')
      await answer.body.dump()
    }
    const killed = pidOf(gateway, 2)
    process.kill(killed, 'SIGKILL')
    await until('it is replaced', () => pidOf(gateway, 2) !== killed)

    await redis.start()
    await isReady(gateway)
    await until('one decides', async () => (await readSample(admin, 'serin_leader')) === 1)
    await untilService(admin, 'm', 'it has begun', ({ weights }) => weights['canary'] === 20)
    await until('both take part', async () => (await readSample(admin, 'serin_replicas')) === 2)
    await until('the canary answers', () => (load.tally.variants['canary'] ?? 0) > 20)
    write({ minRequests: 30 })
    t.equal((await reload(gateway)).status, 200)
    await load.stop()
    t.same(Object.keys(load.tally.statuses), ['200'])
    await gateway.stop()
  })
})

const MINIMUM_OF_30 = /"minRequests":\s*30/

type Change = {
  readonly minRequests?: number
  readonly version?: string
  readonly further?: readonly string[]
}

/** A Redis that runs, and a gateway on it that can be started. */
async function prepare(t: Test, workers: number) {
  const folder = t.testdir({ redis: {}, gateway: {} })
  const redis = await startRedis(t, join(folder, 'redis'))
  const draw = seeded(11)
  const model = await startModel(t, draw, { error: 2, failures: 0 })
  const build = (path: string, { minRequests = 20, version = '2.0' }: Change) => {
    const service = buildRolloutService(
      { baseline: model.origin, canary: model.origin },
      {
        path,
        rollout: { steps: [{ weight: '20%', minDuration: '10m' }, { weight: '100%' }] },
        analysis: {
          warmUp: 0,
          minRequests,
          metrics: { errors: { kind: 'error-rate', maxIncrease: '0%', floor: '20%' } },
        },
      },
    )
    const { canary, ...others } = service['variants'] as Record<string, object>
    return { ...service, variants: { ...others, canary: { ...canary, version } } }
  }
  const store = `redis://127.0.0.1:${redis.port}/0`
  const place = join(folder, 'gateway')
  const write = (change: Change) => {
    const names = ['m', ...(change.further ?? [])]
    const services = Object.fromEntries(names.map((n) => [n, build(`/${n}/*`, change)]))
    return writeConfig(place, buildConfig(folder, services, { store, gateway: { workers } }))
  }
  const file = write({})
  return { redis, write, draw, start: () => startSerin(t, file) }
}

function reload({ admin }: SerinGateway) {
  return askAdmin(admin, '/api/v1/reload', { method: 'POST', body: {} })
}

type Readiness = {
  readonly ready: boolean
  readonly checks: Readonly<Record<string, string>>
}

async function readiness({ admin }: SerinGateway): Promise<Readiness> {
  return (await askAdmin(admin, '/readyz')).json()
}

async function isReady(gateway: SerinGateway): Promise<void> {
  await until('it is ready', async () => (await readiness(gateway)).ready)
}
