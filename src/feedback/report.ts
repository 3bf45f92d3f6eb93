import type { FeedbackResult } from '../domain/prediction.ts'

/** How many lines became what; `line` counts from 1. */
export type FeedbackReport = {
  readonly joined: number
  readonly unmatched: number
  readonly late: number
  readonly duplicate: number
  /** Labels among the joined and late ones that some metric cannot score. */
  readonly unscored: number
  readonly rejected: readonly { readonly line: number; readonly error: string }[]
}

/** Counts what becomes of one line; `service: null` = it is not known whose it is. */
export type CountLines = (service: string | null, result: FeedbackResult, lines: number) => void

/** A report that is being written. */
export class ReportDraft {
  readonly #counts = { joined: 0, unmatched: 0, late: 0, duplicate: 0 }
  #unscored = 0
  readonly #rejected: { line: number; error: string }[] = []
  readonly #count: CountLines

  constructor(count: CountLines) {
    this.#count = count
  }

  /** A line that is stored with its slice: it is counted for good when the store has it. */
  add(result: Exclude<FeedbackResult, 'rejected'>): void {
    this.#counts[result] += 1
  }

  /** A line that leads to nothing stored. */
  unmatched(service: string | null): void {
    this.add('unmatched')
    this.#count(service, 'unmatched', 1)
  }

  /** A label that joins a request, and that some metric cannot score. */
  unscored(): void {
    this.#unscored += 1
  }

  reject(service: string | null, line: number, error: string): void {
    this.#rejected.push({ line, error })
    this.#count(service, 'rejected', 1)
  }

  /** The report, its rejected lines in order. */
  build(): FeedbackReport {
    return {
      ...this.#counts,
      unscored: this.#unscored,
      rejected: this.#rejected.toSorted((a, b) => a.line - b.line),
    }
  }
}
