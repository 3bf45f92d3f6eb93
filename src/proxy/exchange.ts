import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Assignment } from '../domain/assignment.ts'
import { errorEntry, type ErrorCode } from '../domain/errors.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { Service } from '../domain/service.ts'
import type { AccessFacts } from './access-log.ts'
import { AnswerRelay, type RelayOwner } from './answer-relay.ts'
import { Booking, outcomeOf, watchAnswer } from './booking.ts'
import { wholeBody, type Prefix } from './collect-prefix.ts'
import { collectRequest } from './collect-request.ts'
import type { DeliveryOwner } from './delivery-owner.ts'
import { cutAnswer } from './cut-answer.ts'
import { Delivery } from './delivery.ts'
import type { ExchangeContext } from './exchange-context.ts'
import type { HandshakeResponse } from './handshake-response.ts'
import type { ExchangeKind, LiveExchange } from './live-exchanges.ts'
import { codeOfTimeout, isUnanswered, type Phase } from './phase.ts'
import { answerProblem } from './problem.ts'
import type { MirroredRequest } from './mirrored-request.ts'
import type { ServiceRuntime } from './service-runtime.ts'
import { Session, type SessionOwner } from './session.ts'
import { buildSwitchHead } from './switch-head.ts'
import { Trace } from './trace.ts'
import { UploadStream } from './upload-stream.ts'

/**
 * One request of a service from its arrival to its end, on the client's side: its body is read, its
 * delivery watched, its answer passed on. It is booked exactly once if it was assigned, whoever ends it: the
 * upstream, the client, a deadline, the drain, or a mistake of ours.
 */
export class Exchange implements DeliveryOwner, RelayOwner, SessionOwner, LiveExchange {
  readonly requestId: string
  readonly res: ServerResponse
  place = -1
  dueAt = Infinity
  readonly #context: ExchangeContext
  readonly #service: Service
  readonly #req: IncomingMessage
  readonly #trace: Trace
  #phase: Phase = 'collecting'
  /** When the whole attempt has to be over; its phases cannot move beyond it. */
  #capAt = Infinity
  /** The canary's failure, where the baseline answers in its place. */
  #replaced: AccessFacts['replaced'] = null
  /** When its answer has run well for long enough to be booked. */
  #settlesAt = Infinity
  #booking: Booking | null = null
  #delivery: Delivery | null = null
  #upload: UploadStream | null = null
  #relay: AnswerRelay | null = null
  #session: Session | null = null
  #mirrored: MirroredRequest | null = null

