import { connect, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Pool } from 'undici'
import type { Way } from './connections.ts'

/** Longest time that a probe may take. */
const MOST_MS = 5_000

/** A server that does not accept a connection in this time cannot be reached. */
const CONNECT_MS = 1_000

/** Most of a health answer's body that is read. */
const MOST_BODY_BYTES = 64 * 1024

/** Whether a server accepts a connection within a second, with its certificate verified; never rejects. */
export function acceptsConnections({ origin, tls }: Way): Promise<boolean> {
  const { protocol, hostname, port } = new URL(origin)
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  const isTls = protocol === 'https:'
  // An address is no server name (RFC 6066 section 3).
  const name = isIP(host) === 0 ? { servername: host } : {}
  return new Promise((resolve) => {
    const socket = isTls
      ? connectTls({ ...name, ...tls, host, port: Number(port || 443) })
      : connect({ host, port: Number(port || 80) })
    const end = (accepts: boolean) => {
      socket.destroy()
      resolve(accepts)
    }
    socket.setTimeout(CONNECT_MS, () => end(false))
    socket.once(isTls ? 'secureConnect' : 'connect', () => end(true))
    socket.once('error', () => end(false))
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
