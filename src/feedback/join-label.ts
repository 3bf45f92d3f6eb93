import type { Asked, FeedbackJoinDeps, JoinMatch } from './join.ts'
import type { LabelLine } from './parse.ts'
import type { SliceBooking } from './slice-booking.ts'

/**
 * Joins a label to a prediction: the first one counts, and a late one is late once. Null: it is to be counted once
 * the slice has taken it.
 */
export function joinLabel(
  asked: Asked<LabelLine>,
  match: Extract<JoinMatch, { readonly record: number }>,
  slice: SliceBooking,
  deps: Pick<FeedbackJoinDeps, 'bookLabel' | 'showLabel'>,
): 'duplicate' | null {
  const { found, record, prediction } = match
  const { label } = asked.line
  if (found === 'joined' || slice.hasLabel(record)) return 'duplicate'
  slice.addLabel(asked, match, label, () => {
    // A request that is no evidence has no cohort to book into.
    const isEvidence = prediction.cohort !== -1 || prediction.pair !== undefined
    const booked = isEvidence ? deps.bookLabel(prediction, label) : NOWHERE
    if (!deps.showLabel(prediction, label, booked.result)) asked.report.unscored()
    return booked
  })
  return null
}

const NOWHERE = { result: 'joined', changed: null } as const
