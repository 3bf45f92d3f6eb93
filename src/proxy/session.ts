import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ErrorCode } from '../domain/errors.ts'
import type { DeliveryOwner } from './delivery-owner.ts'
import type { ProxyLimits } from './exchange-context.ts'
import { Tunnel, type Side, type TunnelOwner } from './tunnel.ts'

/** Whose request has become a session. */
export type SessionOwner = Pick<DeliveryOwner, 'await' | 'cap'> & {
  /** It is over, once. Null: both sides had said their last. */
  readonly onSessionEnd: (code: ErrorCode | null) => void
}

type SessionLimits = Pick<ProxyLimits, 'tunnelIdleMs' | 'tunnelFollowMs'>

/**
 * An open WebSocket session: a tunnel that may be quiet for long, until one side has said its last. Then the other one
 * has a short time to follow; where it goes on to send instead, each pause of it may last as long as one within an
 * answer.
 */
export class Session implements TunnelOwner {
  readonly tunnel: Tunnel
  readonly #owner: SessionOwner
  readonly #limits: SessionLimits
  /** Longest pause of the other side once one has ended. */
  readonly #answerIdleMs: number
  #endedFirst: Side | null = null
  #isOver = false

  constructor(
    client: Socket,
    upstream: Duplex,
    owner: SessionOwner,
    limits: SessionLimits,
    answerIdleMs: number,
  ) {
    this.tunnel = new Tunnel(client, upstream, this)
    this.#owner = owner
    this.#limits = limits
    this.#answerIdleMs = answerIdleMs
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
    this.#wait(this.#endedFirst === null ? this.#limits.tunnelIdleMs : this.#answerIdleMs)
  }

  onTunnelSideEnd(side: Side): void {
    this.#endedFirst ??= side
    this.onTunnelled()
  }

  onTunnelEndPassed(): void {
    this.#wait(Math.min(this.#limits.tunnelFollowMs, this.#answerIdleMs))
  }

  onTunnelEnd(brokenBy: Side | null): void {
    if (brokenBy === null) this.end(null)
    else this.end(brokenBy === 'client' ? 'SERIN_CLIENT_CLOSED' : 'SERIN_UPSTREAM_TRUNCATED')
  }

  /** Who has not ended lets the time pass. */
  #wait(ms: number): void {
    this.#owner.await(this.#endedFirst === 'upstream' ? 'stalled' : 'tunnelling', ms)
  }
}

/** As undici does it on the other side. */
const KEEP_ALIVE_MS = 60_000
