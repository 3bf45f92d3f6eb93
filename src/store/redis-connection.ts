import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Redis, type RedisOptions } from 'ioredis'
import { describeRedis, type RedisAddress } from './redis-address.ts'
import { StoreAwayError, StoreError, StoreLostError, toStoreError } from './store-error.ts'

/** A command that is not answered in this time has failed, in milliseconds. */
const COMMAND_TIMEOUT_MS = 2000
/** A connection that is asked and says nothing for so long is dead. */
const SOCKET_TIMEOUT_MS = 4000
const CONNECT_TIMEOUT_MS = 3000
/** Until all sentinels have been asked, and the server; at the start only. */
const OPEN_TIMEOUT_MS = 10_000
/** Longest wait between two attempts to connect again. */
const MAX_RETRY_MS = 1000

/** Lua that Redis runs as one step. `KEYS[1]` is what all keys of the store begin with. */
export type RedisScript = { readonly lua: string; readonly sha: string }

/** Of a script or a command. */
export type RedisArgument = string | number | Buffer

/** Where all of a process' reads and writes of one store in Redis go through. */
export type RedisConnection = {
  /** What all keys begin with; in braces, so that a cluster keeps them together. */
  readonly root: string
  /** Sends commands. A call fails at once while there is no connection, and after two seconds without an answer. */
  readonly ask: <T>(what: string, send: (client: Redis) => Promise<T>) => Promise<T>
  /** Runs a script; strings of the answer come as buffers. */
  readonly run: (
    what: string,
    script: RedisScript,
    args: readonly RedisArgument[],
  ) => Promise<unknown>
  /** Waits for what was asked for and closes; later calls are rejected. */
  readonly close: () => Promise<void>
}

/**
 * Makes a script of its text; what all scripts share stands before it. The first argument is the name of the store that
 * it is meant for, see `keepToStore`: in another one, or in what a flush has left, it does nothing.
 */
export function redisScript(text: string): RedisScript {
  const lua = `${SHARED}${text}`
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

const SHARED = `
local R = KEYS[1]
if redis.call('GET', R .. 'id') ~= ARGV[1] then
  return redis.error_reply('LOST the data of this store is gone (Redis was flushed, started anew without ' ..
    'persistence, or replaced): start the gateways anew to begin afresh')
end
local at = 1
local function take() at = at + 1; return ARGV[at] end
local function takePairs(use)
  for _ = 1, tonumber(take()) do
    local key = take()
    use(key, take())
  end
end
-- Whole numbers and times to the last digit.
local function text(number) return string.format('%.17g', number) end
`

/** A connection that is made when it is told to. */
type UnmadeConnection = RedisConnection & {
  /** See `connectRedis`; after a failure it may be tried again. Once made, it is made again by itself. */
  readonly connect: () => Promise<void>
  /** Takes the connection down, so that `connect` may be called again. */
  readonly disconnect: () => void
}

/**
 * Connects. Rejects with a StoreError that says where and why when the server does not let this user in or
 * has no such database, with a StoreAwayError when it is not there.
 */
export async function connectRedis(address: RedisAddress): Promise<RedisConnection> {
  const redis = createRedisConnection(address)
  await redis.connect()
  return redis
}

/** A connection that is not made yet: until `connect` has resolved every call fails. */
export function createRedisConnection(address: RedisAddress): UnmadeConnection {
  const place = `Redis at ${describeRedis(address)}`
  let isMade = false
  // Only a connection that was made once is made again by itself.
  const retryStrategy = (attempt: number) => (isMade ? waitBefore(attempt) : null)
  const client = new Redis({ ...optionsOf(address), retryStrategy })
  let lastError = null as Error | null
  client.on('error', (error: Error) => (lastError = error))
  // Only a word of the server itself says more than that the connection is not there.
  const explain = (error: unknown): Error => {
    const found = error instanceof Error ? error : new Error(String(error))
    if (isReply(found)) return found
    if (found.message === 'Command timed out') {
      return new Error(`${place} gave no answer within ${COMMAND_TIMEOUT_MS / 1000} s`)
    }
    const cause = lastError ?? found
    return new Error(`no connection to ${place} (${cause.message})`, { cause })
  }
  const connect = async () => {
    lastError = null
    try {
      await connectWithin(client, OPEN_TIMEOUT_MS)
      await client.ping()
      // A database that is not there is no error of the connection: it would stay in the first one.
      if (isReply(lastError)) throw lastError
    } catch (error) {
      // Of a client that ended by itself it would leave the mark that swallows the next error.
      if (client.status !== 'end') client.disconnect()
      throw refuse(`cannot open the store in ${place}`, lastError ?? error)
    }
    isMade = true
    client.on('ready', () => (lastError = null))
  }

  const root = `{${address.prefix}}:`
  const running = new Set<Promise<unknown>>()
  let closing: Promise<void> | null = null
  const ask = async <T>(what: string, send: (client: Redis) => Promise<T>): Promise<T> => {
    if (closing !== null) throw new StoreError(`${what}: the store in ${place} is closed`)
    const sent = send(client)
    running.add(sent)
    try {
      return await sent
    } catch (error) {
      throw isLost(error)
        ? new StoreLostError(`${what}: ${error.message}`, { cause: error })
        : toStoreError(what, explain(error))
    } finally {
      running.delete(sent)
    }
  }
  return {
    root,
    connect,
    disconnect: () => client.disconnect(),
    ask,
    run: (what, script, args) => ask(what, () => runScript(client, script, root, args)),
    close: () =>
      (closing ??= (async () => {
        await Promise.allSettled(running)
        client.disconnect()
      })()),
  }
}

/** Whether it is a word of the server itself. */
function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError'
}

