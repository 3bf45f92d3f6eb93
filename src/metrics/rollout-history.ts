import type { RolloutState } from '../domain/rollout-state.ts'
import { rolloutId } from '../domain/rollout-state.ts'
import type { MetricReport } from '../domain/verdict.ts'
import { MetricColumns, TrafficColumns, type Column } from './history-columns.ts'
import type { VariantBook } from './variant-book.ts'

/** Moments that are kept of one attempt: when there would be more, every other one goes. */
export const MOST_MOMENTS = 160

/** How an attempt went, moment by moment, the oldest first; every column is as long as `at`. */
export type AttemptHistory = {
  readonly rollout: string
  /** Milliseconds since the epoch. */
  readonly at: Float64Array
  /** The canary's weight, in basis points. */
  readonly weightBp: Float32Array
  /** By variant. */
  readonly traffic: ReadonlyMap<string, TrafficColumns>
  /** By the name of the report. */
  readonly metrics: ReadonlyMap<string, MetricColumns>
}

/**
 * What the evidence of every rollout was, turn by turn, for people to look at: in memory alone, so it begins
 * when the process does. Bounded for each service: an attempt has at most `MOST_MOMENTS` moments, thinned
 * evenly as it grows, and the newest is always among them. Filling it is O(metrics).
 */
export class RolloutHistory {
  readonly #attempts = new Map<string, Attempt>()

  /** Notes one turn. Turns of an attempt in which nothing is compared any more are not noted. */
  note(
    state: RolloutState,
    reports: readonly MetricReport[],
    variants: ReadonlyMap<string, VariantBook>,
    now: number,
  ): void {
    const { service, phase } = state
    if (phase !== 'progressing' && phase !== 'paused' && phase !== 'watching') return
    const rollout = rolloutId(state)
    let attempt = this.#attempts.get(service)
    if (attempt?.rollout !== rollout) {
      this.#attempts.set(service, (attempt = new Attempt(rollout)))
    }
    attempt.note(state.weightBp, reports, variants, now)
  }

  /** What was noted of this attempt; null = nothing since the process began, whatever was of an earlier one. */
  read(service: string, rollout: string): AttemptHistory | null {
    const attempt = this.#attempts.get(service)
    return attempt?.rollout === rollout ? attempt.read() : null
  }

  /** Forgets every service but these. */
  keepOnly(services: { readonly has: (service: string) => boolean }): void {
    for (const service of [...this.#attempts.keys()]) {
      if (!services.has(service)) this.#attempts.delete(service)
    }
  }
}

class Attempt {
  readonly rollout: string
  readonly #at = new Float64Array(MOST_MOMENTS)
  readonly #weightBp = new Float32Array(MOST_MOMENTS)
  readonly #traffic = new Map<string, TrafficColumns>()
  readonly #metrics = new Map<string, MetricColumns>()
  #length = 0
  #turns = 0
  /** Of how many turns one stays. */
  #stride = 1

  constructor(rollout: string) {
    this.rollout = rollout
  }

  note(
    weightBp: number,
    reports: readonly MetricReport[],
    variants: ReadonlyMap<string, VariantBook>,
    now: number,
  ): void {
    const place = this.#nextPlace()
    this.#at[place] = now
    this.#weightBp[place] = weightBp
    for (const [name, book] of variants) {
      let columns = this.#traffic.get(name)
      if (columns === undefined)
        this.#traffic.set(name, (columns = new TrafficColumns(MOST_MOMENTS)))
      columns.write(place, book)
    }
    for (const report of reports) {
      let columns = this.#metrics.get(report.name)
      if (columns === undefined) {
        this.#metrics.set(report.name, (columns = new MetricColumns(MOST_MOMENTS)))
      }
      columns.write(place, report)
    }
  }

  read(): AttemptHistory {
    const length = this.#length
    return {
      rollout: this.rollout,
      at: this.#at.slice(0, length),
      weightBp: this.#weightBp.slice(0, length),
      traffic: new Map([...this.#traffic].map(([name, c]) => [name, c.first(length)])),
      metrics: new Map([...this.#metrics].map(([name, c]) => [name, c.first(length)])),
    }
  }

  // The newest moment is provisional until it is a stride's: the next turn takes its place.
  #nextPlace(): number {
    const isProvisional = this.#length > 0 && (this.#turns - 1) % this.#stride !== 0
    this.#turns++
    if (isProvisional) return this.#length - 1
    if (this.#length === MOST_MOMENTS) this.#thin()
    this.#length++
    return this.#length - 1
  }

  #thin(): void {
    const tables = [...this.#traffic.values(), ...this.#metrics.values()]
    const columns: Column[] = [this.#at, this.#weightBp, ...tables.flatMap((t) => t.columns)]
    for (const column of columns) {
      for (let i = 0; 2 * i < MOST_MOMENTS; i++) column[i] = column[2 * i]!
      // A metric that comes later has no value in the moments before it.
      column.fill(NaN, MOST_MOMENTS / 2)
    }
    this.#length = MOST_MOMENTS / 2
    this.#stride *= 2
  }
}
