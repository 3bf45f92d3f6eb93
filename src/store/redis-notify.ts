import { redisScript, type RedisConnection } from './redis-connection.ts'
import type { Store } from './store.ts'

const OPEN = redisScript(`
local service, hook = take(), take()
redis.call('HSETNX', R .. 'cursors:' .. service, hook, redis.call('LLEN', R .. 'decisions:' .. service))
return tonumber(redis.call('HGET', R .. 'cursors:' .. service, hook))
`)

const MOVE = redisScript(`
local key, hook, id = R .. 'cursors:' .. take(), take(), take()
if tonumber(id) > tonumber(redis.call('HGET', key, hook) or 0) then redis.call('HSET', key, hook, id) end
`)

/** The part of the store that knows what webhooks have heard of. */
export function buildRedisNotify(
  redis: RedisConnection,
): Pick<Store, 'openNotifyCursor' | 'moveNotifyCursor'> {
  return {
    openNotifyCursor: async (service, hook) => {
      const what = `cannot read what webhooks of ${service} have heard of`
      return (await redis.run(what, OPEN, [service, hook])) as number
    },
    moveNotifyCursor: async (service, hook, id) => {
      const what = `cannot save what webhooks of ${service} have heard of`
      await redis.run(what, MOVE, [service, hook, id])
    },
  }
}
