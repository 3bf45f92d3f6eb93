import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'

/**
 * Begins a book's figures anew where another state stands for another step, weight or attempt: true where it does.
 * `isNewAttempt`: the evidence begins anew as well. Where a pause for a sick baseline ends, breaker and health begin anew.
 */
export function moveBooks(
  book: ServiceBook,
  before: RolloutState,
  state: RolloutState,
  isNewAttempt = rolloutId(state) !== rolloutId(before),
): boolean {
  if (isNewAttempt) book.beginAttempt()
  else if (isSick(before) && !isSick(state)) book.forgetAttempts()
  const isMoved = isNewAttempt || state.weightBp !== before.weightBp || state.step !== before.step
  if (isMoved) book.beginStep()
  return isMoved
}

// What a sick baseline has failed would else be held against it again at once, and what the canary failed beside it against
// the canary alone.
function isSick(state: RolloutState): boolean {
  return state.phase === 'paused' && state.pausedBy === 'baseline'
}
