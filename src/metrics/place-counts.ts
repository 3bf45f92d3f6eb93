import { KEY_PLACES, type PlaceCount } from '../domain/key-places.ts'

/** How many requests the keys of each place have had, and of how many what is asked is true: since the step began, and by weight. */
export class PlaceCounts {
  // Of each place both numbers, one behind the other.
  readonly #all = new Uint32Array(2 * KEY_PLACES)
  readonly #recent = new Float64Array(2 * KEY_PLACES)

  /** Counts one request; `place` below KEY_PLACES. */
  add(place: number, isEvent: boolean): void {
    const at = 2 * place
    this.#all[at]!++
    this.#recent[at]!++
    if (!isEvent) return
    this.#all[at + 1]!++
    this.#recent[at + 1]!++
  }

  /** Multiplies the weight of what is there, from 0 to 1. */
  fade(factor: number): void {
    if (factor === 1) return
    for (let at = 0; at < this.#recent.length; at++) this.#recent[at]! *= factor
  }

  /** Since the step began; places without a request are left out. */
  get all(): readonly PlaceCount[] {
    return listed(this.#all)
  }

  /** The same requests, each by its weight. */
  get recent(): readonly PlaceCount[] {
    return listed(this.#recent)
  }
}

function listed(numbers: Uint32Array | Float64Array): readonly PlaceCount[] {
  const counts: PlaceCount[] = []
  for (let place = 0; place < KEY_PLACES; place++) {
    const trials = numbers[2 * place]!
    if (trials > 0) counts.push([place, trials, numbers[2 * place + 1]!])
  }
  return counts
}
