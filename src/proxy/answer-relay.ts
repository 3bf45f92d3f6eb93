import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ErrorCode } from '../domain/errors.ts'
import { markClosing } from './closing-connections.ts'
import { isUnread } from './has-body.ts'
import { lingerAndEnd } from './linger.ts'
import { buildResponseHead, buildTrailers, type ResponseAdditions } from './response-headers.ts'
import { StreamTail } from './stream-tail.ts'
import { isUpgrade } from './upgrade.ts'

/** What the relay needs to know of an answer beside its bytes. */
export type RelayOptions = ResponseAdditions & {
  /** The connection ends with this answer, whatever the client would like. */
  readonly close: boolean
  /** Most bytes of the answer to keep a copy of; 0 = none. */
  readonly copyBytes: number
  /** Most bytes of the end of a stream of events to keep a copy of; 0 = none. */
  readonly tailBytes: number
  /** Lets the upstream go on after `write` said false. */
  readonly resume: () => void
}

/** Who is told of the client. */
export type RelayOwner = {
  /** The client reads again after `write` said false. */
  readonly onDrain: () => void
}

/** A whole answer up to that long is copied, to leave in one piece with its head. */
const LONGEST_PIECE_BYTES = 8192

/** Statuses above are none (RFC 9110 section 15). */
const LAST_STATUS = 599

/** One answer on its way from the upstream to the client, byte for byte. */
export class AnswerRelay {
  readonly status: number
  /** HEAD, 204 and 304: the head is all there is. */
  readonly isBodyless: boolean
  isEventStream = false
  /** The answer so far, by reference; null when it is not wanted, encoded, or too large. */
  copy: Buffer[] | null = null
  copiedBytes = 0
  /** The end of a stream of events; null when it is not wanted, or encoded. */
  tail: StreamTail | null = null
  /** Bytes of the body so far. */
  writtenBytes = 0
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #owner: RelayOwner
  readonly #options: RelayOptions
  readonly #takesTrailers: boolean
  readonly #isUnread: boolean
  /** Bytes of the body as the head has announced them. */
  #announcedBytes: number | null = null
  #watchesDrain = false
  /** Bytes of it that were left when it was looked last. */
  #leftBytes = 0

  constructor(req: IncomingMessage, res: ServerResponse, owner: RelayOwner, options: RelayOptions) {
    this.#req = req
    this.#res = res
    this.#owner = owner
    this.#options = options
    this.status = options.status
    this.isBodyless = req.method === 'HEAD' || options.status === 204 || options.status === 304
    this.#takesTrailers = req.httpVersionMinor > 0 && takesTrailers(req.headers.te)
    this.#isUnread = isUnread(req)
  }

  /** Passes a 1xx head on where that is possible: 102, and 103 with its links (RFC 9110 section 15.2). */
  static passInformation(
    req: IncomingMessage,
    res: ServerResponse,
    status: number,
    raw: readonly Buffer[],
  ): void {
    if (req.httpVersionMinor === 0 || res.headersSent || res.destroyed) return
    // Nothing would hold the upstream back from sending more of them than the client reads.
    if (res.writableLength >= res.writableHighWaterMark) return
    // WebSocket clients wait for a 101, and not all of them know that other heads may come before.
    if (isUpgrade(req)) return
    if (status === 102) res.writeProcessing()
    if (status !== 103) return
    const link: string[] = []
    for (let n = 0; n < raw.length; n += 2) {
      if (raw[n]!.toString('latin1').toLowerCase() === 'link')
        link.push(raw[n + 1]!.toString('latin1'))
    }
    try {
      res.writeEarlyHints({ link })
    } catch {
      // Node takes only well-formed links; a hint may be dropped (RFC 8297 section 2).
    }
  }

