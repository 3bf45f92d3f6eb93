import type { Duplex } from 'node:stream'

/** One of the two that a tunnel connects. */
export type Side = 'client' | 'upstream'

/** What a tunnel tells the session that it was made for. */
export type TunnelOwner = {
  /** Bytes have passed, whichever way. */
  readonly onTunnelled: () => void
  /** This side has said its last (FIN); bytes for the other one may still be under way. */
  readonly onTunnelSideEnd: (side: Side) => void
  /** All that it has said, and its end, are with the other one's kernel. */
  readonly onTunnelEndPassed: () => void
  /**
   * It is over, once: `brokenBy` has broken its connection, and the other one is cut; null = both sides had
   * said their last, and both connections are closed.
   */
  readonly onTunnelEnd: (brokenBy: Side | null) => void
}

/**
 * Passes bytes between two connections, both ways and unread. Who does not read holds the other back. An
 * end (FIN) is passed on and leaves the other direction open; a connection that breaks takes the other
 * one with it.
 */
export class Tunnel {
  /** Bytes from the client, and to it. */
  sentBytes = 0
  receivedBytes = 0
  readonly #client: Duplex
  readonly #upstream: Duplex
  readonly #owner: TunnelOwner
  #open = 2

  constructor(client: Duplex, upstream: Duplex, owner: TunnelOwner) {
    this.#client = client
    this.#upstream = upstream
    this.#owner = owner
    // Else Node would answer an end with an end.
    client.allowHalfOpen = true
    upstream.allowHalfOpen = true
  }

  /** Begins, with bytes for the client that stand before all others. */
  start(head: Buffer): void {
    const client = this.#client
    const upstream = this.#upstream
    client.on('close', () => this.#onClose('client', client))
    upstream.on('close', () => this.#onClose('upstream', upstream))
    client.write(head)
    this.#pump('client', client, upstream)
    this.#pump('upstream', upstream, client)
  }

  /** Cuts both connections. */
  destroy(): void {
    this.#client.destroy()
    this.#upstream.destroy()
  }

  #onClose(side: Side, closed: Duplex): void {
    if (this.#open === 0) return
    const isBroken = !closed.readableEnded || !closed.writableFinished
    this.#open = isBroken ? 0 : this.#open - 1
    if (isBroken) this.destroy()
    if (this.#open === 0) this.#owner.onTunnelEnd(isBroken ? side : null)
  }

  #pump(side: Side, from: Duplex, to: Duplex): void {
    from.on('data', (chunk: Buffer) => {
      if (side === 'client') this.sentBytes += chunk.length
      else this.receivedBytes += chunk.length
      this.#owner.onTunnelled()
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => from.resume())
    to.once('finish', () => this.#owner.onTunnelEndPassed())
    from.on('end', () => {
      this.#owner.onTunnelSideEnd(side)
      to.end()
    })
    from.on('error', () => from.destroy())
    from.resume()
  }
}
