import { redisScript, type RedisConnection } from './redis-connection.ts'
import type { Store } from './store.ts'

const ACQUIRE = redisScript(`
local holder, ttl = take(), tonumber(take())
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('HMGET', R .. 'lease', 'holder', 'token', 'expiresAt')
local mine = found[1] == holder
if found[1] and not mine and tonumber(found[3]) > now then
  -- The clock was set back, or is another server's: from now on it lasts no longer than its time.
  if tonumber(found[3]) > now + ttl then redis.call('HSET', R .. 'lease', 'expiresAt', text(now + ttl)) end
  return false
end
local token = tonumber(found[2] or 0)
if not mine then token = token + 1 end
redis.call('HSET', R .. 'lease', 'holder', holder, 'token', token, 'expiresAt', text(now + ttl))
return token
`)

// The token stays, so that the next holder's is larger.
const RELEASE = redisScript(`
local holder, token = take(), take()
local found = redis.call('HMGET', R .. 'lease', 'holder', 'token')
if found[1] == holder and found[2] == token then
  redis.call('HSET', R .. 'lease', 'holder', '', 'expiresAt', 0)
end
`)

/** The lease part of the store. Its time runs on the server's clock: those of the gateways do not matter. */
export function buildRedisLease(
  redis: RedisConnection,
): Pick<Store, 'acquireLease' | 'releaseLease' | 'leaseHolder'> {
  return {
    acquireLease: async (holder, ttlMs) => {
      const token = await redis.run('cannot take the lease', ACQUIRE, [holder, ttlMs])
      return token === null ? null : { holder, token: token as number }
    },
    releaseLease: async ({ holder, token }) => {
      await redis.run('cannot give the lease back', RELEASE, [holder, token])
    },
    leaseHolder: async () => {
      const holder = await redis.ask('cannot read the lease', (client) =>
        client.hget(`${redis.root}lease`, 'holder'),
      )
      return holder === '' ? null : holder
    },
  }
}
