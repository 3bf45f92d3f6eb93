import type { FeedbackEvent, Prediction } from '../domain/prediction.ts'
import { LATE, lateEvent, type FeedbackBooking } from '../metrics/feedback-booking.ts'
import { comparisonKey } from '../rollout/experiment-plan.ts'
import type { ComparisonCycle } from './comparison-cycle.ts'
import type { BookedEvent, BookedLabel } from './runner-deps.ts'

/** Books what arrives later about an experiment's requests into every comparison that a request belongs to. */
export class ComparedFeedback {
  readonly #service: string
  /** Names the attempt: what belongs to another one is late. */
  readonly #experiment: string
  readonly #comparisons: readonly ComparisonCycle[]

  constructor(service: string, experiment: string, comparisons: readonly ComparisonCycle[]) {
    this.#service = service
    this.#experiment = experiment
    this.#comparisons = comparisons
  }

  /** Books a label into the cohorts of its request, one for each comparison. */
  label(prediction: Prediction, label: number): BookedLabel {
    if (prediction.rollout !== this.#experiment) return LATE
    return this.#changed(this.#book((each) => each.label(prediction, label)))
  }

  /** The same of an event of the unit that the request is judged by; `totals` are those it had so far. */
  event(
    prediction: Prediction,
    totals: readonly number[],
    event: FeedbackEvent,
    counted = true,
  ): BookedEvent {
    if (prediction.rollout !== this.#experiment) return lateEvent(totals)
    const booked = this.#book((each) => each.event(prediction, totals, event, counted))
    // A comparison may have folded its cohort while another waits for a request of its challenger. What one
    // has folded it never counts again, so the totals are those of whoever still counted the most.
    const { metrics, totals: next } = booked.reduce(
      (most, each) => (each.metrics > most.metrics ? each : most),
      lateEvent(totals),
    )
    return { ...this.#changed(booked), totals: next, metrics }
  }

  #book<B extends FeedbackBooking>(
    book: (comparison: ComparisonCycle) => B | null,
  ): readonly (B & { readonly service: string })[] {
    return this.#comparisons.flatMap((comparison) => {
      const booked = book(comparison)
      const service = comparisonKey(this.#service, comparison.variant)
      return booked === null ? [] : [{ ...booked, service }]
    })
  }

  #changed(booked: readonly (FeedbackBooking & { readonly service: string })[]): BookedLabel {
    return {
      result: booked.some((b) => b.result === 'joined') ? 'joined' : 'late',
      changed: null,
      alsoChanged: booked.flatMap(({ service, changed }) =>
        changed === null ? [] : [{ ...changed, service }],
      ),
    }
  }
}
