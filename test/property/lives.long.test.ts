import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readNumber } from '../abuse/support/run-cases.ts'
import { skipWithout } from '../e2e/support/programs.ts'
import { startRedis } from '../support/redis-server.ts'
import { leadLife } from './lives/lead-life.ts'

/** Lives, one after the other; a second of theirs takes about a fifth of one of a processor. */
const RUNS = readNumber('SERIN_LIFE_RUNS', 30)

/** Of each life, before everything is well again. */
const SECONDS = readNumber('SERIN_LIFE_SECONDS', 60)

t.test('property/lives', skipWithout('redis-server'), async (t) => {
  t.setTimeout(36_000_000)
  const redis = await startRedis(t, t.testdir({}))
  const first = readNumber('SERIN_LIFE_SEED', Date.now() % 1_000_000_000)
  for (let seed = first; seed < first + RUNS; seed += 1) {
    const folder = join(t.testdirName, String(seed))
    const options = { folder, seed, gateways: 1 + (seed % 3), services: 4 }
    // Each in a store of its own, every second one in Redis.
    const place = seed % 2 === 0 ? {} : { redis }
    const { faults, ...led } = await leadLife(SECONDS, { ...options, ...place })
    rmSync(folder, { recursive: true })
    t.comment(`SERIN_LIFE_SEED=${seed}: ${JSON.stringify(led)}`)
    t.same(faults, [], `SERIN_LIFE_SEED=${seed} SERIN_LIFE_SECONDS=${SECONDS} SERIN_LIFE_RUNS=1`)
  }
})
