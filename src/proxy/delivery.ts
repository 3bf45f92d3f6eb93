import type { Duplex } from 'node:stream'
import { errorEntry, type ErrorCode } from '../domain/errors.ts'
import type { Outcome } from '../domain/outcome.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import { rewritePath } from '../routing/rewrite.ts'
import type { Waiter } from './admission.ts'
import { bodyPatience } from './body-patience.ts'
import { isFailure, resultOf } from './booking.ts'
import { classifyError, rootCause } from './errors.ts'
import type { DeliveryOwner } from './delivery-owner.ts'
import type { ExchangeContext } from './exchange-context.ts'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { Parcel } from './parcel.ts'
import { pickUpstream } from './pick-upstream.ts'
import { buildRequestHeaders } from './request-headers.ts'
import { isIdempotent, isReplaceable, isWorthAtSame, mayRepeat, MOST_ATTEMPTS } from './retry.ts'
import { isUpgrade } from './upgrade.ts'
import { UploadStream } from './upload-stream.ts'
import type { Upstream } from './upstream.ts'
import { judgeUpstream, type VariantTarget } from './variant-target.ts'

/**
 * Brings a request to its variant: waits at the variant's door, asks one of its upstreams, asks again where
 * that is safe, and asks the baseline where a canary failed and the service wants that. What the last of
 * the attempts answers goes to the owner.
 */
export class Delivery implements AttemptOwner, Waiter {
  readonly #context: ExchangeContext
  readonly #owner: DeliveryOwner
  readonly #parcel: Parcel
  #target: VariantTarget
  #attempt: Attempt | null = null
  /** Led to a session, and is booked. */
  #session: Attempt | null = null
  #attempts = 0
  #isAnswered = false
  #isWaiting = false
  /** Has a place at the target's door. */
  #isIn = false
  /** Has a place in the budget of retries. */
  #isRetry = false
  #isFallback = false

  constructor(context: ExchangeContext, owner: DeliveryOwner, parcel: Parcel) {
    this.#context = context
    this.#owner = owner
    this.#parcel = parcel
    this.#target = parcel.runtime.targets.get(parcel.ticket.variant)!
  }

  /** The variant that answers. */
  get target(): VariantTarget {
    return this.#target
  }

  /** The variant in whose place another one answers; null = it answers for itself. */
  get fallbackFrom(): string | null {
    return this.#isFallback ? this.#parcel.ticket.variant : null
  }

  /** Begins, at once (`now`, monotonic ms) or when there is room. */
  start(now: number): void {
    const { admission, variant, tenancy } = this.#target
    tenancy.hold()
    const entered = admission.enter(this)
    if (entered === 'in') return this.onAdmitted(now)
    if (entered === 'full') return this.#recover('SERIN_QUEUE_FULL', false)
    this.#isWaiting = true
    this.#owner.await('queued', variant.queue!.timeoutMs)
  }

  onAdmitted(now = this.#context.clock.monotonic()): void {
    this.#isWaiting = false
    this.#isIn = true
    this.#try(null, now)
  }

