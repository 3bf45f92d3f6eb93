import type { PairCohort, PairCounts } from '../domain/pairs.ts'

/** What became of the two answers to one request. */
export type PairFate = {
  readonly liveFailed: boolean
  readonly copyFailed: boolean
  /** Null: they could not be compared. */
  readonly disagreed: boolean | null
}

/** A copy that is evidence, from its sending until the fates of both answers are known. */
export type PairTicket = { readonly interval: OpenInterval; done: boolean }

type Counts = { -readonly [K in keyof PairCounts]: PairCounts[K] }

type OpenInterval = {
  readonly step: number
  readonly counts: Counts
  waiting: number
  closedAt: number | null
}

/** Later than this after its interval nothing is waited for: what is still on its way is left out. */
export const PAIR_WINDOW_MS = 120_000

/**
 * The pairs of one attempt's mirror steps by the interval in which the copy left. An interval is given out
 * when all of its pairs are known, and never before an earlier one: whatever is known first would be the
 * answers of the side that is faster, or fails faster.
 */
export class PairLedger {
  #intervals: OpenInterval[] = []
  #open: OpenInterval | null = null

  /** Copies that leave from now on belong to a new interval; `step: null` = they are no evidence. */
  turn(step: number | null, now: number): void {
    if (this.#open !== null) this.#open.closedAt = now
    this.#open = null
    if (step === null) return
    this.#open = { step, counts: noCounts(), waiting: 0, closedAt: null }
    this.#intervals.push(this.#open)
  }

  /** A copy leaves; null = it is no evidence. */
  begin(): PairTicket | null {
    if (this.#open === null) return null
    this.#open.waiting++
    return { interval: this.#open, done: false }
  }

  /** The intervals that are complete, strictly in order; each is given once. */
  settle(now: number): readonly PairCohort[] {
    const isSettled = ({ waiting, closedAt }: OpenInterval) =>
      closedAt !== null && (waiting === 0 || now >= closedAt + PAIR_WINDOW_MS)
    const next = this.#intervals.findIndex((interval) => !isSettled(interval))
    const settled = this.#intervals.splice(0, next === -1 ? this.#intervals.length : next)
    // What comes later has no place any more: its interval is nobody's.
    return settled
      .filter(({ counts }) => counts.pairs > 0)
      .map(({ step, counts }) => ({ step, counts: { ...counts } }))
  }
}

/** Both fates are known; null = one of them is nobody's: the client left, or serin ends. Counts once. */
export function endPair(ticket: PairTicket, fate: PairFate | null): void {
  if (ticket.done) return
  ticket.done = true
  const { counts } = ticket.interval
  ticket.interval.waiting--
  if (fate === null) return
  const { liveFailed, copyFailed, disagreed } = fate
  counts.pairs++
  if (liveFailed && copyFailed) counts.bothFailed++
  else if (copyFailed) counts.canaryFailed++
  else if (liveFailed) counts.baselineFailed++
  if (disagreed === null) return
  counts.compared++
  if (disagreed) counts.disagreed++
}

function noCounts(): Counts {
  return { pairs: 0, canaryFailed: 0, baselineFailed: 0, bothFailed: 0, compared: 0, disagreed: 0 }
}
