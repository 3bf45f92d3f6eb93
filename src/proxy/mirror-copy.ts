import { errorEntry } from '../domain/errors.ts'
import type { MirrorResult } from '../metrics/mirror-book.ts'
import { rewritePath } from '../routing/rewrite.ts'
import { outcomeOf } from './booking.ts'
import { classifyError, rootCause, shortageOf } from './errors.ts'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { LiveExchange } from './live-exchanges.ts'
import type { Mirror } from './mirror.ts'
import { isReadable, type MirrorAnswer } from './mirror-answer.ts'
import type { MirrorDesk } from './mirror-desk.ts'
import type { Upstream } from './upstream.ts'

/** A request as it goes to a mirror. */
export type CopiedRequest = {
  /** As the client wrote it. */
  readonly url: string
  readonly method: string
  /** Flat pairs. */
  readonly headers: string[]
  /** Null = none. */
  readonly body: Buffer | null
}

/**
 * One copy of a request on its way to one upstream of a mirror's variant, and the answer to it. Nobody
 * waits for it: it has one attempt, deadlines of its own by the variant's timeouts, and ends in the mirror's
 * book alone. Neither its failure nor its success says anything of the upstream to live requests.
 */
export class MirrorCopy implements AttemptOwner, LiveExchange {
  readonly kind = 'other'
  readonly res = null
  place = -1
  dueAt = Infinity
  readonly #desk: MirrorDesk
  readonly #mirror: Mirror
  readonly #attempt: Attempt
  readonly #isHead: boolean
  readonly #startedAt: number
  readonly #onEnd: (result: MirrorResult, answer: MirrorAnswer | null) => void
  #capAt = Infinity
  #status = 0
  #headAt = 0
  #firstByteAt = 0
  #chunks: Buffer[] | null = null
  #bytes = 0

  /** `onEnd` comes once, later than `start` has returned or within it; no answer = none in full. */
  constructor(
    desk: MirrorDesk,
    mirror: Mirror,
    upstream: Upstream,
    method: string,
    onEnd: (result: MirrorResult, answer: MirrorAnswer | null) => void,
  ) {
    this.#desk = desk
    this.#mirror = mirror
    this.#attempt = new Attempt(upstream, this)
    this.#isHead = method === 'HEAD'
    this.#startedAt = desk.clock.monotonic()
    this.#onEnd = onEnd
  }

  start({ url, method, headers, body }: CopiedRequest): void {
    const { exchanges } = this.#desk
    const { target, book } = this.#mirror
    const { connectMs, firstByteMs, idleMs, totalMs } = target.variant.timeout
    book.inFlight++
    target.tenancy.hold()
    exchanges.add(this, this.#startedAt)
    // An answer that never ends would be read for ever, and nobody looks at it.
    this.#capAt = exchanges.deadlineAfter(totalMs ?? firstByteMs + idleMs)
    this.#await(connectMs)
    this.#attempt.start({
      path: rewritePath(target.matchPath, target.variant.path, url),
      method,
      headers,
      body,
      isHandshake: false,
    })
  }

  onSending(): void {
    this.#await(this.#mirror.target.variant.timeout.firstByteMs)
  }

  onBodySent(): void {}

  onRequestSent(): void {}

  onInformation(): void {}

  onHead(status: number, headers: readonly Buffer[]): void {
    this.#status = status
    this.#headAt = this.#desk.clock.monotonic()
    if (status < 300 && isReadable(headers)) this.#chunks = []
    // undici 7 calls 204 and 304 with a Content-Length a failure afterwards, and so closes HEAD.
    if (this.#isHead || status === 204 || status === 304) {
      this.#attempt.detach()
      this.onEnd()
      return
    }
    this.#await(this.#mirror.target.variant.timeout.idleMs)
  }

  /** It asked for no session. */
  onUpgrade(): void {
    this.#attempt.abort()
    this.#finish('failed', null)
  }

  onChunk(chunk: Buffer): boolean {
    if (this.#firstByteAt === 0) this.#firstByteAt = this.#desk.clock.monotonic()
    if (this.#chunks !== null) this.#keep(chunk)
    this.#await(this.#mirror.target.variant.timeout.idleMs)
    return true
  }

  onEnd(): void {
    const headMs = this.#headAt - this.#startedAt
    const firstByteAt = this.#firstByteAt === 0 ? this.#headAt : this.#firstByteAt
    this.#mirror.book.took(this.#desk.clock.monotonic() - this.#startedAt)
    const isOk = outcomeOf(this.#status, this.#mirror.service) === 'ok'
    if (isOk) this.#mirror.book.lastOkAt = this.#desk.clock.now()
    this.#finish(isOk ? 'ok' : 'failed', {
      status: this.#status,
      headMs,
      firstByteMs: firstByteAt - this.#startedAt,
      chunks: this.#chunks,
      bytes: this.#bytes,
    })
  }

  onFailure(error: Error, sent: boolean): void {
    const cause = rootCause(error)
    this.#desk.onFailure(error, this.#mirror)
    if (shortageOf(cause) !== null) return this.#finish('dropped_busy', null)
    const code = classifyError(cause, this.#status > 0 ? 'answered' : sent ? 'sent' : 'unsent')
    this.#finish(errorEntry(code).outcome === 'no_answer' ? 'no_answer' : 'failed', null)
  }

  onDeadline(): void {
    this.#attempt.abort()
    this.#finish('no_answer', null)
  }

  /** serin ends. */
  fail(): void {
    this.#attempt.abort()
    this.#finish('cancelled', null)
  }

  #await(ms: number): void {
    this.dueAt = Math.min(this.#desk.exchanges.deadlineAfter(ms), this.#capAt)
  }

  #keep(chunk: Buffer): void {
    const { limits, memory } = this.#desk
    const isSmall = this.#bytes + chunk.length <= limits.copyBytes
    if (isSmall && memory.take(chunk.length)) {
      this.#chunks!.push(chunk)
      this.#bytes += chunk.length
      return
    }
    this.#letGo()
  }

  #letGo(): void {
    this.#desk.memory.giveBack(this.#bytes)
    this.#chunks = null
    this.#bytes = 0
  }

  /** With an answer the bytes that it holds are the owner's. */
  #finish(result: MirrorResult, answer: MirrorAnswer | null): void {
    const { target, book } = this.#mirror
    if (answer === null) this.#letGo()
    this.#desk.exchanges.remove(this)
    book.inFlight--
    book.count(result)
    target.tenancy.drop()
    this.#onEnd(result, answer)
  }
}
