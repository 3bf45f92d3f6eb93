import type { IncomingMessage } from 'node:http'
import { BASELINE_SIDE } from '../domain/cohort.ts'
import { isFailedEnd, type Outcome } from '../domain/outcome.ts'
import type { MirrorResult, PairResult } from '../metrics/mirror-book.ts'
import { endPair, type BothPredictions, type PairTicket } from '../metrics/pair-ledger.ts'
import type { Ticket } from '../metrics/recorder.ts'
import type { AnswerRemains } from './booking.ts'
import { isBusy, pickForCopy, type Mirror } from './mirror.ts'
import type { MirrorAnswer } from './mirror-answer.ts'
import { MirrorCopy } from './mirror-copy.ts'
import type { MirrorDesk } from './mirror-desk.ts'
import { UNSAID, type Said } from './mirror-pairs.ts'
import type { Peer } from './peer.ts'
import { buildRequestHeaders } from './request-headers.ts'
import type { Trace } from './trace.ts'
import type { UploadWitness } from './upload-stream.ts'

/** The mark of a copy: it is not copied again, and a model server may leave out what is to happen once. */
const MARK = 'x-serin-mirror'

/** The request that is copied. */
export type MirrorSource = {
  readonly req: IncomingMessage
  readonly requestId: string
  /** Of the variant that was assigned: it answers, or there is no pair. */
  readonly ticket: Ticket
  /** Something is read from its answer, if a good one comes. */
  readonly isObserved: boolean
  readonly peer: Peer
}

/** What became of a copy; `answer: null` = none came in full. */
type Copied = {
  readonly mirror: Mirror
  /** Null: the pair is no evidence of a rollout. */
  readonly ticket: PairTicket | null
  readonly failed: boolean
  readonly answer: MirrorAnswer | null
}

/**
 * A live request of which copies are made: its body is kept until it can be sent, its answer until it can be
 * compared. It hears of the request and never acts on it.
 */
export class MirroredRequest implements UploadWitness {
  readonly #desk: MirrorDesk
  readonly #mirrors: readonly Mirror[]
  readonly #requestId: string
  readonly #ticket: Ticket
  readonly #isObserved: boolean
  /** Null once the copies were sent, or dropped. */
  #source: MirrorSource | null
  #parts: Buffer[] = []
  #bodyBytes = 0
  #copies = 0
  readonly #waiting: Copied[] = []
  /** Undefined: the request is under way. Null: it has no answer to compare with. */
  #live: MirrorAnswer | null | undefined
  /** Null: what became of the live request is not the variant's doing, or not known yet. */
  #liveFailed: boolean | null = null
  #pairs = 0

  /** `mirrors`: those that the request was drawn for. */
  constructor(desk: MirrorDesk, mirrors: readonly Mirror[], source: MirrorSource) {
    this.#desk = desk
    this.#mirrors = mirrors
    this.#source = source
    this.#requestId = source.requestId
    this.#ticket = source.ticket
    this.#isObserved = source.isObserved
  }

  /** There is, or may be, a copy whose answer the live one is compared with. */
  get wantsAnswer(): boolean {
    return this.#source !== null || this.#copies > 0 || this.#waiting.length > 0
  }

