import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Assignment } from '../domain/assignment.ts'
import { errorEntry, type ErrorCode } from '../domain/errors.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { Service } from '../domain/service.ts'
import { rewritePath } from '../routing/rewrite.ts'
import { AnswerRelay } from './answer-relay.ts'
import { Booking, outcomeOf } from './booking.ts'
import { collectPrefix, type Prefix } from './collect-prefix.ts'
import { Deadline, type DeadlineOwner } from './deadline.ts'
import { classifyError, rootCause } from './errors.ts'
import type { ExchangeContext } from './exchange-context.ts'
import { Attempt, type AttemptOwner } from './forward.ts'
import type { ExchangeKind, LiveExchange } from './live-exchanges.ts'
import { codeOfTimeout, type Phase } from './phase.ts'
import { answerProblem } from './problem.ts'
import { buildRequestHeaders } from './request-headers.ts'
import type { ServiceRuntime } from './service-runtime.ts'
import { pickUpstream, type VariantTarget } from './upstream.ts'
import { UploadStream } from './upload-stream.ts'

/**
 * One request of a service from its arrival to its end. It is booked exactly once if it was assigned,
 * whoever ends it: the upstream, the client, a deadline, the drain, or a mistake of ours.
 */
export class Exchange implements AttemptOwner, DeadlineOwner, LiveExchange {
  readonly requestId: string
  place = -1
  readonly #context: ExchangeContext
  readonly #service: Service
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #deadline: Deadline
  readonly #startedAt: number
  #phase: Phase = 'collecting'
  #target: VariantTarget | null = null
  #booking: Booking | null = null
  #attempt: Attempt | null = null
  #upload: UploadStream | null = null
  #relay: AnswerRelay | null = null

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
    this.#res = res
    this.requestId = requestId
    this.#startedAt = context.clock.monotonic()
    this.#deadline = new Deadline(context.clock, this)
    context.exchanges.add(this)
    res.on('close', () => this.#onClose())
  }

  get kind(): ExchangeKind {
    return this.#relay?.isEventStream === true ? 'stream' : 'other'
  }

