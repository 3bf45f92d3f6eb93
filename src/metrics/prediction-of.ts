import { BASELINE_SIDE } from '../domain/cohort.ts'
import type { Prediction } from '../domain/prediction.ts'
import { labelledCohort } from './labelled-cohort.ts'
import type { Ticket } from './recorder.ts'

/** What is remembered of a request until its label or its events come; `value` null = its answer had no prediction. */
export function predictionOf(
  ticket: Ticket,
  service: string,
  rollout: string,
  value: number | null,
): Prediction {
  const { segment, ruled } = ticket
  return {
    service,
    requestId: ticket.requestId,
    value,
    at: ticket.startedWall,
    rollout,
    cohort: labelledCohort(ticket),
    side: ticket.side ?? BASELINE_SIDE,
    variant: ticket.variant,
    unit: ticket.unit,
    ...(segment === null ? undefined : { segment }),
    ...(ruled === null ? undefined : { rule: ruled.id }),
  }
}
