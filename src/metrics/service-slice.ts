import type { ReadServices } from './service-reading.ts'

/** The services that metrics are collected of: all, or some of them while `during` runs. */
export class ServiceSlice {
  readonly #all: ReadServices
  #some: ReturnType<ReadServices> | null = null

  constructor(all: ReadServices) {
    this.#all = all
  }

  /** What collectors read. */
  readonly services: ReadServices = () => this.#some ?? this.#all()

  /** Has what `collect` reads before it first waits be of these services alone. */
  during<T>(some: ReturnType<ReadServices>, collect: () => T): T {
    this.#some = some
    try {
      return collect()
    } finally {
      this.#some = null
    }
  }
}
