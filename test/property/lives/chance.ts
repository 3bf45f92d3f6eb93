import { createRandom } from '../../../src/demo/seeded-random.ts'

/** What is drawn of one seed: the same seed draws the same, in the same order. */
export class Chance {
  readonly draw: () => number

  constructor(seed: number) {
    this.draw = createRandom(seed * 7919)
  }

  /** One of these, each as likely. */
  pick<T>(...all: readonly T[]): T {
    return all[Math.floor(this.draw() * all.length)]!
  }

  /** Whether something happens that does so with this probability. */
  isSo(probability: number): boolean {
    return this.draw() < probability
  }

  /** What `make` gives, with this probability; else undefined. */
  maybe<T>(probability: number, make: () => T): T | undefined {
    return this.isSo(probability) ? make() : undefined
  }

  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.draw() * (most - least + 1))
  }
}

/** An object without what is undefined in it: as a file would have it. */
export function given(all: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
