import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ErrorCode } from '../domain/errors.ts'
import type { DeliveryOwner } from './delivery-owner.ts'
import { Tunnel, type TunnelOwner } from './tunnel.ts'

/** Whose request has become a session. */
export type SessionOwner = Pick<DeliveryOwner, 'await' | 'cap'> & {
  /** It is over, once. Null: both sides had said their last. */
  readonly onSessionEnd: (code: ErrorCode | null) => void
}

/** An open WebSocket session: a tunnel that may be quiet for so long. */
export class Session implements TunnelOwner {
  readonly tunnel: Tunnel
  readonly #owner: SessionOwner
  readonly #idleMs: number
  #isOver = false

  constructor(client: Socket, upstream: Duplex, owner: SessionOwner, idleMs: number) {
    this.tunnel = new Tunnel(client, upstream, this)
    this.#owner = owner
    this.#idleMs = idleMs
    // It may be quiet for longer than a peer that has vanished should be waited for.
    client.setKeepAlive(true, KEEP_ALIVE_MS)
  }

  /** Begins: the client gets the head of the 101 (latin1), and the variant's times have ended. */
  start(head: string): void {
    this.#owner.cap(null)
    this.onTunnelled()
    this.tunnel.start(Buffer.from(head, 'latin1'))
  }

  /** Cuts it. */
  end(code: ErrorCode | null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.tunnel.destroy()
    this.#owner.onSessionEnd(code)
  }

  onTunnelled(): void {
    this.#owner.await('tunnelling', this.#idleMs)
  }

  onTunnelEnd(brokenBy: 'client' | 'upstream' | null): void {
    if (brokenBy === null) this.end(null)
    else this.end(brokenBy === 'client' ? 'SERIN_CLIENT_CLOSED' : 'SERIN_UPSTREAM_TRUNCATED')
  }
}

/** As undici does it on the other side. */
const KEEP_ALIVE_MS = 60_000
