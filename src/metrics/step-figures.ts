import { LogHistogram } from '../statistics/histogram.ts'

/** Requests of one variant since the step began. */
export class StepFigures {
  requests = 0
  failures = 0
  clientErrors = 0
  readonly latencies = new LogHistogram()

  /** Adds one finished request; `bucket` null = its time says nothing. */
  add(failed: boolean, bucket: number | null, isClientError = false): void {
    this.requests++
    if (failed) this.failures++
    else if (isClientError) this.clientErrors++
    if (bucket !== null) this.latencies.addAt(bucket)
  }
}
