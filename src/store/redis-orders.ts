import type { CommandOutcome, Order } from '../domain/order.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import { redisScript, type RedisConnection } from './redis-connection.ts'
import type { OrderStore } from './store.ts'

// Takes the id, the order and its time. An order is a key of its own, so that Redis ends it; the list has their turn.
const PUT = redisScript(`
local id, order, ttl = take(), take(), take()
redis.call('SET', R .. 'order:' .. id, order, 'PX', ttl)
redis.call('RPUSH', R .. 'orders', id)
redis.call('PEXPIRE', R .. 'orders', ttl)
`)

const TAKE = redisScript(`
local holder, token = take(), take()
local lease = redis.call('HMGET', R .. 'lease', 'holder', 'token')
if lease[1] ~= holder or lease[2] ~= token then return false end
local answer = {}
for _, id in ipairs(redis.call('LRANGE', R .. 'orders', 0, -1)) do
  local order = redis.call('GET', R .. 'order:' .. id)
  if order then table.insert(answer, order) end
  redis.call('DEL', R .. 'order:' .. id)
end
redis.call('DEL', R .. 'orders')
return answer
`)

const WITHDRAW = redisScript(`
local id = take()
redis.call('LREM', R .. 'orders', 1, id)
return redis.call('DEL', R .. 'order:' .. id)
`)

const ANSWER = redisScript(`
local id, answer, ttl = take(), take(), take()
redis.call('SET', R .. 'order-answer:' .. id, answer, 'PX', ttl)
`)

/** The part of the store that commands go through to the process that decides. Times run on the server's clock. */
export function buildRedisOrders(redis: RedisConnection): OrderStore {
  const { root } = redis
  return {
    putOrder: async (order, ttlMs) => {
      await redis.run('cannot leave a command', PUT, [order.id, encodeRecord(order), ttlMs])
    },
    takeOrders: async ({ holder, token }) => {
      const what = 'cannot take commands'
      // Asked at each look, and mostly there is none.
      if ((await redis.ask(what, (client) => client.exists(`${root}orders`))) === 0) return []
      const found = (await redis.run(what, TAKE, [holder, token])) as Buffer[] | null
      return found?.map((bytes) => decodeRecord<Order>(bytes)) ?? null
    },
    withdrawOrder: async (id) =>
      (await redis.run('cannot withdraw a command', WITHDRAW, [id])) === 1,
    answerOrder: async (id, answer, ttlMs) => {
      await redis.run('cannot answer a command', ANSWER, [id, encodeRecord(answer), ttlMs])
    },
    readAnswer: async (id) => {
      const found = await redis.ask('cannot read the answer to a command', (client) =>
        client.getBuffer(`${root}order-answer:${id}`),
      )
      return found === null ? null : decodeRecord<CommandOutcome>(found)
    },
  }
}
