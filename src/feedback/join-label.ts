import type { FeedbackJoinDeps, JoinMatch } from './join.ts'
import type { LabelLine } from './parse.ts'
import type { ReportDraft } from './report.ts'
import type { SliceBooking } from './slice-booking.ts'

/** Joins a label to a prediction: the first one counts, and a late one is late once. */
export function joinLabel(
  { label }: LabelLine,
  match: Extract<JoinMatch, { readonly record: number }>,
  booked: SliceBooking,
  deps: Pick<FeedbackJoinDeps, 'bookLabel' | 'showLabel'>,
  report: Pick<ReportDraft, 'unscored'>,
): 'joined' | 'late' | 'duplicate' {
  const { found, record, prediction } = match
  if (found === 'joined' || booked.hasLabel(record)) return 'duplicate'
  booked.addLabel(match, label)
  if (!deps.showLabel(prediction, label)) report.unscored()
  // A request that is no evidence has no cohort to book into.
  if (prediction.cohort === -1 && prediction.pair === undefined) return 'joined'
  const counted = deps.bookLabel(prediction, label)
  booked.addTallies(prediction.service, counted)
  return counted.result
}