  constructor(
    context: ExchangeContext,
    service: Service,
    req: IncomingMessage,
    res: ServerResponse,
    requestId: string,
  ) {
    this.#context = context
    this.#service = service
    this.#req = req
    this.res = res
    this.requestId = requestId
    const now = context.clock.monotonic()
    this.#trace = new Trace(now)
    context.exchanges.add(this, now)
    res.on('close', () => this.#onClose())
  }

  get kind(): ExchangeKind {
    return this.#session !== null || this.#relay?.isEventStream === true ? 'stream' : 'other'
  }

  /** Reads the request body, or its beginning when it is long, before the request is assigned. */
  collect(inspects: boolean, done: (prefix: Prefix) => void): void {
    const wait = (ms: number) => this.await('collecting', ms)
    collectRequest(this.#context, this.#req, this.#trace, inspects, wait, (prefix) => {
      if (this.#phase === 'collecting') done(prefix)
    })
  }

  /** Books the assignment and has the request delivered. */
  forward(runtime: ServiceRuntime, assignment: Assignment, prefix: Prefix): void {
    const { clock, draw, limits, mirroring } = this.#context
    const req = this.#req
    const trace = this.#trace
    const now = clock.monotonic()
    const watch = watchAnswer(this.#service, draw)
    const ticket = runtime.recorder.begin(assignment, this.requestId, now, watch.reads !== null)
    trace.assignedAt = now
    trace.requestBytes = prefix.bytes
    this.#booking = new Booking(runtime.recorder, ticket, watch)
    if (!prefix.isComplete) {
      this.#upload = new UploadStream(req, prefix.chunks, limits.bodyBytes(), clock, () =>
        this.fail('SERIN_BODY_TOO_LARGE'),
      )
    }
    const body = this.#upload ?? wholeBody(prefix)
    const parcel = { runtime, req, requestId: this.requestId, body, ticket, watch, trace }
    this.#delivery = new Delivery(this.#context, this, parcel)
    this.#delivery.start(now)
    if (runtime.mirrors === null || this.#phase === 'done') return
    this.#mirrored = mirroring.start(runtime.mirrors, parcel, prefix)
  }

  /** Ends the exchange with an error: an answer of our own, or a visibly broken one where a head has left. */
  fail(code: ErrorCode): void {
    if (this.#phase === 'done') return
    if (this.#phase === 'flushing') return this.#cutRest()
    if (this.#session !== null) return this.#session.end(code)
    const { status, outcome } = errorEntry(code)
    const isCut = this.res.headersSent
    // No variant's, so no book has it.
    if (this.#booking === null) this.#context.refusals.count(code)
    const booked = this.#booking === null ? null : outcome
    this.#finish(booked ?? 'rejected', isCut ? this.#relay!.status : status, code)
    if (isCut) return cutAnswer(this.res)
    answerProblem(this.#req, this.res, {
      code,
      requestId: this.requestId,
      requestIdHeader: this.#service.observe.requestIdHeader,
      name: this.#context.name,
      variant: this.#context.told(this.#delivery?.target.variant.name),
      fallbackFrom: this.#delivery?.fallbackFrom ?? null,
      close: this.#context.isDraining(),
    })
  }

  await(phase: Phase, ms: number): void {
    if (this.#phase === 'done') return
    this.#phase = phase
    this.dueAt = Math.min(this.#context.exchanges.deadlineAfter(ms), this.#capAt)
  }

  cap(totalMs: number | null): void {
    this.#capAt = totalMs === null ? Infinity : this.#context.exchanges.deadlineAfter(totalMs)
  }

  onFallback(outcome: Outcome, status: number, code: ErrorCode | null): void {
    const { clock, predictions } = this.#context
    this.#replaced = { outcome, status, code, upstream: this.#trace.upstream }
    this.#booking!.close(outcome, status, this.#trace, clock.monotonic(), null, predictions, code)
  }

  onInformation(status: number, headers: readonly Buffer[]): void {
    AnswerRelay.passInformation(this.#req, this.res, status, headers)
  }

  onHead(status: number, raw: readonly Buffer[], resume: () => void, reason: string) {
    const { clock, exchanges, isDraining, limits, name, told } = this.#context
    const delivery = this.#delivery!
    const isRead = this.#booking!.isObserved || this.#mirrored?.wantsAnswer === true
    const relay = new AnswerRelay(this.#req, this.res, this, {
      status,
      variant: told(delivery.target.variant.name),
      fallbackFrom: delivery.fallbackFrom,
      requestId: this.requestId,
      requestIdHeader: this.#service.observe.requestIdHeader,
      name,
      copyBytes: isRead && delivery.fallbackFrom === null ? limits.copyBytes : 0,
      tailBytes: this.#booking!.wantsTail && delivery.fallbackFrom === null ? limits.tailBytes : 0,
      close: isDraining(),
      resume,
    })
    const refusal = relay.start(raw, reason)
    if (refusal !== null) return refusal
    this.#relay = relay
    this.#trace.headAt = clock.monotonic()
    this.#settlesAt = exchanges.now + limits.settleMs
    this.#booking!.head(this.#trace.headAt, outcomeOf(status, this.#service))
    if (relay.isBodyless) {
      // undici 7 calls 204 and 304 with a Content-Length a failure afterwards, and so closes HEAD.
      delivery.detach()
      this.onEnd(null)
    } else this.await('receiving', delivery.target.variant.timeout.idleMs)
    return null
  }

  onUpgrade(raw: readonly Buffer[], upstream: Duplex): void {
    const { clock, limits, name, told } = this.#context
    const { target, fallbackFrom } = this.#delivery!
    this.#trace.headAt = clock.monotonic()
    const head = buildSwitchHead(raw, {
      ...{ variant: told(target.variant.name), fallbackFrom, name, requestId: this.requestId },
      requestIdHeader: this.#service.observe.requestIdHeader,
    })
    this.#booking!.opened(this.#trace, this.#trace.headAt)
    const client = (this.res as HandshakeResponse).takeSocket()
    this.#session = new Session(client, upstream, this, limits, target.variant.timeout.idleMs)
    this.#session.start(head)
  }

  onSessionEnd(code: ErrorCode | null): void {
    this.#trace.requestBytes = this.#session!.tunnel.sentBytes
    // Its outcome was that of the handshake, however it ends.
    this.#finish('ok', 101, code)
  }

  onChunk(chunk: Buffer): boolean {
    const { clock, exchanges, limits } = this.#context
    this.#booking!.chunk(clock, exchanges.now)
    if (exchanges.now >= this.#settlesAt) {
      const { status } = this.#relay!
      this.#booking!.settle(outcomeOf(status, this.#service), status, this.#trace, exchanges.now)
    }
    if (this.#relay!.write(chunk)) {
      this.await('receiving', this.#delivery!.target.variant.timeout.idleMs)
      return true
    }
    this.await('stalled', limits.writeStallMs)
    return false
  }

  onDrain(): void {
    if (this.#phase !== 'stalled') return
    this.await('receiving', this.#delivery!.target.variant.timeout.idleMs)
    this.#relay!.resume()
  }

  onEnd(trailers: readonly Buffer[] | null): void {
    const relay = this.#relay!
    const isLeft = relay.end(trailers)
    const code = this.#booking!.errorIn(relay.tail)
    this.#finish(outcomeOf(relay.status, this.#service, code), relay.status, code)
    if (isLeft) this.#awaitFlush()
  }

  onBroken(code: ErrorCode): void {
    this.#booking!.truncated()
    this.fail(code)
  }

  onDeadline(): void {
    const phase = this.#phase
    if (phase === 'flushing' && this.#relay!.takesRest()) return this.#awaitFlush()
    if (phase === 'flushing') return this.#cutRest()
    if (phase === 'sending' && this.#upload!.isPaused()) {
      // The client would send, but the upstream does not read: from here on it is the upstream's time.
      return this.await('waiting', this.#delivery!.target.variant.timeout.firstByteMs)
    }
    const isCapped = this.dueAt === this.#capAt
    if (phase === 'receiving' && this.#relay!.status < 400 && this.#upload?.isAwaited === true) {
      // An upstream that has begun its answer, and refuses nothing, may wait for the rest of the request.
      const comes = !isCapped && this.#delivery!.patienceMs > 0 && this.#upload.hasGrown()
      if (!comes) return this.fail('SERIN_REQUEST_TIMEOUT')
      return this.await('receiving', this.#delivery!.target.variant.timeout.idleMs)
    }
    const code = codeOfTimeout(phase, isCapped)
    if (isUnanswered(phase)) this.#delivery!.giveUp(code, phase === 'waiting')
    else this.fail(code)
  }

  /** All is booked, and the last bytes are on their way to a slow client. */
  #awaitFlush(): void {
    const { exchanges, limits } = this.#context
    this.#phase = 'flushing'
    this.dueAt = exchanges.deadlineAfter(limits.writeStallMs)
    if (this.place === -1) exchanges.add(this, this.#trace.endAt)
  }

  #cutRest(): void {
    this.#context.exchanges.remove(this)
    this.#req.socket.destroy()
  }

  #onClose(): void {
    if (this.#phase === 'flushing') this.#context.exchanges.remove(this)
    if (this.#phase === 'flushing' || this.#phase === 'done') return
    const status = this.#relay?.status ?? errorEntry('SERIN_CLIENT_CLOSED').status
    this.#finish('client_closed', status, 'SERIN_CLIENT_CLOSED')
  }

  #finish(outcome: Outcome, status: number, code: ErrorCode | null): void {
    this.#phase = 'done'
    const { accessLog, clock, exchanges, predictions } = this.#context
    const now = (this.#trace.endAt = clock.monotonic())
    exchanges.remove(this)
    this.#upload?.destroy()
    this.#delivery?.end(outcome, now)
    this.#booking?.close(outcome, status, this.#trace, now, this.#relay, predictions, code)
    const isOwn = code === null && this.#replaced === null
    this.#mirrored?.onAnswered(outcome, isOwn ? this.#relay : null, this.#trace)
    if (!accessLog.takes(this.#replaced?.outcome ?? outcome, code)) return
    accessLog.write(this.#req, this.#trace, {
      requestId: this.requestId,
      service: this.#service.name,
      variant: this.#booking?.ticket.variant ?? null,
      reason: this.#booking?.ticket.reason ?? null,
      replaced: this.#replaced,
      requestBytes: this.#trace.requestBytes + (this.#upload?.bytesPassed ?? 0),
      answerBytes: this.#relay?.writtenBytes ?? this.#session?.tunnel.receivedBytes ?? 0,
      status,
      outcome,
      code,
    })
  }
}
