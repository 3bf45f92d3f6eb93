import type { ErrorCode } from '../domain/errors.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { AttemptOwner } from './attempt.ts'
import type { Phase } from './phase.ts'

/** What a delivery tells the exchange that it works for. */
export type DeliveryOwner = Pick<
  AttemptOwner,
  'onInformation' | 'onUpgrade' | 'onChunk' | 'onEnd'
> & {
  /** The final head. Returns why it cannot be passed on, with nothing of it written; null = it is. */
  readonly onHead: (...head: Parameters<AttemptOwner['onHead']>) => ErrorCode | null
  /** The phase that begins now, and how long it may last in ms. */
  readonly await: (phase: Phase, ms: number) => void
  /** An attempt begins that may take so long in all; null = any time. */
  readonly cap: (totalMs: number | null) => void
  /**
   * The canary has failed like this, and the baseline is asked in its place. `code`: null where it was
   * the canary's own answer.
   */
  readonly onFallback: (outcome: Outcome, status: number, code: ErrorCode | null) => void
  /** No attempt has led to an answer. */
  readonly fail: (code: ErrorCode) => void
  /** The answer broke off after its head. */
  readonly onBroken: (code: ErrorCode) => void
}