  /** There is no answer, or none that can be passed on. `sent`: the request was written. */
  giveUp(code: ErrorCode, sent: boolean): void {
    this.#attempt?.abort()
    if (this.#isWaiting) this.#target.admission.forget(this)
    this.#isWaiting = false
    this.#recover(code, sent)
  }

  /** It is over at `now`, however it ended: what is running is broken off, all places are given back. */
  end(outcome: Outcome, now: number): void {
    const { admission, tenancy } = this.#target
    if (this.#attempt !== null) {
      this.#attempt.abort()
      this.#closeAttempt(outcome, now)
    }
    if (this.#session !== null) this.#session.abort()
    else if (this.#isFallback) this.#closeFallback(outcome)
    if (this.#isWaiting) admission.forget(this)
    // Last: whoever has waited for the place begins within this call.
    if (this.#isIn) admission.leave()
    tenancy.drop()
  }

  /** How long the client may take for the next part of a body that streams, in ms. */
  get patienceMs(): number {
    const { exchanges, limits } = this.#context
    const upload = this.#parcel.body as UploadStream
    const clientMs = exchanges.now - this.#parcel.trace.sentAt - upload.heldMs
    return bodyPatience(limits, clientMs, upload.bytesPassed)
  }

  /** All that matters of the answer is there. */
  detach(): void {
    this.#attempt!.detach()
  }

  onSending(): void {
    this.#parcel.trace.sentAt = this.#context.clock.monotonic()
    if (this.#parcel.body instanceof UploadStream) this.#awaitBody()
    else this.#awaitHead()
  }

  onBodySent(): void {
    if (!this.#isAnswered && this.#parcel.body instanceof UploadStream) this.#awaitBody()
  }

  onRequestSent(): void {
    if (!this.#isAnswered && this.#parcel.body instanceof UploadStream) this.#awaitHead()
  }

  onInformation(status: number, headers: readonly Buffer[]): void {
    this.#owner.onInformation(status, headers)
  }

  onHead(status: number, raw: readonly Buffer[], resume: () => void, reason: string): void {
    const { service } = this.#parcel.runtime
    if (status >= 500 && isFailure(status, service) && this.#takesFallback(true)) {
      this.#attempt!.detach()
      this.#fallBack('failed', status, null)
      return
    }
    const refusal = this.#owner.onHead(status, raw, resume, reason)
    if (refusal === null) this.#isAnswered = true
    else this.giveUp(refusal, true)
  }

  onUpgrade(raw: readonly Buffer[], socket: Duplex): void {
    this.#isAnswered = true
    this.#owner.onUpgrade(raw, socket)
    // The upstream has done what it was asked to; only its connection and the place at the door stay taken.
    this.#session = this.#attempt
    this.#closeAttempt('ok')
    if (this.#isFallback) this.#closeFallback('ok')
  }

  onChunk(chunk: Buffer): boolean {
    return this.#owner.onChunk(chunk)
  }

  onEnd(trailers: readonly Buffer[] | null): void {
    this.#owner.onEnd(trailers)
  }

  onFailure(error: Error, sent: boolean): void {
    const stage = this.#isAnswered ? 'answered' : sent ? 'sent' : 'unsent'
    const code = classifyError(rootCause(error), stage)
    const { runtime, requestId } = this.#parcel
    this.#context.onUpstreamError(error, code, runtime.service.name, requestId)
    if (this.#isAnswered) this.#owner.onBroken(code)
    else this.#recover(code, sent)
  }

  #awaitBody(): void {
    this.#owner.await('sending', this.patienceMs)
  }

  #awaitHead(): void {
    this.#owner.await('waiting', this.#target.variant.timeout.firstByteMs)
  }

  /** Makes an attempt at one of the target's upstreams, at another one than `avoid` if there is one. */
  #try(avoid: Upstream | null, now = this.#context.clock.monotonic()): void {
    const { draw, exchanges, name, peerOf } = this.#context
    const { req, requestId, body, trace, runtime } = this.#parcel
    const { variant, matchPath } = this.#target
    const upstream = pickUpstream(this.#target, draw, exchanges.now, avoid)
    if (upstream === null) {
      this.#endRetry()
      this.#recover('SERIN_UPSTREAM_UNHEALTHY', false)
      return
    }
    this.#attempts++
    trace.beginAttempt(now, upstream.origin)
    this.#owner.cap(variant.timeout.totalMs)
    this.#owner.await('connecting', variant.timeout.connectMs)
    this.#attempt = new Attempt(upstream, this)
    this.#attempt.start({
      path: rewritePath(matchPath, variant.path, req.url!),
      method: req.method!,
      headers: buildRequestHeaders(req, {
        variant: variant.name,
        requestId,
        requestIdHeader: runtime.service.observe.requestIdHeader,
        name,
        peer: peerOf(req),
      }),
      body,
      isHandshake: isUpgrade(req),
    })
  }

  /** There is no answer yet: another attempt, the baseline, or the error. */
  #recover(code: ErrorCode, sent: boolean): void {
    const outcome = errorEntry(code).outcome ?? 'rejected'
    const last = this.#attempt
    if (last !== null) this.#closeAttempt(outcome)
    if (last !== null && this.#mayRetry(code, sent)) {
      this.#isRetry = true
      this.#try(last.upstream)
    } else if (isReplaceable(code) && this.#takesFallback(sent)) {
      this.#fallBack(outcome, errorEntry(code).status, code)
    } else {
      this.#owner.fail(code)
    }
  }

  #mayRetry(code: ErrorCode, sent: boolean): boolean {
    const { retries, admission, upstreams } = this.#target
    return (
      this.#attempts < MOST_ATTEMPTS &&
      mayRepeat(code, sent, this.#isIdempotent()) &&
      (upstreams.length > 1 || isWorthAtSame(code)) &&
      this.#isReplayable(sent) &&
      retries.take(admission.inFlight)
    )
  }

  /** Whether the baseline may answer in the canary's place; if so, places for that are taken. */
  #takesFallback(sent: boolean): boolean {
    const { runtime, ticket } = this.#parcel
    const { service, fallbacks, targets } = runtime
    // Who asks for a variant by name wants to see what it does.
    const isWanted = service.rollout?.fallback === true && ticket.reason !== 'override'
    if (!isWanted || this.#isFallback || this.#target.variant.name !== CANARY) return false
    if ((sent && !this.#isIdempotent()) || !this.#isReplayable(sent)) return false
    const { admission } = targets.get(BASELINE)!
    if (!fallbacks.take(admission.inFlight + this.#target.admission.inFlight)) return false
    if (admission.enterAtOnce()) return true
    fallbacks.giveBack()
    return false
  }

  #fallBack(outcome: Outcome, status: number, code: ErrorCode | null): void {
    if (this.#attempt !== null) this.#closeAttempt(outcome)
    const { admission } = this.#target
    this.#target = this.#parcel.runtime.targets.get(BASELINE)!
    this.#isFallback = true
    this.#attempts = 0
    this.#owner.onFallback(outcome, status, code)
    if (this.#isIn) admission.leave()
    this.#isIn = true
    this.#try(null)
  }

  #closeFallback(outcome: Outcome): void {
    const { fallbacks, recorder } = this.#parcel.runtime
    fallbacks.giveBack()
    recorder.fallback(outcome === 'ok' ? 'ok' : 'failed')
  }

  #endRetry(): void {
    if (this.#isRetry) this.#target.retries.giveBack()
    this.#isRetry = false
  }

  #isIdempotent(): boolean {
    return isIdempotent(this.#parcel.req.method!, this.#parcel.runtime.service)
  }

  #isReplayable(sent: boolean): boolean {
    const { body } = this.#parcel
    // Of a stream that nobody has read nothing is gone.
    return !(body instanceof UploadStream) || (!sent && !body.destroyed)
  }

  /** The books of one attempt: what became of it, and what that says of its upstream. */
  #closeAttempt(outcome: Outcome, now = this.#context.clock.monotonic()): void {
    const { exchanges, onEject } = this.#context
    const { runtime, ticket, trace } = this.#parcel
    const { upstream } = this.#attempt!
    const target = this.#target
    this.#attempt = null
    trace.endAttempt(now)
    const { name } = target.variant
    runtime.recorder.attempt(ticket, name, upstream.origin, resultOf(outcome))
    this.#endRetry()
    if (outcome === 'client_closed' || outcome === 'rejected') return
    const ejectedMs = judgeUpstream(target, upstream, outcome !== 'ok', exchanges.now)
    if (ejectedMs > 0) onEject(runtime.service.name, name, upstream.origin, ejectedMs)
  }
}
