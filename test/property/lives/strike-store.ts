import type { RedisServer } from '../../support/redis-server.ts'
import type { Life } from './life.ts'
import { EMPTY_LOG, type LogCopy } from './life-log.ts'
import { copyRedis, putCopy, type RedisCopy } from './redis-copy.ts'

/** A store at one moment, and what was known of it. */
export type StoreCopy = { readonly data: RedisCopy; readonly log: LogCopy }

/** A backup is made of a store in Redis, or a replica of it falls behind. */
export async function copyStore(life: Life): Promise<void> {
  if (life.redis !== null) life.copy = await copyOf(life, life.redis)
}

/** Redis ends, stands still, or comes back with less than it had; the gateways find it again by themselves, or are started anew. */
export async function strikeStore(
  life: Life,
  redis: RedisServer,
  wait: () => Promise<void>,
): Promise<void> {
  const { awake, chance, copy, store } = life
  for (const each of awake) each.loseSome(() => false)
  switch (chance.pick('dies', 'dies in a commit', 'stands still', 'is older', 'is empty')) {
    case 'stands still':
      redis.signal('SIGSTOP')
      // Each look waits for it, in real time.
      await life.turn()
      redis.signal('SIGCONT')
      break
    case 'dies':
      await redis.kill()
      await startAgain(redis, wait)
      break
    case 'dies in a commit':
      store.strikeNextCommit(redis.kill)
      await wait()
      await redis.kill()
      await redis.start()
      break
    case 'is older':
      if (copy === null) break
      await redis.kill()
      await startAgain(redis, wait)
      await bringBack(life, redis, copy)
      break
    case 'is empty': {
      const isKept = chance.isSo(0.5)
      const backup = isKept && chance.isSo(0.5) ? copy : await copyOf(life, redis)
      await putCopy(redis.port, [])
      await wait()
      if (isKept && backup !== null) await bringBack(life, redis, backup)
      else return startAfresh(life)
    }
  }
  await store.reached()
  for (const each of awake) each.mend()
}

async function startAgain(redis: RedisServer, wait: () => Promise<void>): Promise<void> {
  await wait()
  await redis.start()
}

async function copyOf({ log }: Life, { port }: RedisServer): Promise<StoreCopy> {
  return { data: await copyRedis(port), log: log.copy() }
}

/** The store has what it had then: all gateways go on from it. */
async function bringBack(life: Life, { port }: RedisServer, copy: StoreCopy): Promise<void> {
  await putCopy(port, copy.data)
  life.rewind(copy.log)
}

/** Nobody has what was stored: the gateways are started anew, and everything begins. */
async function startAfresh(life: Life): Promise<void> {
  life.copy = null
  for (const gateway of life.gateways) if (gateway !== null) await life.stop(gateway)
  life.rewind(EMPTY_LOG)
  for (const place of life.gateways.keys()) await life.start(place)
}
