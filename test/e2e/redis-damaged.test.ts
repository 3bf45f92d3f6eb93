import { join } from 'node:path'
import { Redis } from 'ioredis'
import t from 'tap'
import type { Test } from 'tap'
import { startRedis } from '../support/redis-server.ts'
import { command, readService, untilService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startModel } from './support/model-server.ts'
import { skipWithout } from './support/programs.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, startSerin, writeConfig } from './support/serin-process.ts'

t.test('e2e/redis: a store that cannot be gone on from', skipWithout('redis-server'), async (t) => {
  const folder = t.testdir({ redis: {} })
  const redis = await startRedis(t, join(folder, 'redis'))
  const client = new Redis({ port: redis.port })
  t.teardown(() => client.disconnect())
  const draw = seeded(5)
  const origins = {
    baseline: (await startModel(t, draw, { error: 2, failures: 0 })).origin,
    canary: (await startModel(t, draw, { error: 2, failures: 0 })).origin,
  }
  const m = buildRolloutService(origins, {
    rollout: { steps: [{ weight: '20%', minDuration: '1m' }, { weight: '100%' }] },
    analysis: {
      warmUp: 0,
      metrics: { errors: { kind: 'error-rate', maxIncrease: '0%', floor: '20%' } },
    },
  })
  const write = (name: string, change: object = {}) => {
    const store = `redis://127.0.0.1:${redis.port}/0`
    return writeConfig(folder, buildConfig(folder, { m }, { store, ...change }), `${name}.yaml`)
  }
  const file = write('serin')
  const first = await startSerin(t, file)
  await untilService(first.admin, 'm', 'it has begun', ({ phase }) => phase !== 'idle')
  await command(first.admin, 'm', 'weights', { canary: 30 })
  await first.stop()
  const good = (await client.hgetBuffer('{serin}:states', 'm'))!
  const refuses = async (t: Test, file: string, why: RegExp) => {
    const { code, signal, stderr } = await runSerin(t, ['serve', '-c', file])
    t.equal(code, 1, `it ends by itself: ${signal}`)
    t.match(stderr, /^serin: cannot start: [^\n]*\n$/)
    t.match(stderr, why)
  }

  t.test('a damaged record ends the start, and is named with what to do', async (t) => {
    const spoilt = [
      ['garbage', 'Unable to deserialize'],
      [Buffer.from([1, 74, 3, 97, 98, 99]), 'it is no state of a rollout'],
    ] as const
    for (const [bytes, why] of spoilt) {
      await client.hset('{serin}:states', 'm', bytes)
      const told = new RegExp(
        `rollout of m: what {serin}:states holds of it is damaged \\(${why}.*HDEL {serin}:states m;`,
      )
      await refuses(t, file, told)
    }
    const two = write('two', { gateway: { listen: '127.0.0.1:0', workers: 2 } })
    await refuses(t, two, /rollout of m: what {serin}:states holds/)
    await client.hset('{serin}:states', 'm', good)
    await client.hset('{serin}:revisions', 'm', 999)
    await refuses(t, file, /damaged \(it is revision \d+, and the store counts 999\)/)
    await client.hdel('{serin}:states', 'm')
    await client.hdel('{serin}:revisions', 'm')
    const afresh = await startSerin(t, file)
    await untilService(afresh.admin, 'm', 'it begins', ({ phase }) => phase === 'progressing')
    t.equal((await readService(afresh.admin, 'm')).weights['canary'], 20)
    await afresh.stop()
  })

  t.test('a user who may not read all of it ends the start, too', async (t) => {
    await client.call('ACL', 'SETUSER', 'lim', 'on', '>pw', '~*', '&*', '+@all', '-hvals')
    const lim = write('lim', { store: `redis://lim:pw@127.0.0.1:${redis.port}/0` })
    await refuses(t, lim, /cannot read the rollout of m: .*NOPERM/)
  })
})
