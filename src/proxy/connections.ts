import { Pool } from 'undici'
import type { KnownNames } from './known-names.ts'
import { createConnector } from './connector.ts'
import type { TlsMaterial } from './upstream-tls.ts'

/** How a server is reached. */
export type Way = {
  /** `http://10.0.0.1:8000`. */
  readonly origin: string
  readonly connectMs: number
  /** How long an idle connection is kept at most; null = `KEEP_ALIVE_MS`, or 2 s less than the server says. */
  readonly keepAliveMs: number | null
  readonly tls: TlsMaterial
}

/**
 * How long an idle connection is kept where nobody says. Shorter than what servers allow (uvicorn and Node 5 s), so that a
 * request seldom meets a connection which is just being closed (RFC 9112 section 9.3.1).
 */
const KEEP_ALIVE_MS = 4_000

/** What a server may say itself (`Keep-Alive: timeout`), and no more is believed of it: undici's own limit. */
const MOST_KEEP_ALIVE_MS = 600_000

/** The connections to one server. They are not bounded here, so that undici never queues. */
export class Connections {
  readonly way: Way
  /** The host of its origin: a name, or an address without brackets. */
  readonly host: string
  readonly names: KnownNames
  #pool: Pool
  /** Take no new request, and end with the last of theirs. */
  readonly #ending = new Set<Pool>()
  readonly #onError: (error: unknown) => void

  /** `onError` hears when old connections do not close as they should. */
  constructor(way: Way, names: KnownNames, onError: (error: unknown) => void) {
    this.way = way
    this.host = hostOf(way.origin)
    this.names = names
    this.#pool = this.#createPool()
    this.#onError = onError
  }

  /** Where requests are dispatched now. */
  get pool(): Pool {
    return this.#pool
  }

  /** From now on new connections are made, to wherever the server's name leads by then. */
  renew(): void {
    void this.close()
    this.#pool = this.#createPool()
  }

  /** Takes no further request; resolves when what is running has come to its end. Never rejects. */
  async close(): Promise<void> {
    const pool = this.#pool
    this.#ending.add(pool)
    await pool.close().catch(this.#onError)
    this.#ending.delete(pool)
  }

  /** Breaks off what is running. */
  async destroy(): Promise<void> {
    await Promise.all([this.#pool, ...this.#ending].map(async (pool) => pool.destroy()))
  }

  /** The server could not be reached, or is not well: perhaps its name leads elsewhere now. */
  readonly doubt = (): void => this.names.doubt(this.host)

  #createPool(): Pool {
    const { origin, connectMs, keepAliveMs, tls } = this.way
    const reach = { timeout: backstopOf(connectMs), lookup: this.names.lookup }
    const pool = new Pool(origin, {
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: keepAliveMs ?? KEEP_ALIVE_MS,
      keepAliveMaxTimeout: keepAliveMs ?? MOST_KEEP_ALIVE_MS,
      connect: createConnector(tls, reach),
    })
    return pool.on('connectionError', this.doubt)
  }
}

/** The host of an origin as it is connected to: a name, or an address without brackets. */
export function hostOf(origin: string): string {
  const { hostname } = new URL(origin)
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

/** undici's timers are up to 1 s late, and may be 0.5 s early. */
const BACKSTOP_MARGIN_MS = 2_000

/** undici's timers take 32 bits. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/**
 * undici's timeout for connecting. It is behind ours, which ends the attempt, and not far behind: only then does the
 * connection end that nobody waits for any more, and servers that are gone would have each request leave one.
 */
function backstopOf(ms: number): number {
  return Math.min(Math.ceil(ms) + BACKSTOP_MARGIN_MS, LONGEST_TIMEOUT_MS)
}