/** Whether it is the word of a script that does not find its store; see `redisScript`. */
function isLost(error: unknown): error is Error {
  return error instanceof Error && isReply(error) && error.message.startsWith('LOST ')
}

/** Sentinels that know nothing would be asked for ever. */
async function connectWithin(client: Redis, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms / 1000} s`)), ms)
  })
  try {
    await Promise.race([client.connect(), late])
  } finally {
    clearTimeout(timer)
  }
}

async function runScript(
  client: Redis,
  { sha, lua }: RedisScript,
  root: string,
  args: readonly RedisArgument[],
): Promise<unknown> {
  // In a list: as arguments of a function there may be no more than about 125,000.
  const rest = [1, root, ...args]
  try {
    return await client.callBuffer('EVALSHA', [sha, ...rest])
  } catch (error) {
    // A server that was started anew does not know it yet.
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return client.callBuffer('EVAL', [lua, ...rest])
  }
}

type ClientOptions = RedisOptions & { readonly replyMapping: 'legacy' }

function optionsOf(address: RedisAddress): ClientOptions {
  const { db, username, password } = address
  return {
    ...placeOf(address),
    db,
    ...(username === null ? undefined : { username }),
    ...(password === null ? undefined : { password }),
    connectionName: 'serin',
    // Every proxy and every version knows it.
    protocol: 2,
    replyMapping: 'legacy',
    disableClientInfo: true,
    lazyConnect: true,
    enableReadyCheck: false,
    // What cannot be sent now fails now: the evaluator asks again by itself.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // A master that has become a replica: connect again, to its successor.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  }
}

function placeOf(address: RedisAddress): RedisOptions {
  const { servers, sentinel } = address
  const tls = address.tls ? tlsOf(address) : null
  if (sentinel === null) return { ...servers[0]!, ...(tls === null ? undefined : { tls }) }
  return {
    sentinels: [...servers],
    name: sentinel,
    sentinelRetryStrategy: waitBefore,
    ...(tls === null ? undefined : { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
  }
}

function waitBefore(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RETRY_MS)
}

function tlsOf({ ca }: RedisAddress): { ca?: Buffer } {
  if (ca === null) return {}
  try {
    return { ca: readFileSync(ca) }
  } catch (error) {
    throw toStoreError(`cannot read the certificates ${ca} of the store`, error)
  }
}

function refuse(what: string, error: unknown): StoreError {
  const why = error instanceof Error ? error.message : String(error)
  const hint = HINTS.find(([word]) => why.includes(word))?.[1]
  const reason = hint === undefined ? why : `${hint} (${why})`
  const isAway = !isReply(error) || PASSING.some((word) => why.startsWith(word))
  const Failure = isAway ? StoreAwayError : StoreError
  return new Failure(`${what}: ${reason}`, { cause: error })
}

/** Answers of a server that is about to serve: it reads its file, or its master is being replaced. */
const PASSING = ['LOADING', 'MASTERDOWN', 'READONLY', 'BUSY']

const HINTS: readonly (readonly [word: string, hint: string])[] = [
  ['WRONGPASS', 'the user or the password is wrong'],
  ['invalid password', 'the password is wrong'],
  ['NOAUTH', 'it wants a password: redis://USER:PASSWORD@HOST'],
  ['DB index is out of range', 'it has no such database: the number after the host is too large'],
  ['NOPERM', 'the user may not do what a store needs'],
  ['ENOTFOUND', 'there is no host of this name'],
  ['ECONNREFUSED', 'nothing listens there'],
  ['All sentinels are unreachable', 'no sentinel answers, or none knows this master'],
]

/** Reads several keys as they are at one moment. */
export async function readAtOnce<T>(
  redis: RedisConnection,
  what: string,
  commands: (string | number)[][],
): Promise<T> {
  return redis.ask(what, async (client) => {
    const answers = (await client.multi(commands).exec().catch(tellAborted))!
    return answers.map(([error, answer]) => {
      if (error !== null) throw error
      return answer
    }) as T
  })
}

/** Redis says of a transaction only that something in it was refused; the refusals came before. */
function tellAborted(error: Error & { readonly previousErrors?: readonly Error[] }): never {
  throw error.previousErrors?.[0] ?? error
}
