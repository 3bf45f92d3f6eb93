/** Keys whose claim waits for its answer, at most: what comes beyond is not judged. */
const MAX_PENDING = 100_000

/**
 * A key that is new here, and perhaps was judged elsewhere before. What depends on that waits; it does not
 * depend on the variant, so neither does what is lost where no answer comes.
 */
export class UnitClaim {
  readonly unit: number
  #waiting: ((first: boolean) => void)[] | null = []
  #first = false

  constructor(unit: number) {
    this.unit = unit
  }

  get isKnown(): boolean {
    return this.#waiting === null
  }

  /** Runs it with the answer: now where there is one, else when it comes. In the order of the calls. */
  whenKnown(run: (first: boolean) => void): void {
    if (this.#waiting === null) run(this.#first)
    else this.#waiting.push(run)
  }

  /** The answer: whether nobody was before. Later ones are ignored. */
  settle(first: boolean): void {
    const waiting = this.#waiting
    if (waiting === null) return
    this.#waiting = null
    this.#first = first
    for (const run of waiting) run(first)
  }
}

/** The claims of one attempt that wait to be asked for, or for their answer. */
export class UnitClaims {
  readonly #pending = new Map<number, UnitClaim>()
  #isShared = false

  /** Whether others judge keys too, so that each has to be claimed. */
  get isShared(): boolean {
    return this.#isShared
  }

  /** From now on keys are claimed. */
  share(): void {
    this.#isShared = true
  }

  /** Nobody else judges keys: all that is new here is first, of those that wait what is not known by now. */
  unshare(isKnown: (unit: number) => boolean): void {
    this.#isShared = false
    for (const claim of this.#pending.values()) claim.settle(!isKnown(claim.unit))
    this.#pending.clear()
  }

  /** Whether a request of this key waits already: it is the one that may be first. */
  has(unit: number): boolean {
    return this.#pending.has(unit)
  }

  /** Null: too many wait. */
  begin(unit: number): UnitClaim | null {
    if (this.#pending.size >= MAX_PENDING) return null
    const claim = new UnitClaim(unit)
    this.#pending.set(unit, claim)
    claim.whenKnown(() => this.#pending.delete(unit))
    return claim
  }

  /** All that wait. */
  get pending(): readonly UnitClaim[] {
    return [...this.#pending.values()]
  }
}
