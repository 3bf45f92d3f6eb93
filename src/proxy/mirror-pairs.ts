import type { Clock } from '../domain/clock.ts'
import { compareAnswers } from './compare-answers.ts'
import type { Mirror } from './mirror.ts'
import type { MirrorAnswer } from './mirror-answer.ts'
import { TurnQueue } from './turn-queue.ts'

/** Both answers to one request. */
export type MirrorPair = {
  readonly mirror: Mirror
  readonly requestId: string
  readonly live: MirrorAnswer
  readonly copy: MirrorAnswer
  /** Of both bodies. */
  readonly bytes: number
  /** It was compared, or let go: its bytes are not needed any more. */
  readonly onDone: () => void
}

/**
 * Compares pairs of answers, a few per turn of the event loop, after both have come. When it cannot keep
 * up, pairs are let go and counted as unread.
 */
export class MirrorPairs {
  readonly #clock: Clock
  readonly #waiting = new TurnQueue<MirrorPair>(
    (pair) => this.#compare(pair),
    ({ mirror, onDone }) => {
      mirror.book.paired('unread')
      onDone()
    },
  )

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes a pair; its mirror's book is told once. */
  add(pair: MirrorPair): void {
    pair.mirror.book.pairTook(pair.live.headMs, pair.copy.headMs)
    this.#waiting.add(pair)
  }

  /** Compares what is waiting, now. */
  close(): void {
    this.#waiting.close()
  }

  #compare({ mirror, requestId, live: one, copy: two, onDone }: MirrorPair): void {
    const { spec, service, book } = mirror
    const { prediction } = service.observe
    const {
      result: kind,
      live,
      mirror: shadow,
    } = compareAnswers(one, two, prediction, spec.tolerance)
    if (kind === 'agreed' || kind === 'unread') book.paired(kind)
    else book.disagreed({ at: this.#clock.now(), requestId, kind, live, mirror: shadow })
    onDone()
  }
}
