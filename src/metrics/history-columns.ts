import type { LogEvidence, MetricReport } from '../domain/verdict.ts'
import type { VariantBook } from './variant-book.ts'

/** A number for each moment. */
export type Column = Float32Array | Float64Array

/** One metric, a number for each moment; NaN = not known then. Infinite where a bound or an evidence is. */
export class MetricColumns {
  readonly baseline: Float32Array
  readonly canary: Float32Array
  readonly estimate: Float32Array
  readonly lower: Float32Array
  readonly upper: Float32Array
  /** Natural logarithms, beside the threshold that decides now; null = not asked. */
  readonly harm: Float32Array
  readonly nonInferiority: Float32Array
  harmThreshold: number | null = null
  nonInferiorityThreshold: number | null = null

  constructor(moments: number) {
    const column = () => new Float32Array(moments).fill(NaN)
    this.baseline = column()
    this.canary = column()
    this.estimate = column()
    this.lower = column()
    this.upper = column()
    this.harm = column()
    this.nonInferiority = column()
  }

  get columns(): readonly Column[] {
    const { baseline, canary, estimate, lower, upper, harm, nonInferiority } = this
    return [baseline, canary, estimate, lower, upper, harm, nonInferiority]
  }

  /** Writes what a report says as this moment's. */
  write(place: number, { baseline, canary, ratio, evidence }: MetricReport): void {
    this.baseline[place] = baseline.value ?? NaN
    this.canary[place] = canary.value ?? NaN
    this.estimate[place] = ratio?.estimate ?? NaN
    this.lower[place] = ratio?.lower ?? NaN
    this.upper[place] = ratio?.upper ?? NaN
    this.harm[place] = evidence.harm?.log ?? NaN
    this.nonInferiority[place] = evidence.nonInferiority?.log ?? NaN
    this.harmThreshold = thresholdOf(evidence.harm)
    this.nonInferiorityThreshold = thresholdOf(evidence.nonInferiority)
  }

  /** A copy of the first moments. */
  first(length: number): MetricColumns {
    const copy = new MetricColumns(length)
    copyColumns(this.columns, copy.columns)
    copy.harmThreshold = this.harmThreshold
    copy.nonInferiorityThreshold = this.nonInferiorityThreshold
    return copy
  }
}

/** One variant's counters and latency, a number for each moment; NaN = not known then. */
export class TrafficColumns {
  readonly requests: Float64Array
  readonly errors: Float64Array
  /** Of drawn requests, fading with time, in ms. */
  readonly p95Ms: Float32Array

  constructor(moments: number) {
    const column = () => new Float64Array(moments).fill(NaN)
    this.requests = column()
    this.errors = column()
    this.p95Ms = new Float32Array(moments).fill(NaN)
  }

  get columns(): readonly Column[] {
    return [this.requests, this.errors, this.p95Ms]
  }

  /** Writes what the book holds as this moment's. */
  write(place: number, { requests, errors, drawn }: VariantBook): void {
    this.requests[place] = requests
    this.errors[place] = errors
    this.p95Ms[place] = drawn.quantile(0.95) ?? NaN
  }

  /** A copy of the first moments. */
  first(length: number): TrafficColumns {
    const copy = new TrafficColumns(length)
    copyColumns(this.columns, copy.columns)
    return copy
  }
}

function copyColumns(from: readonly Column[], to: readonly Column[]): void {
  for (const [index, column] of to.entries()) column.set(from[index]!.subarray(0, column.length))
}

// Of a metric that has a limit alone no harm is asked.
function thresholdOf(evidence: LogEvidence | null): number | null {
  return evidence !== null && Number.isFinite(evidence.threshold) ? evidence.threshold : null
}
