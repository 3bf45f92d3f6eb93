import type { Prediction } from '../domain/prediction.ts'
import type { PairTicket } from './pair-ledger.ts'

/** Where predictions go, and where those can be found that are not in the store yet. */
type Buffer = {
  readonly add: (prediction: Prediction) => void
  readonly find: (service: string | null, requestId: string) => readonly Prediction[]
}

type Waiting = { readonly prediction: Prediction; readonly pair: PairTicket }

/**
 * Predictions on their way to the store, of which those of pairs wait for the copy's: both are kept in one
 * record, so that a label finds them together. As many wait as copies are under way.
 */
export class PairedPredictions {
  readonly #buffer: Buffer
  /** By request id. */
  readonly #waiting = new Map<string, Set<Waiting>>()

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  /** Takes a prediction; it is handed on at once where there is no pair, or its other half is known. */
  readonly add = (prediction: Prediction, pair: PairTicket | null): void => {
    if (pair === null) this.#buffer.add(prediction)
    else if (pair.done) this.#buffer.add(withCopy(prediction, pair))
    else this.#wait({ prediction, pair })
  }

  /**
   * What is not in the store yet, for feedback that has come for it. What waits here under that id is handed
   * on first: it is no pair any more, but no label is lost.
   */
  readonly find = (service: string | null, requestId: string): readonly Prediction[] => {
    for (const { prediction, pair } of this.#waiting.get(requestId) ?? []) {
      pair.onDone = null
      this.#buffer.add(prediction)
    }
    this.#waiting.delete(requestId)
    return this.#buffer.find(service, requestId)
  }

  #wait(waiting: Waiting): void {
    const { prediction, pair } = waiting
    const { requestId } = prediction
    const same = this.#waiting.get(requestId) ?? new Set()
    this.#waiting.set(requestId, same.add(waiting))
    pair.onDone = () => {
      same.delete(waiting)
      if (same.size === 0) this.#waiting.delete(requestId)
      this.#buffer.add(withCopy(prediction, pair))
    }
  }
}

/** With what the canary said to the copy; without it where nobody can say what that was. */
function withCopy(prediction: Prediction, { interval, copyPrediction }: PairTicket): Prediction {
  if (copyPrediction === undefined) return prediction
  return { ...prediction, pair: { cohort: interval.number, copy: copyPrediction } }
}