  /** A part of the body; nothing more is kept than the mirrors take. */
  onPart(chunk: Buffer): void {
    if (this.#source === null) return
    const bytes = this.#bodyBytes + chunk.length
    if (this.#mirrors.every(({ spec }) => bytes > spec.maxBytes)) this.#drop('dropped_too_large')
    else if (!this.#desk.memory.take(chunk.length)) this.#drop('dropped_busy')
    else {
      this.#parts.push(chunk)
      this.#bodyBytes = bytes
    }
  }

  /** The body is there in full: copies leave now. */
  onWhole(): void {
    const source = this.#source
    if (source === null) return
    this.#source = null
    const parts = this.#parts
    this.#parts = []
    const body = parts.length > 1 ? Buffer.concat(parts) : (parts[0] ?? null)
    try {
      for (const mirror of this.#mirrors) this.#send(mirror, source, body)
    } catch (error) {
      this.#desk.onMistake(error)
    }
    this.#settle()
  }

  /** The live request has ended so, with this answer (null = none that was the variant's own, and whole). */
  onAnswered(outcome: Outcome, remains: AnswerRemains | null, trace: Trace): void {
    if (this.#source !== null) this.#drop('dropped_incomplete')
    this.#liveFailed = failureOf(outcome)
    if (remains === null || !this.wantsAnswer) this.#live = null
    else {
      const { status, copy, copiedBytes } = remains
      const { firstByteAt } = this.#ticket
      const isKept = copy !== null && this.#desk.memory.take(copiedBytes)
      this.#live = {
        status,
        headMs: trace.headAt - trace.attemptAt,
        firstByteMs: firstByteAt === null ? null : firstByteAt - trace.attemptAt,
        chunks: isKept ? copy : null,
        bytes: isKept ? copiedBytes : 0,
      }
    }
    for (const copied of this.#waiting) this.#meet(copied, this.#live)
    this.#waiting.length = 0
    this.#settle()
  }

  #drop(result: MirrorResult): void {
    this.#source = null
    this.#parts = []
    for (const { book } of this.#mirrors) book.count(result)
    this.#settle()
  }

  #send(
    mirror: Mirror,
    { req, requestId, ticket: live, peer }: MirrorSource,
    body: Buffer | null,
  ): void {
    const { clock, draw, limits, name } = this.#desk
    const { spec, service, book } = mirror
    if (this.#bodyBytes > spec.maxBytes) return book.count('dropped_too_large')
    if (isBusy(mirror, limits.mirrorsInFlight)) return book.count('dropped_busy')
    const upstream = pickForCopy(mirror, draw, clock.monotonic())
    if (upstream === null) return book.count('dropped_unhealthy')
    const { requestIdHeader } = service.observe
    const additions = { variant: spec.to, requestId, requestIdHeader, name, peer }
    const headers = buildRequestHeaders(req, additions)
    headers.push(MARK, '1')
    this.#copies++
    const method = req.method!
    // Of no other request is it known that the baseline would have answered it.
    const isDrawn = live.side === BASELINE_SIDE
    const ticket = isDrawn ? (book.ledger?.begin(live.segment) ?? null) : null
    if (ticket !== null) live.pair = ticket
    const copy = new MirrorCopy(this.#desk, mirror, upstream, method, (result, answer) => {
      this.#copies--
      // serin ends, or lacks what a connection takes, which says nothing of the variant.
      if (result !== 'cancelled' && result !== 'dropped_busy') {
        this.#onCopied({ mirror, ticket, failed: result !== 'ok', answer })
      } else if (ticket !== null) endPair(ticket, null)
      this.#settle()
    })
    copy.start({ url: req.url!, method, headers, body })
  }

  #onCopied(copied: Copied): void {
    if (this.#live === undefined) this.#waiting.push(copied)
    else this.#meet(copied, this.#live)
  }

  /** Both have ended. Where one of them has no answer, there is nothing to compare but that. */
  #meet({ mirror, ticket, failed, answer: copy }: Copied, live: MirrorAnswer | null): void {
    const liveFailed = this.#liveFailed
    const wantsPredictions = ticket !== null && liveFailed !== null && this.#wantsPrediction(mirror)
    const end = (result: PairResult, said: Said): void => {
      this.#desk.memory.giveBack(copy?.bytes ?? 0)
      if (ticket === null) return
      if (liveFailed === null) return endPair(ticket, null)
      const isSilent = live !== null && copy === null
      const disagreed = result === 'unread' ? (isSilent ? true : null) : result !== 'agreed'
      const fates = { liveFailed, copyFailed: failed, disagreed, ...timesOf(live, copy) }
      const predictions = wantsPredictions ? bothOf(said, [liveFailed, failed]) : null
      endPair(ticket, { ...fates, predictions })
    }
    const isPair = live !== null && copy !== null
    const isRead = isPair || (wantsPredictions && (live !== null || copy !== null))
    if (!isRead) return end('unread', UNSAID)
    this.#pairs++
    this.#desk.pairs.add({
      ...{ mirror, live, copy, wantsPredictions },
      requestId: this.#requestId,
      answeredBy: this.#ticket.variant,
      bytes: (live?.bytes ?? 0) + (copy?.bytes ?? 0),
      onDone: (result, said) => {
        this.#pairs--
        end(result, said)
        this.#settle()
      },
    })
  }

  /** What is looked for in the answer of one version is looked for in the other's. */
  #wantsPrediction({ service }: Mirror): boolean {
    return this.#isObserved && service.observe.prediction !== null
  }

  /** Gives back what nobody needs any more. */
  #settle(): void {
    const { memory } = this.#desk
    if (this.#source !== null || this.#copies > 0) return
    memory.giveBack(this.#bodyBytes)
    this.#bodyBytes = 0
    if (this.#live == null || this.#pairs > 0 || this.#waiting.length > 0) return
    memory.giveBack(this.#live.bytes)
    this.#live = null
  }
}

function timesOf(live: MirrorAnswer | null, copy: MirrorAnswer | null) {
  return {
    liveMs: live?.headMs ?? null,
    copyMs: copy?.headMs ?? null,
    firstBytes: { liveMs: live?.firstByteMs ?? null, copyMs: copy?.firstByteMs ?? null },
  }
}

/** Who fails predicts nothing; null = of one of them nobody can say what it predicts. */
function bothOf(
  said: Said,
  failed: readonly [live: boolean, copy: boolean],
): BothPredictions | null {
  const [live, copy] = said.map((each, side) => (failed[side] ? null : each))
  return live === undefined || copy === undefined ? null : [live, copy]
}

/** Whether the variant failed a request; null = its end is not the variant's doing. */
function failureOf(outcome: Outcome): boolean | null {
  if (outcome === 'ok') return false
  return isFailedEnd(outcome) ? true : null
}

/** Whether a request is itself a copy, made by a serin before this one. */
export function isCopy(req: IncomingMessage): boolean {
  return req.headers[MARK] !== undefined
}
