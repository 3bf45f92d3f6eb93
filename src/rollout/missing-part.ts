import type { Missing } from './missing.ts'

/**
 * A part that is missing, of which sentence and time are worked out when they are read: most evaluations only ask
 * whether anything is missing. A class, since an object with getters of its own costs a microsecond.
 */
export class MissingPart implements Missing {
  readonly kind: Missing['kind']
  readonly #write: () => string
  readonly #eta: () => number | null

  /** Without `eta` it is not known how long it takes. */
  constructor(kind: Missing['kind'], write: () => string, eta: () => number | null = () => null) {
    this.kind = kind
    this.#write = write
    this.#eta = eta
  }

  get sentence(): string {
    return this.#write()
  }

  get etaSeconds(): number | null {
    return this.#eta()
  }
}
