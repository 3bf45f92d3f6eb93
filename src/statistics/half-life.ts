/** Half of the weight of an observation is gone when so many have come after it, but not before so much time is over. */
const HALF_LIFE = { count: 500, ms: 10_000 }

/**
 * How old observations come to weigh less: half of their weight is gone after 500 more, and after 10 s where more come in that
 * time. So of little traffic there is enough to judge, and of much not a moment alone.
 */
export class HalfLife {
  // Half-lives that one has come to, and the other not yet.
  #dueByCount = 0
  #dueByTime = 0

  /** What is left of each weight (above 0, at most 1) when `count` more have come within `passedMs`. */
  pass(count: number, passedMs: number): number {
    const byCount = this.#dueByCount + count / HALF_LIFE.count
    const byTime = this.#dueByTime + passedMs / HALF_LIFE.ms
    const halfLives = Math.min(byCount, byTime)
    // What comes in bursts fades between them; what is due is bounded, so that a long silence makes no burst fade at once.
    this.#dueByCount = Math.min(1, byCount - halfLives)
    this.#dueByTime = Math.min(1, byTime - halfLives)
    return 0.5 ** halfLives
  }
}
