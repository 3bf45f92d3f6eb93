import { connect, isIP } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { Pool } from 'undici'
import type { Way } from './connections.ts'

/** Longest time that a probe may take. */
const MOST_MS = 5_000

/** A server that does not accept a connection in this time cannot be reached. */
const CONNECT_MS = 1_000

/** Most of a health answer's body that is read. */
const MOST_BODY_BYTES = 64 * 1024

/**
 * Whether a server accepts a connection within a second. Over TLS its certificate is verified, and it
 * must not refuse ours. Never rejects.
 */
export function acceptsConnections({ origin, tls }: Way): Promise<boolean> {
  const { protocol, hostname, port } = new URL(origin)
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return protocol === 'https:'
    ? acceptsTls({ ...tls, rejectUnauthorized: true, host, port: Number(port || 443) })
    : acceptsTcp(host, Number(port || 80))
}

function acceptsTcp(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (accepts: boolean) => {
      socket.destroy()
      resolve(accepts)
    }
    socket.setTimeout(CONNECT_MS, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

function acceptsTls(options: ConnectionOptions & { readonly host: string }): Promise<boolean> {
  // An address is no server name (RFC 6066 section 3).
  const name = isIP(options.host) === 0 ? { servername: options.host } : {}
  return new Promise((resolve) => {
    let accepts = false
    const socket = connectTls({ ...name, ...options })
    const timer = setTimeout(() => socket.destroy(), CONNECT_MS)
    socket.once('secureConnect', () => {
      accepts = true
      // Our certificate is still on its way, and a refusal of it comes later (RFC 8446 section 4.4.2.4).
      socket.resume().end()
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code?.startsWith('ERR_SSL_') === true) accepts = false
    })
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(accepts)
    })
  })
}

/** Whether a GET of the path is answered with 2xx, in less than the interval of the checks; never rejects. */
export async function answersWell(pool: Pool, path: string, intervalMs: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(Math.min(intervalMs, MOST_MS))
    const headers = { 'user-agent': 'serin-health' }
    const answer = await pool.request({ path, method: 'GET', headers, signal })
    await answer.body.dump({ limit: MOST_BODY_BYTES })
    return answer.statusCode >= 200 && answer.statusCode < 300
  } catch {
    return false
  }
}
