/** Share of what is in flight that may be second attempts, and how many are always allowed. */
const SHARE = 0.2
const ALWAYS = 3

/**
 * Bounds what is sent twice, so that a server in trouble is not given more work for it: at most a fifth of
 * what is in flight, at least three (Envoy's retry budget).
 */
export class Budget {
  #taken = 0

  /** Takes a place, if there is one beside `inFlight` requests; `giveBack` ends it. */
  take(inFlight: number): boolean {
    if (this.#taken >= Math.max(ALWAYS, SHARE * inFlight)) return false
    this.#taken++
    return true
  }

  giveBack(): void {
    this.#taken--
  }
}
