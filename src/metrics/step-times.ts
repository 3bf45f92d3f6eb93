import { LogHistogram } from '../statistics/histogram.ts'

/** How long the requests of a step took: as they are, and each by its weight, which fades. */
export class StepTimes {
  readonly all = new LogHistogram()
  #recent: LogHistogram | null = null

  /** Adds one request by the bucket of its time. */
  addAt(bucket: number): void {
    this.all.addAt(bucket)
    this.#recent?.addAt(bucket)
  }

  /** The same by weight; kept from the first time that it is asked for, when all of them are new. */
  get recent(): LogHistogram {
    return (this.#recent ??= this.all.copy())
  }

  /** Multiplies the weights. */
  fade(factor: number): void {
    this.#recent?.scale(factor)
  }
}
