import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { errorEntry, type ErrorCode } from '../domain/errors.ts'
import type { Outcome } from '../domain/outcome.ts'
import { bodyPatience } from './body-patience.ts'
import { cutAnswer } from './cut-answer.ts'
import { classifyError, rootCause } from './errors.ts'
import type { ExchangeContext } from './exchange-context.ts'
import type { GatewayDeps } from './gateway-deps.ts'
import type { ExchangeKind, LiveExchange } from './live-exchanges.ts'
import { refuse, REQUEST_ID_HEADER, type RefusingDeps } from './own-answers.ts'
import { answerProblem } from './problem.ts'
import { readRequestId } from './request-headers.ts'
import { Trace } from './trace.ts'
import { isUpgrade } from './upgrade.ts'
import { UploadStream } from './upload-stream.ts'

/** What an exchange of the passthrough takes: who refuses, who counts, and what all exchanges have in common. */
export type PassthroughDeps = RefusingDeps &
  Pick<GatewayDeps, 'counters'> &
  Pick<ExchangeContext, 'accessLog' | 'clock' | 'exchanges' | 'limits'>

/** Whose time is running: the client's while its body comes, the upstream's, the client's while it reads. */
type Phase = 'sending' | 'waiting' | 'receiving' | 'tunnelling' | 'done'

/**
 * One request of the passthrough, from its arrival to its end: it counts against `limits.inFlight`, ends with the
 * drain, and is counted and logged once, however it ends. The library carries it; this one only looks on, and ends it
 * for what the library has no limit of: a body that is too large or too slow, a client that does not read.
 *
 * A request that ends before it was handed to the upstream was refused, and is counted as such.
 */
export class PassthroughExchange implements LiveExchange {
  readonly requestId: string
  readonly res: ServerResponse
  place = -1
  dueAt = Infinity
  readonly #deps: PassthroughDeps
  readonly #req: IncomingMessage
  readonly #trace: Trace
  #phase: Phase = 'waiting'
  #upload: UploadStream | null = null
  #answerBytes = 0
  /** Of them, those that had passed when the client was looked at last. */
  #seenBytes = 0
  /** How the upstream broke off within its answer, or would have no session. */
  #broken: ErrorCode | null = null
  /** The upstream has agreed to the session. */
  #isConnected = false

