import { join } from 'node:path'
import { Redis } from 'ioredis'
import t from 'tap'
import { startRedis } from '../support/redis-server.ts'
import { askAdmin, command, readSample, readService, untilService } from './support/admin-api.ts'
import { buildRolloutService } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { skipWithout } from './support/programs.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, startSerin, type SerinGateway } from './support/serin-process.ts'
import { startTwoGateways } from './support/two-gateways.ts'
import { until } from './support/until.ts'

/** Looks of the gateways that a state has to stand, four a second: longer than a lease. */
const LOOKS = 24

t.test('e2e/redis-lost', skipWithout('redis-server'), async (t) => {
  const redis = await startRedis(t, t.testdir())
  const draw = seeded(3)
  const model = { error: 2, failures: 0 }
  const [baseline, canary] = [await startModel(t, draw, model), await startModel(t, draw, model)]
  const origins = { baseline: baseline.origin, canary: canary.origin }
  const m = buildRolloutService(origins, {
    rollout: {
      // Labels are joined, and nothing waits for proof.
      steps: [
        { weight: '20%', minDuration: '1s' },
        { weight: '50%', minDuration: '10m' },
        { weight: '100%' },
      ],
    },
    analysis: {
      minRequests: 20,
      warmUp: 0,
      metrics: {
        rmse: { kind: 'rmse', maxIncrease: '50%', labelWindow: '1s', minLabels: 20, cap: 50 },
      },
    },
  })
  const folder = t.testdirName
  const place = { folder, store: `redis://127.0.0.1:${redis.port}/0` }
  const { first, second } = await startTwoGateways(t, m, place)
  const startAgain = (name: string) => startSerin(t, join(folder, name, 'serin.yaml'))
  const loadOn = ({ data, admin }: SerinGateway) =>
    startLoad(t, {
      ...{ data: () => data, admin: () => admin, path: '/m/infer', draw },
      ...{ concurrency: 4, perSecond: 100 },
    })
  const loads = [first, second].map(loadOn)
  const weightOf = async ({ admin }: SerinGateway) =>
    (await readService(admin, 'm')).weights['canary']
  await untilService(first.admin, 'm', 'it runs', (found) => found.weights['canary']! > 0)
  await command(first.admin, 'm', 'promote', { full: true, reason: 'well known' })
  await until('both serve it', async () => (await weightOf(second)) === 100)

  const client = new Redis({ port: redis.port })
  t.teardown(() => client.disconnect())
  const keys = await client.keys('*')
  const kept = await Promise.all(keys.map((key) => client.dumpBuffer(key)))

  /** How the store is for each gateway, by what a person and Prometheus see. */
  const see = async (gateway: SerinGateway) => {
    const { admin } = gateway
    const names = ['serin_store_up', 'serin_store_lost', 'serin_leader'] as const
    const [up, lost, leads] = await Promise.all(names.map((name) => readSample(admin, name)))
    const ready = (await askAdmin(admin, '/readyz')).json<Ready>().checks.store
    return { up, lost, leads, isLost: ready.startsWith('without its data (LOST) since ') }
  }
  const LOST = { up: 0, lost: 1, leads: 0, isLost: true }
  const untilLost = (gateway: SerinGateway) =>
    until('it is known', async () => {
      const { isLost, leads } = await see(gateway)
      return isLost && leads === 0
    })
  const count = (gateway: SerinGateway, message: RegExp) =>
    gateway.logs().filter(({ msg, level }) => message.test(msg ?? '') && Number(level) > 30).length
  const countBack = (gateway: SerinGateway) =>
    gateway.logs().filter(({ msg }) => msg === 'the store is back').length
  const looks = async (work: () => Promise<void>) => {
    for (let look = 0; look < LOOKS; look += 1) {
      await work()
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }

  await t.test('a Redis that was emptied stays lost for both, and is told once', async (t) => {
    await client.flushall()
    for (const gateway of [first, second]) {
      await untilLost(gateway)
    }
    const before = [first, second].map((gateway) => count(gateway, /./))
    await looks(async () => {
      for (const gateway of [first, second]) t.strictSame(await see(gateway), LOST)
    })
    const failed = await readSample(first.admin, 'serin_feedback_refused_total')
    t.ok(failed! > 100, `${failed} lines of feedback were refused`)
    for (const [index, gateway] of [first, second].entries()) {
      t.equal(count(gateway, /^the store is without its data: /), 1)
      t.equal(countBack(gateway), 0)
      const lines = count(gateway, /./) - before[index]!
      t.ok(lines <= 2, `${lines} lines in the log while it stays so`)
      t.equal(await weightOf(gateway), 100, 'the last weights are served')
    }
    t.strictSame(await client.keys('*'), [], 'nobody has written anything')
  })

  await t.test('its data are back, and so is everything', async (t) => {
    const restored = client.multi()
    for (const [index, key] of keys.entries()) restored.restore(key, 0, kept[index]!)
    await restored.exec()
    for (const gateway of [first, second]) {
      await until('it is back', async () => (await see(gateway)).up === 1)
      t.match(await see(gateway), { lost: 0, isLost: false })
      t.equal(countBack(gateway), 1)
      t.equal(await weightOf(gateway), 100)
    }
    await until(
      'one decides',
      async () => (await see(first)).leads! + (await see(second)).leads! > 0,
    )
  })

  await t.test('who knew the lost data decides nothing on what begins afresh', async (t) => {
    await client.flushall()
    for (const gateway of [first, second]) {
      await untilLost(gateway)
    }
    await loads[0]!.stop()
    await first.stop()
    const afresh = await startAgain('first')
    const load = loadOn(afresh)
    t.equal(count(afresh, /^the store is empty/), 1)
    await until('it decides', async () => (await see(afresh)).leads === 1)
    await untilService(afresh.admin, 'm', 'it moves', (found) => found.step!.index > 0)
    await looks(async () => void t.strictSame(await see(second), LOST))
    t.match(await see(afresh), { up: 1, lost: 0, leads: 1 })
    t.equal(await weightOf(second), 100, 'the last weights are served')
    t.equal(count(second, /^evaluation of m failed/), 0)
    t.equal(count(afresh, /^evaluation of m failed/), 0)
    const aborted = await runSerin(t, ['abort', 'm', '--reason', 'begun by chance'], afresh.admin)
    t.equal(aborted.code, 0, aborted.stderr)
    t.equal(await weightOf(afresh), 0)

    const alone = await runSerin(t, ['abort', 'm'], second.admin)
    t.equal(alone.code, 0, 'nor is anybody kept from taking it off where nothing is decided')
    t.match(alone.stdout.replaceAll('\n', ' '), /gets nothing from this gateway .*LOST/)
    t.equal(await weightOf(second), 0)

    await loads[1]!.stop()
    await second.stop()
    const other = await startAgain('second')
    await until(
      'both are known',
      async () => (await readSample(afresh.admin, 'serin_replicas')) === 2,
    )
    t.equal(await weightOf(other), 0, 'the same everywhere')
    t.match(await see(other), { up: 1, lost: 0, leads: 0 })
    await load.stop()
    for (const { tally } of [...loads, load]) t.same(Object.keys(tally.statuses), ['200'])
  })
})

type Ready = { readonly checks: { readonly store: string } }
