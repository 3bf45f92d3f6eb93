import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'

/**
 * Begins a book's figures anew where another state stands for another step, weight or attempt: true where it does.
 * `isNewAttempt`: the evidence begins anew as well.
 */
export function moveBooks(
  book: ServiceBook,
  before: RolloutState,
  state: RolloutState,
  isNewAttempt = rolloutId(state) !== rolloutId(before),
): boolean {
  if (isNewAttempt) book.beginAttempt()
  const isMoved = isNewAttempt || state.weightBp !== before.weightBp || state.step !== before.step
  if (isMoved) book.beginStep()
  return isMoved
}
