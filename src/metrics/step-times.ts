import type { PlaceCount } from '../domain/key-places.ts'
import { latencyBucket, LogHistogram } from '../statistics/histogram.ts'
import { PlaceCounts } from './place-counts.ts'

/** How long the requests of a step took: as they are, and each by its weight, which fades. */
export class StepTimes {
  readonly all = new LogHistogram()
  #recent: LogHistogram | null = null
  readonly #slow: readonly SlowCounts[]

  /** `limitsMs`: those above each of these are counted by place of their keys. */
  constructor(limitsMs: readonly number[] = []) {
    this.#slow = limitsMs.map((limitMs) => new SlowCounts(limitMs))
  }

  /** Adds one request by the bucket of its time; `keyPlace` null = it has no key. */
  addAt(bucket: number, keyPlace: number | null): void {
    this.all.addAt(bucket)
    this.#recent?.addAt(bucket)
    if (keyPlace === null) return
    for (const slow of this.#slow) slow.add(keyPlace, bucket)
  }

  /** The same by weight; kept from the first time that it is asked for, when all of them are new. */
  get recent(): LogHistogram {
    return (this.#recent ??= this.all.copy())
  }

  /** Requests with a key, and those above a limit, by place; none where it is not one of those that are watched. */
  slow(limitMs: number): readonly PlaceCount[] {
    return this.#countsOf(limitMs)?.all ?? []
  }

  /** The same by weight. */
  recentSlow(limitMs: number): readonly PlaceCount[] {
    return this.#countsOf(limitMs)?.recent ?? []
  }

  /** Multiplies the weights. */
  fade(factor: number): void {
    this.#recent?.scale(factor)
    for (const { counts } of this.#slow) counts?.fade(factor)
  }

  #countsOf(limitMs: number): PlaceCounts | null | undefined {
    return this.#slow.find((slow) => slow.limitMs === limitMs)?.counts
  }
}

/** Times above one limit, as `LogHistogram` has them: to a bucket's width. */
class SlowCounts {
  readonly limitMs: number
  readonly #limitBucket: number
  counts: PlaceCounts | null = null

  constructor(limitMs: number) {
    this.limitMs = limitMs
    this.#limitBucket = latencyBucket(limitMs)
  }

  add(place: number, bucket: number): void {
    const counts = (this.counts ??= new PlaceCounts())
    counts.add(place, bucket > this.#limitBucket)
  }
}
