import t from 'tap'
import { skipWithout } from '../e2e/support/programs.ts'
import { startRedis } from '../support/redis-server.ts'
import { leadLife } from './lives/lead-life.ts'

/** Seconds of the life, before everything is well again. */
const SECONDS = 10

t.test('property/lives-on-redis', skipWithout('redis-server'), async (t) => {
  const folder = t.testdir({})
  const redis = await startRedis(t, folder)
  const life = { folder: `${folder}/life`, seed: 24, gateways: 2, services: 3, redis }
  const { faults, ...led } = await leadLife(SECONDS, life)
  t.same(faults, [])
  t.ok(led.requests > 100 && led.decisions > 5, JSON.stringify(led))
})
