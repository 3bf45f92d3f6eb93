import type { Outcome } from './outcome.ts'

/** What an error code stands for, wherever it shows: in an answer, a log line or an exit message. */
export type ErrorEntry = {
  /** HTTP status of the answer. 499 is never sent: it stands in logs and metrics for a client that left. */
  readonly status: number
  readonly title: string
  /** One sentence for the caller. Says nothing about addresses or the inside. */
  readonly detail: string
  /** Error type of the `Proxy-Status` field (RFC 9209 section 2.3); null where no proxying was tried. */
  readonly proxyStatus: string | null
  /**
   * How a request that was assigned is booked when it ends with this error. `failed` and `no_answer`
   * are the variant's fault, the others are not. Null: such requests are never assigned.
   */
  readonly outcome: Outcome | null
}

/** An entry of the catalogue; without the last two it is of no request that was proxied, or assigned. */
export function entry(
  status: number,
  title: string,
  detail: string,
  proxyStatus: string | null = null,
  outcome: Outcome | null = null,
): ErrorEntry {
  return { status, title, detail, proxyStatus, outcome }
}
