/** Weights of what was of late: half is gone when 500 more have come, but not before 10 s are over. */
export class Fading {
  readonly #due = { byCount: 0, byTime: 0 }

  /** By what each weight is multiplied when `count` more have come within `ms`. */
  pass(count: number, ms: number): number {
    const byCount = this.#due.byCount + count / 500
    const byTime = this.#due.byTime + ms / 10_000
    const h = Math.min(byCount, byTime)
    this.#due.byCount = Math.min(1, byCount - h)
    this.#due.byTime = Math.min(1, byTime - h)
    return 0.5 ** h
  }
}

/** By how much each of some moments' things counts at the end; `ends` fade them, what comes at one included or not. */
export function weightsOf(
  times: readonly number[],
  ends: readonly number[],
  since: number,
  isFadedAtOnce: boolean,
): readonly number[] {
  const fading = new Fading()
  let weights = times.map(() => 1)
  let before = since
  for (const end of ends) {
    const isNew = (time: number) => time > before && time <= end
    const factor = fading.pass(times.filter(isNew).length, end - before)
    weights = weights.map((weight, i) => {
      const time = times[i]!
      return time <= before || (isFadedAtOnce && time <= end) ? weight * factor : weight
    })
    before = end
  }
  return weights
}
