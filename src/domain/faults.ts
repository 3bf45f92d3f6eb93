import type { ErrorCode } from './errors.ts'

/** What a failure came from: the gateway's code, or the status of the upstream's answer. */
export type Cause = ErrorCode | number

/** How many of a variant's upstreams are healthy. */
export type UpstreamCount = { readonly healthy: number; readonly all: number }

/** The failures of a variant in this attempt, on all processes that are known of, and its upstreams as they are now. */
export type Faults = {
  readonly byCause: ReadonlyMap<Cause, number>
  /** Answers with a 4xx that is no failure, by status. */
  readonly clientErrors: ReadonlyMap<number, number>
  /** Null = not known. */
  readonly upstreams: UpstreamCount | null
}
