import type { Clock } from '../domain/clock.ts'
import type { PairResult } from '../metrics/mirror-book.ts'
import { compareAnswers, UNREAD, type Comparison } from './compare-answers.ts'
import type { Mirror } from './mirror.ts'
import type { MirrorAnswer } from './mirror-answer.ts'
import { parseAnswer, readNumber } from './observe.ts'
import { TurnQueue } from './turn-queue.ts'

/** The numbers that two answers predict; null = an answer has none. Undefined: it was not read. */
export type Said = readonly [live: number | null | undefined, copy: number | null | undefined]

/** Nothing was read. */
export const UNSAID: Said = [undefined, undefined]

/** Both answers to one request; with one of them alone nothing is compared. */
export type MirrorPair = {
  readonly mirror: Mirror
  readonly requestId: string
  /** The variant that the live answer is of. */
  readonly answeredBy: string
  readonly live: MirrorAnswer | null
  readonly copy: MirrorAnswer | null
  /** Of both bodies. */
  readonly bytes: number
  /** Somebody waits for the numbers that they predict. */
  readonly wantsPredictions: boolean
  /** It was compared, or let go: its bytes are not needed any more. With what both predict where that is wanted. */
  readonly onDone: (result: PairResult, said: Said) => void
}

/**
 * Compares pairs of answers, a few per turn of the event loop, after both have come. When it cannot keep
 * up, pairs are let go and counted as unread.
 */
export class MirrorPairs {
  readonly #clock: Clock
  readonly #waiting = new TurnQueue<MirrorPair>(
    (pair) => this.#compare(pair),
    (pair) => this.#book(pair, UNREAD, UNSAID),
  )

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes a pair; its mirror's book is told once. */
  add(pair: MirrorPair): void {
    this.#waiting.add(pair)
  }

  /** Compares what is waiting, now. */
  close(): void {
    this.#waiting.close()
  }

  #compare(pair: MirrorPair): void {
    const { spec, service } = pair.mirror
    const { prediction } = service.observe
    const { live, copy, wantsPredictions } = pair
    const isPair = live !== null && copy !== null
    const found = isPair ? compareAnswers(live, copy, prediction, spec.tolerance) : UNREAD
    const isRead = wantsPredictions && prediction !== null
    const said: Said = isRead
      ? [predictionOf(live, prediction), predictionOf(copy, prediction)]
      : UNSAID
    this.#book(pair, found, said)
  }

  #book(
    { mirror, requestId, answeredBy, live, copy, onDone }: MirrorPair,
    found: Comparison,
    said: Said,
  ): void {
    if (live !== null && copy !== null) {
      const at = this.#clock.now()
      const times = { liveMs: live.headMs, mirrorMs: copy.headMs }
      mirror.book.paired({ at, requestId, answeredBy, ...found, ...times })
    }
    onDone(found.result, said)
  }
}

/** Alike for both, whatever the comparison came to: of what is read of one side alone that side would be to blame. */
function predictionOf(answer: MirrorAnswer | null, pointer: string): number | null | undefined {
  if (answer === null) return undefined
  // How an error is worded is nobody's prediction.
  if (answer.status >= 300) return null
  return answer.chunks === null ? undefined : readNumber(parseAnswer(answer.chunks), pointer)
}
