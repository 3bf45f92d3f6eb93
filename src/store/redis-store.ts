import { ARCHIVE_LIMITS } from './limits.ts'
import type { ArchiveLimits, PredictionLimits } from './limits.ts'
import { keepToStore } from './keep-to-store.ts'
import type { RedisAddress } from './redis-address.ts'
import { buildRedisArchive } from './redis-archive.ts'
import { createRedisConnection, type RedisConnection } from './redis-connection.ts'
import { buildRedisLease } from './redis-lease.ts'
import { buildRedisNotify } from './redis-notify.ts'
import { buildRedisOrders } from './redis-orders.ts'
import { buildRedisPredictions } from './redis-predictions.ts'
import { buildRedisReplicas } from './redis-replicas.ts'
import { buildRedisRollouts } from './redis-rollouts.ts'
import { openRedisSchema } from './redis-schema.ts'
import { setBackgroundTimer } from './set-timer.ts'
import type { SetTimer } from './set-timer.ts'
import { StoreAwayError, StoreError } from './store-error.ts'
import type { StoreLog } from './store-log.ts'
import type { Store } from './store.ts'

/** Where the store is, and what it may take. */
export type RedisStoreOptions = PredictionLimits & {
  readonly address: RedisAddress
  readonly log: StoreLog
  /** Times the attempts to reach a server that is away; the default does not keep the process alive. */
  readonly setTimer?: SetTimer
  /** What the archive of cohorts may take; the default is for days of a rollout. */
  readonly archive?: ArchiveLimits
  /** So many archived cohorts have made room for newer ones. */
  readonly onEvicted?: (cohorts: number) => void
}

/** A store, and what is waited for where its server could not be reached. */
export type AwaitedStore = { readonly store: Store; readonly absence: StoreAbsence | null }

/** A store that has not been reached since the start. */
export type StoreAbsence = {
  /** Why the last attempt failed, as a sentence. */
  readonly why: () => string
  /** Resolves when the store can be used; never rejects. */
  readonly ended: Promise<void>
}

/** Between two attempts to reach a server that was away at the start. */
const RETRY_MS = 1000

/**
 * The store in a Redis or Valkey, for gateways on several machines. Rejects with a StoreError when it is not
 * there, does not let this user in, or was written by a newer version; says so in the log when the store is
 * new. Afterwards it connects again by itself: while it is away every call rejects, at once or after two
 * seconds. What is committed is as durable as the server makes it.
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const redis = createRedisConnection(options.address)
  const id = await openConnection(redis, options)
  return buildStore(redis, () => id, options)
}

/**
 * The same, but a server that is not there is waited for: until `absence` has ended every call of the store
 * rejects, and an attempt to reach it is made every second. Rejects where another attempt would not help.
 */
export async function awaitRedisStore(options: RedisStoreOptions): Promise<AwaitedStore> {
  const { address, setTimer = setBackgroundTimer } = options
  const redis = createRedisConnection(address)
  let id = ''
  let failure: Error | null = await openConnection(redis, options).then(
    (found) => {
      id = found
      return null
    },
    (error: unknown) => {
      if (error instanceof StoreAwayError) return error
      throw error
    },
  )
  if (failure === null) return { store: buildStore(redis, () => id, options), absence: null }

  // Nothing may be written before the version of what is stored is known.
  const ask: RedisConnection['ask'] = async (what, send) => {
    if (failure !== null) throw new StoreError(`${what}: ${failure.message}`, { cause: failure })
    return redis.ask(what, send)
  }
  const run: RedisConnection['run'] = async (what, script, args) => {
    if (failure !== null) throw new StoreError(`${what}: ${failure.message}`, { cause: failure })
    return redis.run(what, script, args)
  }
  const store = buildStore({ ...redis, ask, run }, () => id, options)
  let cancel = () => {}
  let isClosed = false
  const ended = new Promise<void>((resolve) => {
    const arm = () => (cancel = setTimer(() => void attempt(), RETRY_MS))
    const attempt = async () => {
      try {
        id = await openConnection(redis, options)
        failure = null
        resolve()
      } catch (error) {
        failure = error as Error
        if (!isClosed) arm()
      }
    }
    arm()
  })
  return {
    store: {
      ...store,
      close: async () => {
        isClosed = true
        cancel()
        await store.close()
      },
    },
    absence: { why: () => failure?.message ?? 'it has just been reached', ended },
  }
}

async function openConnection(
  redis: ReturnType<typeof createRedisConnection>,
  { address, log }: RedisStoreOptions,
): Promise<string> {
  await redis.connect()
  try {
    return await openRedisSchema(redis, address, log)
  } catch (error) {
    redis.disconnect()
    throw error
  }
}

/** `id`: the name of the store that was opened. */
function buildStore(
  connection: RedisConnection,
  id: () => string,
  options: RedisStoreOptions,
): Store {
  const redis = keepToStore(connection, id)
  const { archive = ARCHIVE_LIMITS } = options
  return {
    ...buildRedisRollouts(redis, archive, (cohorts) => options.onEvicted?.(cohorts)),
    ...buildRedisArchive(redis),
    ...buildRedisLease(redis),
    ...buildRedisReplicas(redis),
    ...buildRedisOrders(redis),
    ...buildRedisNotify(redis),
    ...buildRedisPredictions(redis, options),
    close: () => redis.close(),
  }
}
