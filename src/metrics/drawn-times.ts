import { LogHistogram } from '../statistics/histogram.ts'

/** How long drawn requests took, all of them and those of the segments that are compared apart; old ones fade. */
export class DrawnTimes {
  readonly all = new LogHistogram()
  #bySegment: ReadonlyMap<string, LogHistogram> = new Map()

  /** Keeps these segments apart from now on, and no others; what is known stays. */
  watch(segments: readonly string[]): void {
    const known = this.#bySegment
    this.#bySegment = new Map(segments.map((s) => [s, known.get(s) ?? new LogHistogram()]))
  }

  /** Adds one request by the bucket of its time; null = it has no segment. */
  add(bucket: number, segment: string | null): void {
    this.all.addAt(bucket)
    if (segment !== null) this.#bySegment.get(segment)?.addAt(bucket)
  }

  /** Those of all requests, or of a segment's; empty where these are not kept. */
  of(segment: string | undefined): LogHistogram {
    if (segment === undefined) return this.all
    return this.#bySegment.get(segment) ?? new LogHistogram()
  }

  /** Multiplies the weight of every request; 0 forgets them. */
  fade(factor: number): void {
    this.all.scale(factor)
    for (const histogram of this.#bySegment.values()) histogram.scale(factor)
  }
}
