/** What the users of one variant got. */
export type VariantTally = {
  /** Answers and failures to get one. */
  requests: number
  /** Anything but a 200 with a prediction. */
  errors: number
  /** A 200 whose prediction is further off than the tolerance. */
  wrong: number
  /** Sum of squared errors of all 200s. */
  squaredError: number
}

/** By variant, as `x-serin-variant` names it; `none` where no answer named one. */
export type UserTally = Readonly<Record<string, Readonly<VariantTally>>>

/** A prediction further off than this (in mpg) is a wrong answer to the user who got it. */
export const WRONG_BEYOND = 8

/** Books what each user saw. */
export class UserTallies {
  readonly #byVariant = new Map<string, VariantTally>()

  /** `prediction: null` = no usable answer. */
  add(variant: string, prediction: number | null, truth: number): void {
    const tally = this.#of(variant)
    tally.requests += 1
    if (prediction === null) {
      tally.errors += 1
      return
    }
    const error = prediction - truth
    tally.squaredError += error * error
    if (Math.abs(error) > WRONG_BEYOND) tally.wrong += 1
  }

  /** A copy of the books as they stand. */
  read(): UserTally {
    return Object.fromEntries([...this.#byVariant].map(([name, tally]) => [name, { ...tally }]))
  }

  #of(variant: string): VariantTally {
    let tally = this.#byVariant.get(variant)
    if (tally === undefined) {
      tally = { requests: 0, errors: 0, wrong: 0, squaredError: 0 }
      this.#byVariant.set(variant, tally)
    }
    return tally
  }
}

/** Root mean squared error of the answers in a tally; null without answers. */
export function rmseOf(tally: Readonly<VariantTally>): number | null {
  const answers = tally.requests - tally.errors
  return answers === 0 ? null : Math.sqrt(tally.squaredError / answers)
}
