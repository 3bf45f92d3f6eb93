import type { CohortLedger } from '../metrics/cohort-ledger.ts'
import type { PairLedger } from '../metrics/pair-ledger.ts'
import type { VariantBook } from '../metrics/variant-book.ts'

/** What a cycle needs of the books: the baseline's latencies, and that draws and copies come into its ledgers. */
export type CycleBook = {
  readonly variants: ReadonlyMap<string, VariantBook>
  readonly useLedger: (ledger: CohortLedger, rollout: string) => void
  /** Copies come into this ledger. */
  readonly usePairs: (ledger: PairLedger) => void
  /** Another process has served the service. */
  readonly servedElsewhere: (now: number) => void
}