  /** Reads the request body, or its beginning when it is long, before the request is assigned. */
  collect(done: (prefix: Prefix) => void): void {
    const { bodyIdleMs, inspectBytes } = this.#context.limits
    this.#deadline.set(bodyIdleMs)
    collectPrefix(
      this.#req,
      inspectBytes,
      () => this.#deadline.set(bodyIdleMs),
      (prefix) => {
        if (this.#phase === 'collecting') done(prefix)
      },
    )
  }

  /** Books the assignment and sends the request to one of the variant's upstreams. */
  forward(runtime: ServiceRuntime, assignment: Assignment, prefix: Prefix): void {
    const { clock, draw, limits, name } = this.#context
    const target = runtime.targets.get(assignment.variant)!
    const { variant, matchPath, upstreams, backstopMs } = target
    this.#target = target
    const { recorder } = runtime
    this.#booking = new Booking(recorder, recorder.begin(assignment, this.requestId), clock)
    this.#phase = 'connecting'
    if (variant.timeout.totalMs !== null) this.#deadline.cap(variant.timeout.totalMs)
    this.#deadline.set(variant.timeout.connectMs)
    if (!prefix.isComplete) {
      this.#upload = new UploadStream(this.#req, prefix.chunks, limits.bodyBytes(), () =>
        this.fail('SERIN_BODY_TOO_LARGE'),
      )
    }
    this.#attempt = new Attempt(pickUpstream(upstreams, draw), this)
    this.#attempt.start({
      path: rewritePath(matchPath, variant.path, this.#req.url!),
      method: this.#req.method!,
      headers: buildRequestHeaders(this.#req, {
        variant: variant.name,
        requestId: this.requestId,
        requestIdHeader: this.#service.observe.requestIdHeader,
        name,
        peer: this.#context.peerOf(this.#req),
      }),
      body: this.#upload ?? wholeBody(prefix),
      timeoutMs: backstopMs,
    })
  }

  /** Ends the exchange with an error: an answer of our own, or a visibly broken one where a head has left. */
  fail(code: ErrorCode): void {
    if (this.#phase === 'done' || this.#phase === 'flushing') return
    this.#attempt?.abort()
    const { status, outcome } = errorEntry(code)
    const isCut = this.#res.headersSent
    this.#finish(outcome ?? 'rejected', isCut ? this.#relay!.status : status, code)
    if (isCut) {
      this.#res.destroy()
      return
    }
    answerProblem(this.#req, this.#res, {
      code,
      requestId: this.requestId,
      requestIdHeader: this.#service.observe.requestIdHeader,
      name: this.#context.name,
      variant: this.#booking?.ticket.variant,
      close: this.#context.isDraining(),
    })
  }

  breakOff(): void {
    this.fail('SERIN_SHUTTING_DOWN')
  }

  onSending(): void {
    if (this.#upload === null) this.#await('waiting', this.#target!.variant.timeout.firstByteMs)
    else this.#await('sending', this.#context.limits.bodyIdleMs)
  }

  onBodySent(): void {
    if (this.#upload === null) return
    if (this.#phase === 'sending' || this.#phase === 'waiting') {
      this.#await('sending', this.#context.limits.bodyIdleMs)
    }
  }

  onRequestSent(): void {
    if (this.#phase !== 'sending') return
    this.#await('waiting', this.#target!.variant.timeout.firstByteMs)
  }

  onInformation(status: number, headers: readonly Buffer[]): void {
    AnswerRelay.passInformation(this.#req, this.#res, status, headers)
  }

  onHead(status: number, raw: readonly Buffer[], resume: () => void, reason: string): void {
    const { limits, isDraining } = this.#context
    const { observe } = this.#service
    const relay = new AnswerRelay(this.#req, this.#res, {
      status,
      variant: this.#booking!.ticket.variant,
      requestId: this.requestId,
      requestIdHeader: observe.requestIdHeader,
      copyBytes: observe.prediction === null ? 0 : limits.copyBytes,
      close: isDraining(),
      onDrain: () => {
        if (this.#phase !== 'stalled') return
        this.#await('receiving', this.#target!.variant.timeout.idleMs)
        resume()
      },
    })
    this.#relay = relay
    const refusal = relay.start(raw, reason)
    if (refusal !== null) {
      this.fail(refusal)
      return
    }
    this.#booking!.head(status)
    if (relay.isBodyless) {
      // undici 7 calls 204 and 304 with a Content-Length a failure afterwards, and so closes HEAD.
      this.#attempt!.detach()
      this.onEnd(null)
      return
    }
    this.#await('receiving', this.#target!.variant.timeout.idleMs)
  }

  onChunk(chunk: Buffer): boolean {
    const { limits } = this.#context
    this.#booking!.streamed(this.#relay!.status, limits.settleMs)
    if (this.#relay!.write(chunk)) {
      this.#await('receiving', this.#target!.variant.timeout.idleMs)
      return true
    }
    this.#await('stalled', limits.writeStallMs)
    return false
  }

  onEnd(trailers: readonly Buffer[] | null): void {
    const relay = this.#relay!
    const needsDrain = relay.end(trailers)
    this.#finish(outcomeOf(relay.status), relay.status, null)
    if (needsDrain) this.#await('flushing', this.#context.limits.writeStallMs)
  }

  onFailure(error: Error, sent: boolean): void {
    const isAnswered = this.#relay !== null
    const code = classifyError(rootCause(error), isAnswered ? 'answered' : sent ? 'sent' : 'unsent')
    this.#context.onUpstreamError(error, code, this.#service.name, this.requestId)
    if (isAnswered) this.#booking!.truncated()
    this.fail(code)
  }

  onDeadline(capped: boolean): void {
    const phase = this.#phase
    if (phase === 'flushing') {
      this.#res.destroy()
    } else if (phase === 'sending' && this.#upload!.isPaused()) {
      // The client would send, but the upstream does not read: from here on it is the upstream's time.
      this.#await('waiting', this.#target!.variant.timeout.firstByteMs)
    } else {
      this.fail(codeOfTimeout(phase, capped))
    }
  }

  #await(phase: Phase, ms: number): void {
    this.#phase = phase
    this.#deadline.set(ms)
  }

  #onClose(): void {
    if (this.#phase === 'flushing') this.#deadline.clear()
    if (this.#phase === 'done' || this.#phase === 'flushing') return
    this.#attempt?.abort()
    const status = this.#relay?.status ?? errorEntry('SERIN_CLIENT_CLOSED').status
    this.#finish('client_closed', status, 'SERIN_CLIENT_CLOSED')
  }

  #finish(outcome: Outcome, status: number, code: ErrorCode | null): void {
    this.#phase = 'done'
    this.#deadline.clear()
    this.#context.exchanges.remove(this)
    this.#upload?.destroy()
    const { observe } = this.#service
    const { predictions } = this.#context
    const origin = this.#attempt?.upstream.origin ?? ''
    this.#booking?.close(outcome, status, origin, observe.prediction, this.#relay, predictions)
    this.#log(outcome, status, code)
  }

  #log(outcome: Outcome, status: number, code: ErrorCode | null): void {
    const { accessLog, clock } = this.#context
    if (!accessLog.takes(outcome)) return
    const url = this.#req.url!
    const query = url.indexOf('?')
    accessLog.write({
      requestId: this.requestId,
      service: this.#service.name,
      variant: this.#booking?.ticket.variant ?? null,
      reason: this.#booking?.ticket.reason ?? null,
      method: this.#req.method!,
      path: query === -1 ? url : url.slice(0, query),
      status,
      ms: Math.round((clock.monotonic() - this.#startedAt) * 1000) / 1000,
      outcome,
      code,
    })
  }
}

function wholeBody(prefix: Prefix): Buffer | null {
  if (prefix.bytes === 0) return null
  return prefix.chunks.length === 1 ? prefix.chunks[0]! : Buffer.concat(prefix.chunks)
}
