import { findNearest } from '../domain/nearest.ts'
import { eventValue } from '../domain/prediction.ts'
import type { EventFields } from '../rollout/event-fields.ts'
import { listNames, quote } from './in-short.ts'
import type { Asked, FeedbackJoinDeps, JoinRecord } from './join.ts'
import { keyUnit } from './key-unit.ts'
import type { EventLine } from './parse.ts'
import type { SliceBooking } from './slice-booking.ts'

/** Events of one unit that are told apart; a record stays within a kilobyte or so. */
export const MAX_UNIT_EVENTS = 128

/**
 * Joins an event to the request that its unit is judged by. `unmatched`: it happened before that request.
 * `late`: the window was over when it happened, or the cohort was folded before it came. An event that is not
 * counted leaves nothing behind, so the same line has the same answer again. Null: it is to be counted once the slice
 * has taken it.
 */
export function joinEvent(
  asked: Asked<EventLine>,
  match: JoinRecord,
  slice: SliceBooking,
  deps: Pick<FeedbackJoinDeps, 'bookEvent' | 'clock' | 'eventFields'>,
): 'late' | 'duplicate' | 'unmatched' | { readonly error: string } | null {
  const { line } = asked
  const { prediction } = match
  const error = findError(line, prediction.service, deps.eventFields(prediction.service))
  if (error !== null) return { error }
  const { seen, totals } = slice.eventsOf(match)
  const hash = hashOf(line)
  if (seen.includes(hash)) return 'duplicate'
  // What comes without a time comes now, and so after the request, whatever the clock of who answered that says.
  const at = line.at ?? Math.max(deps.clock.now(), prediction.at)
  if (at < prediction.at) return 'unmatched'
  if (seen.length >= MAX_UNIT_EVENTS) {
    return { error: `more than ${MAX_UNIT_EVENTS} events of one unit` }
  }
  const event = { name: line.event, value: line.value, values: line.values, at }
  const book = (counted: boolean) =>
    // A request that is no evidence has no cohort to book into.
    prediction.cohort === -1
      ? ({ result: 'joined', changed: null, totals } as const)
      : deps.bookEvent(prediction, totals, event, counted)
  const next = book(false)
  if (next.result === 'late') return 'late'
  const events = { seen: [...seen, hash], totals: next.totals }
  slice.addEvent(asked, match, events, () => book(true))
  return null
}

/**
 * What is wrong with an event that no metric counts, of its service or, where it names none, of any; null = it is
 * known. Told before its request is looked for: a name that is mistyped would be `unmatched` until there is one.
 */
export function describeUnknownEvent(
  { service, event }: EventLine,
  { services, eventFields }: Pick<FeedbackJoinDeps, 'services' | 'eventFields'>,
): string | null {
  const asked = service === null ? services() : [service]
  const counting = asked.filter((name) => eventFields(name).size > 0)
  const known = counting.map(eventFields)
  if (known.some((fields) => fields.has(event))) return null
  const names = [...new Set(known.flatMap((fields) => [...fields.keys()]))]
  const whose = service ?? (counting.length === 1 ? counting[0]! : 'any service')
  return unknownEvent(whose, event, names)
}

function unknownEvent(whose: string, event: string, names: readonly string[]): string {
  const nearest = findNearest(event, names)
  const hint =
    names.length === 0
      ? ''
      : nearest === null
        ? ` (known: ${listNames(names)})`
        : ` (did you mean ${nearest}?)`
  return `no metric of ${whose} counts the event ${quote(event)}${hint}`
}

function findError(line: EventLine, service: string, known: EventFields): string | null {
  const { event } = line
  const fields = known.get(event)
  if (fields === undefined) return unknownEvent(service, event, [...known.keys()])
  for (const [field, taken] of fields) {
    const value = eventValue(line, field)
    const name = field === null ? 'value' : `values.${field}`
    if (value === null) return `${event} has no ${name}, which a metric reads`
    if (value < 0 && taken === 'from 0') {
      return `${event} has ${name} ${value}, and a mean is of values from 0 on: add the same to all of them, so that none is below 0`
    }
  }
  return null
}

// Within its unit; 53 bits tell a hundred events apart.
function hashOf({ requestId, event, id }: EventLine): number {
  const about = requestId === null ? 'k' : `r${requestId}`
  return keyUnit(`${about}\0${event}\0${id ?? ''}`)
}
