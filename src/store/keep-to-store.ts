import type { RedisConnection } from './redis-connection.ts'
import { StoreLostError } from './store-error.ts'

/**
 * The connection of a process that knows the store of the name `id`. Where Redis has another one by now, or none, each
 * script rejects with a StoreLostError and does nothing; from then on all else does so, too, until a script has found
 * the store again: what somebody else begins afresh there is not what this process knew. `id` is asked at each call.
 */
export function keepToStore(redis: RedisConnection, id: () => string): RedisConnection {
  let lost: StoreLostError | null = null
  return {
    ...redis,
    ask: async (what, send) => {
      if (lost === null) return redis.ask(what, send)
      throw new StoreLostError(`${what}: ${(lost.cause as Error).message}`, { cause: lost.cause })
    },
    run: async (what, script, args) => {
      try {
        const answer = await redis.run(what, script, [id(), ...args])
        lost = null
        return answer
      } catch (error) {
        if (error instanceof StoreLostError) lost = error
        throw error
      }
    },
  }
}
