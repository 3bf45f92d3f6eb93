import type { Clock } from '../domain/clock.ts'
import type { PairResult } from '../metrics/mirror-book.ts'
import { compareAnswers, UNREAD, type Comparison } from './compare-answers.ts'
import type { Mirror } from './mirror.ts'
import type { MirrorAnswer } from './mirror-answer.ts'
import { parseAnswer, readNumber } from './observe.ts'
import { TurnQueue } from './turn-queue.ts'

/** Both answers to one request. */
export type MirrorPair = {
  readonly mirror: Mirror
  readonly requestId: string
  /** The variant that the live answer is of. */
  readonly answeredBy: string
  readonly live: MirrorAnswer
  readonly copy: MirrorAnswer
  /** Of both bodies. */
  readonly bytes: number
  /** Somebody waits for the number that the copy's answer predicts. */
  readonly wantsPrediction: boolean
  /**
   * It was compared, or let go: its bytes are not needed any more. With the copy's prediction where that is
   * wanted: null = its answer has none, undefined = it was not read.
   */
  readonly onDone: (result: PairResult, copyPrediction: number | null | undefined) => void
}

/**
 * Compares pairs of answers, a few per turn of the event loop, after both have come. When it cannot keep
 * up, pairs are let go and counted as unread.
 */
export class MirrorPairs {
  readonly #clock: Clock
  readonly #waiting = new TurnQueue<MirrorPair>(
    (pair) => this.#compare(pair),
    (pair) => this.#book(pair, UNREAD, undefined),
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
    const { live, copy, wantsPrediction } = pair
    const said = compareAnswers(live, copy, prediction, spec.tolerance)
    const isRead = wantsPrediction && prediction !== null && said.result !== 'unread'
    this.#book(pair, said, isRead ? predictionOf(copy, prediction) : undefined)
  }

  #book(
    { mirror, requestId, answeredBy, live, copy, onDone }: MirrorPair,
    said: Comparison,
    copyPrediction: number | null | undefined,
  ): void {
    const at = this.#clock.now()
    const { headMs: liveMs } = live
    const { headMs: mirrorMs } = copy
    mirror.book.paired({ at, requestId, answeredBy, ...said, liveMs, mirrorMs })
    onDone(said.result, copyPrediction)
  }
}

/** Bodies are kept below 300 alone: how an error is worded is nobody's prediction. */
function predictionOf({ chunks }: MirrorAnswer, pointer: string): number | null {
  return chunks === null ? null : readNumber(parseAnswer(chunks), pointer)
}