  /** Writes the head. Returns why it cannot be passed on, with nothing written, or null. */
  start(raw: readonly Buffer[], reason: string): ErrorCode | null {
    const options = this.#options
    const { status, copyBytes, tailBytes } = options
    if (status > LAST_STATUS) return 'SERIN_UPSTREAM_PROTOCOL'
    const close = options.close || this.#isUnread
    const head = buildResponseHead(raw, options, {
      close,
      trailers: this.#takesTrailers && !this.isBodyless,
    })
    if (head === null) return 'SERIN_UPSTREAM_TRANSFER_CODING'
    if (close) markClosing(this.#req.socket)
    try {
      this.#res.writeHead(status, isPrintable(reason) ? reason : undefined, head.headers)
    } catch {
      // A field with bytes that Node does not write.
      return 'SERIN_UPSTREAM_PROTOCOL'
    }
    this.isEventStream = head.isEventStream
    this.#announcedBytes = head.bodyBytes
    const isLegible = status < 300 && !head.isEncoded
    if (isLegible && copyBytes > 0 && !head.isEventStream) this.copy = []
    if (isLegible && tailBytes > 0 && head.isEventStream) this.tail = new StreamTail(tailBytes)
    // With the first bytes if they came along, else by itself and at once.
    if (!this.isBodyless) process.nextTick(flushHead, this)
    return null
  }

  /** Sends the head alone unless body bytes have taken it along. */
  flush(): void {
    if (this.writtenBytes === 0 && !this.#res.writableEnded) this.#res.flushHeaders()
  }

  /** False: the client's connection is full; `onDrain` says when it is not any more. */
  write(chunk: Buffer): boolean {
    const isWhole = this.writtenBytes === 0 && chunk.length === this.#announcedBytes
    this.writtenBytes += chunk.length
    if (this.copy !== null) this.#keep(chunk)
    else if (this.tail !== null) this.tail.add(chunk)
    const isPiece = isWhole && chunk.length <= LONGEST_PIECE_BYTES
    if (isPiece ? this.#writePiece(chunk) : this.#res.write(chunk)) return true
    // All of it: whatever becomes of the upstream's connection while the client reads is no matter of this answer's.
    if (this.writtenBytes === this.#announcedBytes) return true
    if (!this.#watchesDrain) this.#res.on('drain', () => this.#owner.onDrain())
    this.#watchesDrain = true
    return false
  }

  /** Lets the upstream go on. */
  resume(): void {
    this.#options.resume()
  }

  /** Ends the answer. True: not all of it is with the kernel yet, or the rest of the request is waited for. */
  end(trailers: readonly Buffer[] | null): boolean {
    if (this.#takesTrailers && trailers !== null && trailers.length > 0) {
      this.#res.addTrailers(buildTrailers(trailers))
    }
    if (this.#isUnread && isUnread(this.#req)) {
      this.flush()
      lingerAndEnd(this.#req, this.#res)
    } else {
      this.#res.end()
    }
    // Of a connection that has just ended the answer is about to hear.
    if (this.#res.writableFinished || this.#req.socket.destroyed) return false
    this.#leftBytes = this.#res.writableLength
    return true
  }

  /** Whether the client has taken any of the rest since this was asked last. */
  takesRest(): boolean {
    const { writableLength } = this.#res
    const isTaken = writableLength < this.#leftBytes
    this.#leftBytes = writableLength
    return isTaken && !this.#req.socket.destroyed
  }

  /**
   * Head and body as one string in one write. Left to itself, Node makes a list of them, with an empty string for
   * the end, which is slower to build and to send.
   */
  #writePiece(chunk: Buffer): boolean {
    const res = this.#res
    res.write(chunk.toString('latin1'), 'latin1')
    // Node waits for the end of its turn.
    res.socket?.uncork()
    return !res.writableNeedDrain
  }

  #keep(chunk: Buffer): void {
    this.copiedBytes += chunk.length
    if (this.copiedBytes > this.#options.copyBytes) this.copy = null
    else this.copy!.push(chunk)
  }
}

function flushHead(relay: AnswerRelay): void {
  relay.flush()
}

/**
 * undici decodes the reason as UTF-8, which not every one is, and llhttp lets control characters through, which
 * Node refuses to write, then and in any later try; then the status' usual reason will do.
 */
function isPrintable(reason: string): boolean {
  for (let n = 0; n < reason.length; n++) {
    const code = reason.charCodeAt(n)
    if (code < 0x20 || code > 0x7e) return false
  }
  return true
}

/** `TE: trailers`, possibly among codings (RFC 9110 section 10.1.4). */
function takesTrailers(te: string | string[] | undefined): boolean {
  return te !== undefined && String(te).toLowerCase().includes('trailers')
}