  constructor(deps: PassthroughDeps, req: IncomingMessage, res: ServerResponse) {
    this.#deps = deps
    this.#req = req
    this.res = res
    this.requestId = readRequestId(req, REQUEST_ID_HEADER) ?? deps.newRequestId()
    const now = deps.clock.monotonic()
    this.#trace = new Trace(now)
    deps.exchanges.add(this, now)
    res.on('close', () => this.#onClose())
  }

  get kind(): ExchangeKind {
    if (this.#phase === 'tunnelling') return 'stream'
    const type = this.res.getHeader('content-type')
    return String(type).startsWith('text/event-stream') ? 'stream' : 'other'
  }

  /** Nothing is left to be answered. */
  get isDone(): boolean {
    return this.#phase === 'done'
  }

  /** The request's body, counted and watched on its way up. */
  upload(): UploadStream {
    const { clock, limits } = this.#deps
    const upload = new UploadStream(this.#req, [], limits.bodyBytes(), clock, () =>
      this.fail('SERIN_BODY_TOO_LARGE'),
    )
    upload.watch({
      onPart: () => {
        // An answer may have begun before the end of the body.
        if (this.#phase === 'sending') this.#awaitPart(upload)
      },
      onWhole: () => {
        if (this.#phase !== 'sending') return
        this.#phase = 'waiting'
        this.dueAt = Infinity
      },
    })
    this.#upload = upload
    this.#phase = 'sending'
    this.#awaitPart(upload)
    return upload
  }

  /** It is handed to the upstream. */
  handOver(origin: string): void {
    const now = this.#deps.clock.monotonic()
    this.#trace.beginAttempt(now, origin)
    // Nobody says when the connection is there: what it takes is a part of the time to the first byte.
    this.#trace.attemptAt = 0
    this.#trace.sentAt = now
  }

  /** The head of the answer came, and this body follows. */
  answered(body: Readable): void {
    this.#trace.headAt = this.#deps.clock.monotonic()
    this.#phase = 'receiving'
    body.on('data', (chunk: Buffer) => (this.#answerBytes += chunk.length))
    // When the client has left it is the library that ends it.
    body.on('error', (error) => {
      if (!this.res.destroyed) this.#broken = classifyError(rootCause(error), 'answered')
    })
    this.#lookAgain()
  }

  /** A WebSocket session is open towards the client; this is its other side, which may yet refuse it. */
  opened(upstream: EventEmitter): void {
    this.#phase = 'tunnelling'
    const breakOff = (code: ErrorCode) => {
      if (!this.#isConnected) this.#broken = code
    }
    upstream.once('open', () => (this.#isConnected = true))
    upstream.once('unexpected-response', () => breakOff('SERIN_UPSTREAM_PROTOCOL'))
    upstream.once('error', (error: Error & { readonly code?: string }) => {
      // What is wrong with a handshake's answer has no code.
      const isAnswered = error.code === undefined
      breakOff(isAnswered ? 'SERIN_UPSTREAM_PROTOCOL' : classifyError(rootCause(error), 'unsent'))
    })
    this.#lookAgain()
  }

  /** `detail` replaces the catalogue's sentence. */
  fail(code: ErrorCode, detail?: string): void {
    if (this.#phase === 'done') return
    const isSession = this.#phase === 'tunnelling'
    const isCut = this.res.headersSent
    const { status, outcome } = errorEntry(code)
    if (this.#trace.attempts === 0) {
      this.#leave()
      refuse(this.#deps, this.#req, this.res, detail === undefined ? { code } : { code, detail })
      return
    }
    this.#finish(
      outcome ?? 'rejected',
      isSession ? 101 : isCut ? this.res.statusCode : status,
      code,
    )
    if (isSession) {
      this.#req.socket.destroy()
    } else if (isCut) {
      cutAnswer(this.res)
    } else {
      answerProblem(this.#req, this.res, {
        code,
        requestId: this.requestId,
        requestIdHeader: REQUEST_ID_HEADER,
        name: this.#deps.name,
        close: this.#deps.isDraining(),
      })
    }
  }

  onDeadline(): void {
    if (this.#phase === 'sending') {
      // The client would send, but the upstream does not read: that one has a limit of the library's.
      if (this.#upload!.isPaused()) this.#awaitPart(this.#upload!)
      else this.fail('SERIN_REQUEST_TIMEOUT')
      return
    }
    if (this.#passed() !== this.#seenBytes) this.#lookAgain()
    else if (this.#phase === 'tunnelling') this.fail('SERIN_UPSTREAM_IDLE_TIMEOUT')
    else if (this.res.writableNeedDrain || this.res.writableEnded) this.res.destroy()
    else this.#lookAgain()
  }

  #awaitPart(upload: UploadStream): void {
    const { exchanges, limits } = this.#deps
    const clientMs = exchanges.now - this.#trace.startedAt - upload.heldMs
    const patience = upload.isPaused()
      ? limits.bodyIdleMs
      : bodyPatience(limits, clientMs, upload.bytesPassed)
    this.dueAt = exchanges.deadlineAfter(patience)
  }

  /** Later it is seen whether the client has read anything since, or the session was quiet. */
  #lookAgain(): void {
    const { exchanges, limits } = this.#deps
    const { tunnelIdleMs, writeStallMs } = limits
    this.#seenBytes = this.#passed()
    this.dueAt = exchanges.deadlineAfter(this.#phase === 'tunnelling' ? tunnelIdleMs : writeStallMs)
  }

  #passed(): number {
    if (this.#phase !== 'tunnelling') return this.#answerBytes
    const { bytesRead, bytesWritten } = this.#req.socket
    return bytesRead + bytesWritten
  }

  #onClose(): void {
    if (this.#phase === 'done') return
    const { headersSent, statusCode, writableFinished } = this.res
    const sent = this.#phase === 'tunnelling' ? 101 : statusCode
    if (this.#broken !== null) {
      this.#finish(errorEntry(this.#broken).outcome ?? 'rejected', sent, this.#broken)
    } else if (this.#isConnected) {
      this.#finish('ok', sent, null)
    } else if (writableFinished) {
      this.#finish(sent >= 500 ? 'failed' : 'ok', sent, null)
    } else if (isUpgrade(this.#req) && this.#trace.attempts === 0) {
      // The library answers a handshake that is none by itself, on the bare connection.
      this.#leave()
      const { requestId } = this
      const refused = { requestId, code: 'SERIN_BAD_REQUEST', req: this.#req } as const
      this.#deps.refusals.note({ ...refused, service: null })
    } else {
      const code = 'SERIN_CLIENT_CLOSED'
      const isBegun = headersSent || this.#phase === 'tunnelling'
      this.#finish('client_closed', isBegun ? sent : errorEntry(code).status, code)
    }
  }

  #leave(): void {
    this.#phase = 'done'
    this.#deps.exchanges.remove(this)
    this.#upload?.destroy()
  }

  #finish(outcome: Outcome, status: number, code: ErrorCode | null): void {
    const { accessLog, clock, counters } = this.#deps
    this.#trace.endAt = clock.monotonic()
    this.#leave()
    counters.countPassthrough(outcome, status)
    if (!accessLog.takes(outcome, code)) return
    accessLog.write(this.#req, this.#trace, {
      requestId: this.requestId,
      service: null,
      variant: null,
      reason: null,
      replaced: null,
      requestBytes: this.#upload?.bytesPassed ?? 0,
      answerBytes: this.#answerBytes,
      status,
      outcome,
      code,
    })
  }
}
