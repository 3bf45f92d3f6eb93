/** Somebody who waits for a place. */
export type Waiter = {
  /** The place is there, and taken. */
  readonly onAdmitted: () => void
}

/** How many may be in at once, and how many may wait; null = no limit, no queue. */
export type AdmissionLimits = { readonly maxInFlight: number | null; readonly maxWaiting: number }

/**
 * The door of one variant: so many requests are in at once, so many more wait in order, the rest is turned
 * away. undici's own queue has no limit and no deadline, so nothing is handed to it that cannot be sent at
 * once.
 */
export class Admission {
  inFlight = 0
  readonly #waiting: Waiter[] = []
  #maxInFlight: number | null
  #maxWaiting: number
  #isAdmitting = false

  constructor({ maxInFlight, maxWaiting }: AdmissionLimits) {
    this.#maxInFlight = maxInFlight
    this.#maxWaiting = maxWaiting
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** `in`: with a place, to be given back by `leave`. `waiting`: `onAdmitted` comes, unless `forget` does. */
  enter(waiter: Waiter): 'in' | 'waiting' | 'full' {
    if (this.enterAtOnce()) return 'in'
    if (this.#waiting.length >= this.#maxWaiting) return 'full'
    this.#waiting.push(waiter)
    return 'waiting'
  }

  /** Takes a place if one is free. */
  enterAtOnce(): boolean {
    if (!this.#hasRoom()) return false
    this.inFlight++
    return true
  }

  /** Gives a place back; whoever has waited longest gets it. */
  leave(): void {
    this.inFlight--
    this.#admitWaiting()
  }

  /** Does not wait any more. */
  forget(waiter: Waiter): void {
    const index = this.#waiting.indexOf(waiter)
    if (index !== -1) this.#waiting.splice(index, 1)
  }

  /** New limits, of a reload; nobody who is in or waits has to go. */
  limit({ maxInFlight, maxWaiting }: AdmissionLimits): void {
    this.#maxInFlight = maxInFlight
    this.#maxWaiting = maxWaiting
    this.#admitWaiting()
  }

  #admitWaiting(): void {
    // Whoever is admitted may leave within that call: one after the other, not one inside the other.
    if (this.#isAdmitting) return
    this.#isAdmitting = true
    try {
      while (this.#waiting.length > 0 && this.enterAtOnce()) this.#waiting.shift()!.onAdmitted()
    } finally {
      this.#isAdmitting = false
    }
  }

  #hasRoom(): boolean {
    return this.#maxInFlight === null || this.inFlight < this.#maxInFlight
  }
}
