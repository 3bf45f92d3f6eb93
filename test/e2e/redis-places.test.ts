import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import t from 'tap'
import type { Test } from 'tap'
import { createAuthority } from '../support/certificates.ts'
import { freePort } from '../support/free-port.ts'
import { startRedis } from '../support/redis-server.ts'
import { askAdmin, command, readDecisions, readSample, readService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { skipWithout } from './support/programs.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'
import { until } from './support/until.ts'

t.test('e2e/redis: over TLS', skipWithout('redis-server'), async (t) => {
  const folder = t.testdir({ redis: {} })
  const authority = createAuthority()
  const { cert, key } = authority.issue('localhost', '127.0.0.1')
  const write = (name: string, text: string) => {
    const file = join(folder, name)
    writeFileSync(file, text)
    return file
  }
  const ca = write('ca.pem', authority.cert)
  write('other-ca.pem', createAuthority('another').cert)
  const port = await freePort()
  const acl = 'user serin on >pass%word ~{team-a}:* +@all -@dangerous -@admin'
  await startRedis(t, join(folder, 'redis'), [
    ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', write('redis.crt', cert), '--tls-key-file', write('redis.key', key)],
    ...['--tls-ca-cert-file', ca, '--aclfile', write('users.acl', `user default off\n${acl}\n`)],
  ])
  const { start } = await prepare(t, folder)
  const at = (host: string, file: string) =>
    `rediss://serin:pass%25word@${host}:${port}/0?prefix=team-a&ca=${join(folder, file)}`

  t.test('user, password, prefix and an authority of its own', async (t) => {
    const gateway = await start('one', at('localhost', 'ca.pem'))
    await leads(gateway)
    await command(gateway.admin, 'm', 'weights', { canary: 35 })
    await gateway.stop()
    const again = await start('one', at('127.0.0.1', 'ca.pem'))
    t.equal((await readService(again.admin, 'm')).weights['canary'], 35)
    await again.stop()
  })

  t.test('a server that nobody vouches for is not spoken to', async (t) => {
    const gateway = await start('two', at('localhost', 'other-ca.pem'))
    const told = await until('it is told', async () => {
      const { status, json } = await askAdmin(gateway.admin, '/readyz')
      t.equal(status, 503)
      const { store } = json<{ checks: { store: string } }>().checks
      return (
        /^not reached since the start \(.*(self-signed|unable to verify).*\)/.test(store) && store
      )
    })
    t.notMatch(told, /pass%/)
    await gateway.stop()
  })
})

t.test('e2e/redis: behind a sentinel', skipWithout('redis-server'), async (t) => {
  const folder = t.testdir({ one: {}, two: {}, sentinel: {} })
  const one = await startRedis(t, join(folder, 'one'))
  const two = await startRedis(t, join(folder, 'two'), ['--replicaof', `127.0.0.1 ${one.port}`])
  const file = join(folder, 'sentinel', 'sentinel.conf')
  const rules = [
    `sentinel monitor main 127.0.0.1 ${one.port} 1`,
    // A master that is slow for once is not dead.
    'sentinel down-after-milliseconds main 60000',
    'sentinel failover-timeout main 2000',
  ]
  writeFileSync(file, rules.join('\n'))
  const sentinel = await startRedis(t, join(folder, 'sentinel'), [], file)
  const client = new Redis(sentinel.port, '127.0.0.1')
  t.teardown(() => client.disconnect())
  await until('the sentinel knows the replica', async () => {
    const replicas = (await client.call('SENTINEL', 'REPLICAS', 'main')) as unknown[]
    return JSON.stringify(replicas).includes(String(two.port))
  })
  const { start, loadOn } = await prepare(t, folder)
  const store = `redis://127.0.0.1:${await freePort()},127.0.0.1:${sentinel.port}/0?sentinel=main`
  const gateways = [await start('one', store), await start('two', store)] as const
  await until('one decides', async () => (await leadersOf(gateways)).length === 1)
  const [leader] = (await leadersOf(gateways)) as [SerinGateway]
  await command(leader.admin, 'm', 'weights', { canary: 35 })
  const master = new Redis(one.port, '127.0.0.1')
  await until('the replica has it', async () => (await master.wait(1, 1000)) === 1)
  master.disconnect()

  const loads = gateways.map(loadOn)
  await until('requests are served', () => loads.every(({ tally }) => tally.sent > 50))
  await client.call('SENTINEL', 'SET', 'main', 'down-after-milliseconds', '500')
  await one.kill()
  await until('the master is missed', async () => (await storesUp(gateways)).includes(0))
  await until('another is the master', async () =>
    (await storesUp(gateways)).every((up) => up === 1),
  )
  await until('one decides', async () => (await leadersOf(gateways)).length === 1)
  for (const { admin } of gateways) {
    t.equal((await readService(admin, 'm')).weights['canary'], 35)
  }
  const [next] = (await leadersOf(gateways)) as [SerinGateway]
  await command(next.admin, 'm', 'abort')
  const ids = (await readDecisions(next.admin, 'm')).map(({ id }) => id)
  t.strictSame(
    ids,
    Array.from(ids, (_, i) => ids.length - i),
    'the log goes on without a gap',
  )
  for (const load of loads) {
    await load.stop()
    t.same(Object.keys(load.tally.statuses), ['200'], `${load.tally.sent} requests`)
  }
})

async function prepare(t: Test, folder: string) {
  const draw = seeded(6)
  const model = await startModel(t, draw, { error: 2, failures: 0 })
  const m = buildRolloutService(
    { baseline: model.origin, canary: model.origin },
    { rollout: { steps: [{ weight: '20%', minDuration: '1m' }, { weight: '100%' }] } },
  )
  return {
    start: (name: string, store: string) => {
      const place = join(folder, `gateway-${name}`)
      mkdirSync(place, { recursive: true })
      return startSerin(t, writeConfig(place, buildConfig(place, { m }, { store })))
    },
    loadOn: ({ data }: SerinGateway) =>
      startLoad(t, { data: () => data, path: '/m/infer', concurrency: 4, perSecond: 100, draw }),
  }
}

function leads(gateway: SerinGateway): Promise<boolean> {
  return until('it decides', async () => (await leadersOf([gateway])).length === 1)
}

async function leadersOf(gateways: readonly SerinGateway[]): Promise<readonly SerinGateway[]> {
  const leading = await Promise.all(gateways.map(({ admin }) => readSample(admin, 'serin_leader')))
  return gateways.filter((_, i) => leading[i] === 1)
}

function storesUp(gateways: readonly SerinGateway[]): Promise<readonly (number | null)[]> {
  return Promise.all(gateways.map(({ admin }) => readSample(admin, 'serin_store_up')))
}
