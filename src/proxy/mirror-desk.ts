import type { Clock } from '../domain/clock.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { ProxyLimits } from './exchange-context.ts'
import type { LiveExchanges } from './live-exchanges.ts'
import type { Mirror } from './mirror.ts'
import type { MirrorPairs } from './mirror-pairs.ts'

/** What all copies of requests have in common. */
export type MirrorDesk = {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly draw: () => number
  /** serin's pseudonym. */
  readonly name: string
  readonly limits: Pick<ProxyLimits, 'copyBytes' | 'mirrorsInFlight'>
  /** Of copies alone: they are no requests in flight, and no drain waits for them. */
  readonly exchanges: LiveExchanges
  /** Bodies and answers that are held for copies and their comparison, all mirrors together. */
  readonly memory: ByteBudget
  readonly pairs: MirrorPairs
  /** An upstream failed a copy: for the log. */
  readonly onFailure: (error: Error, mirror: Mirror) => void
  /** A mistake of ours, which must not become the live request's. */
  readonly onMistake: (error: unknown) => void
}
