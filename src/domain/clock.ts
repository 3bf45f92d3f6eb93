/** Time, handed in: nothing below the process edge reads a clock of its own. */
export type Clock = {
  /** Milliseconds since the epoch; may jump. For what is stored or shown. */
  readonly now: () => number
  /** Milliseconds from an arbitrary origin, fractional, never backwards. For measuring spans. */
  readonly monotonic: () => number
}
