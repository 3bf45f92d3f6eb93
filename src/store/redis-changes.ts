import type { Redis } from 'ioredis'
import type { RedisConnection } from './redis-connection.ts'
import type { SetTimer } from './set-timer.ts'
import type { StoreLog } from './store-log.ts'

/** How often changes are looked for that no message has told of, in milliseconds. */
export const REDIS_WATCH_INTERVAL_MS = 1000

/** Tells the listeners of this store which services others have changed. */
export type RedisChanges = {
  /** Names this store in the messages that it sends. */
  readonly sender: string
  /** A change of a service by this store, and its number. */
  readonly record: (service: string, number: number) => void
  /** Whether a change was made is not known. */
  readonly forget: (service: string) => void
  /** See `Store.watch`. */
  readonly watch: (listener: (service: string) => void) => () => void
  readonly close: () => void
}

/**
 * Every commit counts up a number of its service and one over all, and is published. This store knows the
 * numbers that it made itself; any other is somebody else's change. A message makes it look at the
 * service; because messages can be lost, it looks at the number over all each second as well. All of it
 * only while there are listeners.
 */
export function createRedisChanges(
  redis: RedisConnection,
  sender: string,
  log: StoreLog,
  setTimer: SetTimer,
): RedisChanges {
  const { root } = redis
  const what = 'cannot look for changes'
  const listeners = new Set<(service: string) => void>()
  const known = new Map<string, number>()
  let knownTotal = -1
  let cancel: (() => void) | null = null
  let subscriber: Redis | null = null

  const notice = (service: string, number: number): boolean => {
    if (known.get(service) === number) return false
    known.set(service, number)
    return true
  }

  const findAll = async (): Promise<readonly string[]> => {
    const all = await redis.ask(what, (client) => client.hgetall(`${root}changes`))
    return Object.entries(all)
      .filter(([service, number]) => notice(service, Number(number)))
      .map(([service]) => service)
  }

  const findChanged = async (): Promise<readonly string[]> => {
    const total = await redis.ask(what, (client) => client.get(`${root}change-count`))
    if (Number(total) === knownTotal) return []
    const changed = await findAll()
    knownTotal = Number(total)
    return changed
  }

  const findOne = async (service: string): Promise<readonly string[]> => {
    const number = await redis.ask(what, (client) => client.hget(`${root}changes`, service))
    return notice(service, Number(number)) ? [service] : []
  }

  const tell = async (find: () => Promise<readonly string[]>) => {
    // Who comes while the changes are read has not missed them.
    const audience = [...listeners]
    try {
      for (const service of await find()) {
        for (const listener of audience) if (listeners.has(listener)) listener(service)
      }
    } catch (error) {
      log.warn({ err: error }, 'changes made by other processes were not passed on')
    }
  }

  const arm = () => {
    cancel = setTimer(() => {
      arm()
      void tell(findChanged)
    }, REDIS_WATCH_INTERVAL_MS)
  }

  const subscribe = () => {
    const own = redis.duplicate()
    subscriber = own
    own.on('message', (_channel, message: string) => {
      const [from, service] = message.split(' ') as [string, string]
      if (from !== sender) void tell(() => findOne(service))
    })
    // Each time that it is connected: what was published meanwhile is found by the timer.
    own.on('ready', () => void own.subscribe(`${root}changed`).catch(() => {}))
    // It connects again by itself, and until then the timer finds what changes.
    own.connect().catch(() => {})
  }

  const disarm = () => {
    cancel?.()
    cancel = null
    subscriber?.disconnect()
    subscriber = null
  }

  return {
    sender,
    record: (service, number) => {
      // A gap means that somebody else's change has not been told yet.
      if ((known.get(service) ?? 0) === number - 1) known.set(service, number)
    },
    forget: (service) => {
      known.delete(service)
      knownTotal = -1
    },
    watch: (listener) => {
      if (cancel === null) {
        // With nobody in the audience: what has changed so far is no news.
        void tell(findAll)
        arm()
        subscribe()
      }
      // A function of its own, so that one listener may watch twice.
      const own = (service: string) => listener(service)
      listeners.add(own)
      return () => {
        listeners.delete(own)
        if (listeners.size === 0) disarm()
      }
    },
    close: () => {
      listeners.clear()
      disarm()
    },
  }
}
