import { connect, isIP, type TcpNetConnectOpts } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { Pool } from 'undici'
import type { Connections } from './connections.ts'
import { rootCause, shortageOf, type Shortage } from './errors.ts'

/** Longest time that a probe may take. */
const MOST_MS = 5_000

/** A server that does not accept a connection in this time cannot be reached. */
const CONNECT_MS = 1_000

/** Most of a health answer's body that is read. */
const MOST_BODY_BYTES = 64 * 1024

/** Why a server is not well, in a few words for the log; null = it is. */
export type Complaint = string | null

/** The gateway lacked what the probe takes, which says nothing of the server. */
export type Untried = { readonly short: Shortage }

/** What a probe has found. */
export type Finding = Complaint | Untried

/**
 * Tries whether a server accepts a connection within a second. Over TLS its certificate is verified, and
 * it must not refuse ours. Never rejects.
 */
export function probeConnection({ way, host, names }: Connections): Promise<Finding> {
  const { protocol, port } = new URL(way.origin)
  const { lookup } = names
  return protocol === 'https:'
    ? probeTls({ ...way.tls, rejectUnauthorized: true, host, port: Number(port || 443), lookup })
    : probeTcp({ host, port: Number(port || 80), lookup })
}

function probeTcp(options: TcpNetConnectOpts): Promise<Finding> {
  return new Promise((resolve) => {
    const socket = connect(options)
    const end = (found: Finding) => {
      socket.destroy()
      resolve(found)
    }
    socket.setTimeout(CONNECT_MS, () => end(TOO_LATE))
    socket.once('connect', () => end(null))
    socket.once('error', (error) => end(complainOf(error)))
  })
}

function probeTls(options: ConnectionOptions & { readonly host: string }): Promise<Finding> {
  // An address is no server name (RFC 6066 section 3).
  const name = isIP(options.host) === 0 ? { servername: options.host } : {}
  return new Promise((resolve) => {
    let found: Finding = TOO_LATE
    const socket = connectTls({ ...name, ...options })
    const timer = setTimeout(() => socket.destroy(), CONNECT_MS)
    socket.once('secureConnect', () => {
      found = null
      // Our certificate is still on its way, and a refusal of it comes later (RFC 8446 section 4.4.2.4).
      socket.resume().end()
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (found !== null || error.code?.startsWith('ERR_SSL_') === true) found = complainOf(error)
    })
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(found)
    })
  })
}

/** Tries whether a GET of the path is answered with 2xx, in less than the interval of the checks; never rejects. */
export function probePath(pool: Pool, path: string, intervalMs: number): Promise<Finding> {
  const signal = AbortSignal.timeout(Math.ceil(Math.min(intervalMs, MOST_MS)))
  // undici hears of it when the request has a connection: until then it would wait for that, and for its name.
  const late = new Promise<Finding>((resolve) => {
    signal.addEventListener('abort', () => resolve(TOO_LATE), { once: true })
  })
  return Promise.race([late, ask(pool, path, signal)])
}

async function ask(pool: Pool, path: string, signal: AbortSignal): Promise<Finding> {
  try {
    const headers = { 'user-agent': 'serin-health' }
    const answer = await pool.request({ path, method: 'GET', headers, signal })
    await answer.body.dump({ limit: MOST_BODY_BYTES })
    const { statusCode } = answer
    return statusCode >= 200 && statusCode < 300 ? null : `answered ${statusCode}`
  } catch (error) {
    return complainOf(error as Error)
  }
}

const TOO_LATE = 'no answer in time'

function complainOf(error: Error): string | Untried {
  const cause = rootCause(error)
  const short = shortageOf(cause)
  if (short !== null) return { short }
  const { code, name, message } = cause as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'refused'
  if (name === 'TimeoutError' || code === 'UND_ERR_CONNECT_TIMEOUT') return TOO_LATE
  return typeof code === 'string' ? code : message
}
