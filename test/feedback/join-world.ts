import type { FeedbackEvent, Prediction, UnitEvents } from '../../src/domain/prediction.ts'
import { NO_EVENTS } from '../../src/domain/prediction.ts'
import { createFeedbackJoin } from '../../src/feedback/join.ts'
import type { FeedbackJoinDeps, JoinMatch } from '../../src/feedback/join.ts'
import { keyUnit } from '../../src/feedback/key-unit.ts'
import { parseFeedback } from '../../src/feedback/parse.ts'
import type { SliceChange } from '../../src/feedback/slice-booking.ts'
import { SERVICE } from '../store/samples.ts'

/** The key whose unit `k-1` of the samples is. */
export const KEY_UNIT = keyUnit('k-1')

/** What a store in memory keeps of feedback; several worlds may share one, as processes do. */
export class FeedbackStore {
  readonly marked = new Set<Prediction>()
  readonly said = new Map<Prediction, UnitEvents>()

  take({ labels, events }: Omit<SliceChange, 'tallies'>) {
    return {
      labels: labels.map(({ prediction }) => {
        if (this.marked.has(prediction)) return false
        this.marked.add(prediction)
        return true
      }),
      events: events.map(({ prediction, before, events: said }) => {
        if ((this.said.get(prediction) ?? NO_EVENTS).seen.length !== before) return false
        this.said.set(prediction, said)
        return true
      }),
    }
  }
}

/** A join with a store in memory that behaves as the real one does. */
export function makeWorld(
  predictions: Prediction[],
  change: Partial<FeedbackJoinDeps> = {},
  store = new FeedbackStore(),
) {
  const booked: { prediction: Prediction; label: number }[] = []
  const shown: { prediction: Prediction; label: number; result: string }[] = []
  /** Those that were counted. */
  const events: [Prediction, readonly number[], FeedbackEvent][] = []
  const commits: SliceChange[] = []
  const counts: Record<string, number> = {}
  const answers = new Map<SliceChange, ReturnType<FeedbackStore['take']>>()
  const toMatch = (prediction: Prediction): JoinMatch => ({
    found: store.marked.has(prediction) ? 'joined' : 'pending',
    record: predictions.indexOf(prediction),
    prediction,
    events: store.said.get(prediction) ?? NO_EVENTS,
  })
  const world = {
    predictions,
    store,
    booked,
    shown,
    events,
    commits,
    counts,
    /** The store does nothing, or what it is told and gives no answer. */
    failWith: null as Error | null,
    failsAfter: null as Error | null,
    /** What another process does between a look and a claim. */
    meanwhile: () => {},
    /** Lines of posts that were rejected. */
    refused: 0,
    /** What waits for being tried again. */
    later: [] as (() => void)[],
  }
  const deps: { -readonly [Key in keyof FeedbackJoinDeps]: FeedbackJoinDeps[Key] } = {
    services: () => [SERVICE, 'other'],
    eventFields: (service) =>
      service === SERVICE
        ? new Map([
            [
              'purchase',
              new Map([
                [null, 'from 0'],
                ['amount', 'any'],
              ]),
            ],
            ['visit', new Map()],
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
      commitFeedback: async (change) => {
        if (world.failWith !== null) throw world.failWith
        world.meanwhile()
        const taken = answers.get(change) ?? store.take(change)
        answers.set(change, taken)
        if (world.failsAfter !== null) throw world.failsAfter
        commits.push(change)
        return taken
      },
    },
    showLabel: (prediction, label, result) => {
      shown.push({ prediction, label, result })
      return label !== -1
    },
    bookLabel: (prediction, label) => {
      booked.push({ prediction, label })
      return change.bookLabel?.(prediction, label) ?? { result: 'joined', changed: null }
    },
    bookEvent: (...told) => {
      const [prediction, totals, event, counted] = told
      if (counted) events.push([prediction, totals, event])
      return (
        change.bookEvent?.(...told) ?? {
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
    countRefused: (lines) => void (world.refused += lines),
    later: (run) => void world.later.push(run),
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
    finish: join.finish,
    accept: (...lines: string[]) =>
      join.accept(parseFeedback(lines.join('\n'), 'application/x-ndjson')),
  })
}
