import type { Clock } from './domain/clock.ts'
import type { Prediction } from './domain/prediction.ts'
import type { Evaluator } from './evaluator/evaluator.ts'
import type { ServiceBook } from './metrics/service-recorder.ts'

/** How often a service's labels are complained of. */
const WARN_EVERY_MS = 600_000

/**
 * Shows labels to the books of their services, whether they are evidence or not. Says whether all
 * metrics can score it; where one cannot, the log says so once in a while.
 */
export function createLabelShow(deps: {
  readonly book: (service: string) => Pick<ServiceBook, 'labelled'> | undefined
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: { readonly warn: (fields: object, message: string) => void }
}): (prediction: Prediction, label: number) => boolean {
  const { clock, log } = deps
  const warnedAt = new Map<string, number>()
  return (prediction, label) => {
    const { service, value } = prediction
    const metrics = deps.book(service)?.labelled(prediction, label) ?? []
    if (metrics.length === 0) return true
    const now = clock.monotonic()
    if (now - (warnedAt.get(service) ?? -Infinity) >= WARN_EVERY_MS) {
      warnedAt.set(service, now)
      log.warn({ service, metrics, label, prediction: value }, 'a label cannot be scored')
    }
    return false
  }
}

/** Counts labels into the cohorts of their requests, and for the books of their services those that come too late. */
export function createLabelBooking(
  evaluator: Pick<Evaluator, 'label'>,
  book: (service: string) => Pick<ServiceBook, 'labels'> | undefined,
): Evaluator['label'] {
  return (prediction, label) => {
    const booked = evaluator.label(prediction, label)
    const { service, rollout } = prediction
    book(service)?.labels.arrived(rollout, booked.result === 'late')
    return booked
  }
}
