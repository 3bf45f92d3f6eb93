import type { Duplex, Readable } from 'node:stream'
import { errors, type Dispatcher } from 'undici'
import type { Upstream } from './upstream.ts'

/** What an attempt tells the delivery, or the copy, that makes it. After `abort()` it says nothing any more. */
export type AttemptOwner = {
  /** A connection is there; the request is being written. */
  readonly onSending: () => void
  /** A part of a streamed request body was written. */
  readonly onBodySent: () => void
  /** The request is written in full. */
  readonly onRequestSent: () => void
  /** A 1xx head. */
  readonly onInformation: (status: number, headers: readonly Buffer[]) => void
  /** The final head. `resume` goes on after `onChunk` said false. */
  readonly onHead: (
    status: number,
    headers: readonly Buffer[],
    resume: () => void,
    reason: string,
  ) => void
  /** The upstream has agreed to a WebSocket session; the connection is the owner's, until `abort()`. */
  readonly onUpgrade: (headers: readonly Buffer[], socket: Duplex) => void
  /** False: no more until `resume`. */
  readonly onChunk: (chunk: Buffer) => boolean
  readonly onEnd: (trailers: readonly Buffer[] | null) => void
  /** It failed: exactly one of `onEnd`, `onUpgrade` and `onFailure` comes. `sent`: the upstream may have seen the request. */
  readonly onFailure: (error: Error, sent: boolean) => void
}

/** A request as undici takes it: headers as flat pairs, a body in one piece or as a stream. */
export type AttemptRequest = {
  readonly path: string
  readonly method: string
  readonly headers: string[]
  readonly body: Buffer | Readable | null
  /** Asks for a WebSocket session. */
  readonly isHandshake: boolean
}

/**
 * One try at one upstream, and the only place that speaks undici's handler interface. It is the first one
 * (`onConnect`, `onHeaders` …): the fast path of undici 7, with raw header buffers. undici 8 has another.
 */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly upstream: Upstream
  readonly #owner: AttemptOwner
  #abort: ((error?: Error) => void) | null = null
  #sent = false
  #over = false
  #unheardBytes = 0
  #unheardTimer: NodeJS.Timeout | null = null
  readonly #longestUnheardMs: number

  /** `longestUnheardMs`: how long a rest may take that nobody waits for. */
  constructor(upstream: Upstream, owner: AttemptOwner, longestUnheardMs = LONGEST_UNHEARD_MS) {
    this.upstream = upstream
    this.#owner = owner
    this.#longestUnheardMs = longestUnheardMs
  }

  /** Sends the request. Every result, an immediate error too, comes through the owner. */
  start(request: AttemptRequest): void {
    this.upstream.inFlight++
    this.upstream.connections.pool.dispatch(
      {
        path: request.path,
        method: request.method as Dispatcher.HttpMethod,
        headers: request.headers,
        body: request.body,
        // The owner has a timer for each phase. undici would make one for each request, and look at it half a second later.
        headersTimeout: 0,
        bodyTimeout: 0,
        // Never what the client wrote: undici puts it into the head as it is (CVE-2026-1527).
        upgrade: request.isHandshake ? 'websocket' : null,
      },
      this,
    )
  }

  /** Breaks off, in any phase: on a connection it is cut, before that the request is never written. */
  abort(): void {
    if (this.#over) return
    this.#finish()
    this.#abort?.(ABORTED)
  }

  /**
   * Lets the rest pass unheard: all that matters of the answer is there. A short rest is read, so that the
   * connection can be used again; one that is long, or takes long, is cut.
   */
  detach(): void {
    if (this.#over) return
    this.#finish()
    this.#unheardBytes = MOST_UNHEARD_BYTES
    this.#unheardTimer = setTimeout(() => this.#abort?.(ABORTED), this.#longestUnheardMs).unref()
  }

  onConnect(abort: (error?: Error) => void): void {
    // Thrown, not aborted: the request is taken back and the fresh connection serves the next one.
    if (this.#over) throw ABORTED
    this.#abort = abort
    this.#sent = true
    this.#owner.onSending()
  }

  onBodySent(): void {
    if (!this.#over) this.#owner.onBodySent()
  }

  onRequestSent(): void {
    if (!this.#over) this.#owner.onRequestSent()
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, reason: string): boolean {
    if (this.#over) return true
    // The rest of undici would wait for another head: a 101 that leads to no other protocol is no answer.
    if (status === 101) this.#abort!(badUpgrade())
    else if (status < 200) this.#owner.onInformation(status, headers)
    else this.#owner.onHead(status, headers, resume, reason)
    return true
  }

  onUpgrade(_status: number, headers: Buffer[] | string[] | null, socket: Duplex): void {
    // undici has taken its listeners off, and an error that nobody hears ends the process.
    socket.on('error', () => socket.destroy())
    const raw = (headers ?? []) as Buffer[]
    if (!this.#over && isToWebSocket(raw)) {
      this.#abort = () => socket.destroy()
      this.#owner.onUpgrade(raw, socket)
      return
    }
    socket.destroy()
    this.onError(badUpgrade())
  }

  onData(chunk: Buffer): boolean {
    if (!this.#over) return this.#owner.onChunk(chunk)
    this.#unheardBytes -= chunk.length
    if (this.#unheardBytes < 0) this.#abort?.(ABORTED)
    return true
  }

  /** undici hands over raw buffers here too; its type says otherwise. */
  onComplete(trailers: string[] | null): void {
    if (this.#over) return this.#unheard()
    this.#finish()
    this.#owner.onEnd(trailers as unknown as readonly Buffer[] | null)
  }

  onError(error: Error): void {
    if (this.#over) return this.#unheard()
    this.#finish()
    this.#owner.onFailure(error, this.#sent)
  }

  #unheard(): void {
    if (this.#unheardTimer !== null) clearTimeout(this.#unheardTimer)
  }

  #finish(): void {
    this.#over = true
    this.upstream.inFlight--
  }
}

/** As undici calls an upgrade that nobody has asked for. */
function badUpgrade(): Error {
  return new errors.SocketError('bad upgrade')
}

/** Whether a 101 leads where it should. It has no transfer coding (RFC 9112 section 6.1). */
function isToWebSocket(raw: readonly Buffer[]): boolean {
  let protocol = ''
  for (let n = 0; n < raw.length; n += 2) {
    const name = raw[n]!.toString('latin1').toLowerCase()
    if (name === 'transfer-encoding') return false
    if (name === 'upgrade') protocol += raw[n + 1]!.toString('latin1')
  }
  return protocol.toLowerCase() === 'websocket'
}

/** Most of an answer that is read for nothing. */
const MOST_UNHEARD_BYTES = 64 * 1024
const LONGEST_UNHEARD_MS = 10_000

/** The reason of every abort: one object, because nobody looks at its stack. */
const ABORTED = new Error('the exchange is over')
