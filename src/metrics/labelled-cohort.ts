import type { Ticket } from './recorder.ts'

/** The number of the cohorts that the label of a request is booked into: the same in all comparisons; -1 = none. */
export function labelledCohort({ cohort, first, compared }: Ticket): number {
  if (cohort !== null) return first ? cohort.number : -1
  const place = compared[0]
  return place !== undefined && compared.every(({ ticket }) => ticket.first)
    ? place.ticket.cohort!.number
    : -1
}
