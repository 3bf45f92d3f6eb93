import type { Prediction, UnitEvents } from '../../src/domain/prediction.ts'
import { NO_EVENTS } from '../../src/domain/prediction.ts'
import { createFeedbackJoin } from '../../src/feedback/join.ts'
import type { FeedbackJoinDeps, JoinMatch } from '../../src/feedback/join.ts'
import { keyUnit } from '../../src/feedback/key-unit.ts'
import { parseFeedback } from '../../src/feedback/parse.ts'
import type { SliceChange } from '../../src/feedback/slice-booking.ts'
import { SERVICE } from '../store/samples.ts'

/** The key whose unit `k-1` of the samples is. */
export const KEY_UNIT = keyUnit('k-1')

/** A join with a store in memory that behaves as the real one does. */
export function makeWorld(predictions: Prediction[], change: Partial<FeedbackJoinDeps> = {}) {
  const booked: { prediction: Prediction; label: number }[] = []
  const shown: { prediction: Prediction; label: number }[] = []
  const events: Parameters<FeedbackJoinDeps['bookEvent']>[] = []
  const commits: SliceChange[] = []
  const counts: Record<string, number> = {}
  const marked = new Set<Prediction>()
  const said = new Map<Prediction, UnitEvents>()
  const toMatch = (prediction: Prediction): JoinMatch => ({
    found: marked.has(prediction) ? 'joined' : 'pending',
    record: predictions.indexOf(prediction),
    prediction,
    events: said.get(prediction) ?? NO_EVENTS,
  })
  const world = {
    predictions,
    booked,
    shown,
    events,
    commits,
    counts,
    failWith: null as Error | null,
  }
  const deps: { -readonly [Key in keyof FeedbackJoinDeps]: FeedbackJoinDeps[Key] } = {
    services: () => [SERVICE, 'other'],
    eventFields: (service) =>
      service === SERVICE
        ? new Map([
            ['purchase', new Set([null, 'amount'])],
            ['visit', new Set()],
          ])
        : new Map(),
    buffer: { find: () => [], holdsUnit: () => false, flush: async () => {} },
    store: {
      findPredictions: async (queries) =>
        queries.map((query) => {
          const matches = predictions.filter(
            (prediction) =>
              ('unit' in query
                ? prediction.unit === query.unit && prediction.cohort !== -1
                : prediction.requestId === query.requestId) &&
              (query.service === null || prediction.service === query.service),
          )
          if (matches.length > 1) {
            return { found: 'ambiguous', services: matches.map((match) => match.service) }
          }
          return matches[0] === undefined ? { found: 'none' } : toMatch(matches[0])
        }),
      commitFeedback: async (slice) => {
        if (world.failWith !== null) throw world.failWith
        commits.push(slice)
        for (const { prediction } of slice.labels) marked.add(prediction)
        for (const each of slice.events) said.set(each.prediction, each.events)
      },
    },
    showLabel: (prediction, label) => {
      shown.push({ prediction, label })
      return label !== -1
    },
    bookLabel: (prediction, label) => {
      booked.push({ prediction, label })
      return change.bookLabel?.(prediction, label) ?? { result: 'joined', changed: null }
    },
    bookEvent: (prediction, totals, event) => {
      events.push([prediction, totals, event])
      return (
        change.bookEvent?.(prediction, totals, event) ?? {
          result: 'joined',
          changed: null,
          totals: [(totals[0] ?? 0) + 1],
        }
      )
    },
    clock: { now: () => 5000 },
    count: (service, result, lines) => {
      const key = `${service} ${result}`
      counts[key] = (counts[key] ?? 0) + lines
    },
  }
  const { bookLabel: _, bookEvent: __, ...others } = change
  Object.assign(deps, others)
  const join = createFeedbackJoin({
    ...deps,
    buffer: {
      find: (service, requestId) => deps.buffer.find(service, requestId),
      holdsUnit: (unit) => deps.buffer.holdsUnit(unit),
      flush: () => deps.buffer.flush(),
    },
  })
  return Object.assign(world, {
    deps,
    accept: (...lines: string[]) =>
      join.accept(parseFeedback(lines.join('\n'), 'application/x-ndjson')),
  })
}
