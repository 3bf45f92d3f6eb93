import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../domain/clock.ts'
import type { Tally } from '../domain/cohort.ts'
import type { FeedbackEvent, Prediction, UnitEvents } from '../domain/prediction.ts'
import type { EventFields } from '../rollout/event-fields.ts'
import { findMatches } from './find-matches.ts'
import { listNames, quote } from './in-short.ts'
import { keyUnit } from './key-unit.ts'
import { describeUnknownEvent, joinEvent } from './join-event.ts'
import { joinLabel } from './join-label.ts'
import type { FeedbackLine, ParsedLine, ParsedLines } from './parse.ts'
import { gatherPosts, type Post } from './gather-posts.ts'
import { ReportDraft, type CountLines, type FeedbackReport } from './report.ts'
import { SliceBooking, type SliceChange, type TakenFeedback } from './slice-booking.ts'
import { takeSlices } from './take-slices.ts'
import { Unstored } from './unstored.ts'

/** What the join asks of the rest of the gateway. */
export type FeedbackJoinDeps = {
  /** Names of the configured services. */
  readonly services: () => readonly string[]
  /** The events that a service's metrics count; empty where there are none. */
  readonly eventFields: (service: string) => EventFields
  /** Predictions that are on their way into the store. */
  readonly buffer: {
    readonly find: (service: string | null, requestId: string) => readonly Prediction[]
    readonly holdsUnit: (unit: number) => boolean
    readonly flush: () => Promise<void>
  }
  readonly store: {
    /** In the order of the queries. */
    readonly findPredictions: (queries: readonly JoinQuery[]) => Promise<readonly JoinMatch[]>
    /**
     * Takes what a slice is about to count, each for the first who asks, and stores what was counted before, in one
     * transaction. The same change has the same answer again.
     */
    readonly commitFeedback: (change: SliceChange) => Promise<TakenFeedback>
  }
  /**
   * Counts a label into its prediction's cohort. `late` = that cohort takes none any more. Called once per
   * prediction.
   */
  readonly bookLabel: (prediction: Prediction, label: number) => Booked
  /**
   * Told of every label that joins a request, also where that is no evidence, and of what has become of it; once per
   * prediction. Says whether all metrics can score it.
   */
  readonly showLabel: (prediction: Prediction, label: number, result: Booked['result']) => boolean
  /**
   * Counts an event into the cohort of its unit's request; once per event. Not `counted`: only says what would become
   * of it.
   */
  readonly bookEvent: (
    prediction: Prediction,
    totals: readonly number[],
    event: FeedbackEvent,
    counted: boolean,
  ) => Booked & { readonly totals: readonly number[] }
  /** Resolves once it is known what feedback can be booked into; absent = it is. */
  readonly hears?: () => Promise<void>
  readonly clock: Pick<Clock, 'now'>
  readonly count: CountLines
  /** Told of the lines of a post that is rejected. */
  readonly countRefused: (lines: number) => void
  /** Calls back after a while: what the store did not take is tried again, also where no more feedback comes. */
  readonly later: (run: () => void) => void
  /** Lines that are joined at a stretch before others get their turn, fewer of long ones; 100 by default (about 2 ms). */
  readonly sliceLines?: number
}

/** `changed` is set when the store has the cohort already. */
export type Booked = {
  readonly result: 'joined' | 'late'
  readonly changed: {
    readonly rollout: string
    readonly cohort: number
    /** Whose share of the cohort it is; absent = the cohort itself. */
    readonly replica?: string
    readonly tallies: Readonly<Record<string, Tally>>
  } | null
  /** The same of cohorts that are kept under another name than the service's: those of an experiment. */
  readonly alsoChanged?: readonly (NonNullable<Booked['changed']> & { readonly service: string })[]
}

/** The request, or the unit of a key, that a line is about; `service: null` = whichever has it. */
export type JoinQuery =
  | { readonly service: string | null; readonly requestId: string }
  | { readonly service: string | null; readonly unit: number }

/**
 * What the store has of it: with its label (`joined`) or without; `ambiguous`: several services have it, and the
 * line names none.
 */
export type JoinMatch =
  | ({ readonly found: 'pending' | 'joined' } & JoinRecord)
  | { readonly found: 'ambiguous'; readonly services: readonly string[] }
  | { readonly found: 'none' }

/** A record that feedback is joined to. */
export type JoinRecord = {
  readonly record: number
  readonly prediction: Prediction
  readonly events: UnitEvents
}

/** Takes feedback, of however many posts at once. */
export type FeedbackJoin = {
  /**
   * Joins labels and events to the requests or keys that they are about. Resolves when everything is in the
   * store; rejects when the store fails, and then the same lines can be sent again, to whomever: none counts twice.
   */
  readonly accept: (lines: ParsedLines) => Promise<FeedbackReport>
  /** The last call: stores what is booked and not stored yet, and rejects when the store fails; nothing is tried again. */
  readonly finish: () => Promise<void>
}

/** A line of a post that waits, with that post's report. */
export type Asked<Line extends ParsedLine = FeedbackLine> = {
  readonly line: Line
  readonly report: ReportDraft
}

/**
 * The feedback join. Processes that share a store may be told the same at the same moment: what a line would count is
 * taken in the store first, by whoever is first, and counted then. One batch after the other; posts of one line that
 * wait meanwhile are one batch.
 */
export function createFeedbackJoin(deps: FeedbackJoinDeps): FeedbackJoin {
  const sliceLines = deps.sliceLines ?? 100
  let previous: Promise<unknown> = Promise.resolve()
  const unstored = new Unstored()
  /** Taken, or not known to be, and not booked: the store has failed, or the booking. */
  let open: SliceBooking | null = null

  /** Gives the lines of the open slice that have to be looked at anew. */
  const bookOpen = async (): Promise<readonly Asked[]> => {
    if (open === null) return []
    const { change } = open
    let lost: readonly Asked[] = []
    if (change !== null) {
      lost = open.take(await deps.store.commitFeedback(change))
      unstored.stored(deps.count)
    }
    open.book()
    open = null
    return lost
  }

  const storeAll = async () => {
    await bookOpen()
    const { tallies } = unstored
    if (tallies.length > 0) await deps.store.commitFeedback({ labels: [], events: [], tallies })
    unstored.stored(deps.count)
  }

  const joinSlice = async (slice: readonly Asked<ParsedLine>[]) => {
    let asked = takeLines(slice, deps)
    // Only what is in the store can be marked there.
    if (asked.some(({ line }) => isBuffered(line, deps))) await deps.buffer.flush()
    // Again for what another process was faster with: what it has done is seen then.
    while (asked.length > 0) {
      const matches = await findMatches(
        asked.map(({ line }) => line),
        deps,
      )
      open = new SliceBooking(unstored)
      for (const [index, each] of asked.entries()) joinLine(each, matches[index]!, open, deps)
      asked = await bookOpen()
    }
  }

  const joinAll = async (posts: readonly Post[]): Promise<void> => {
    await storeAll()
    for (const slice of takeSlices(posts, sliceLines)) {
      await joinSlice(slice)
      await nextTurn()
    }
    await storeAll()
  }

  // Whoever asked hears of a failure; what comes next starts all the same.
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const done = previous.then(run)
    previous = done.catch(() => null)
    return done
  }
  let isWaiting = false
  let isOver = false
  const tryLater = (error: unknown) => {
    if (!isWaiting && !isOver) {
      isWaiting = true
      deps.later(() => {
        isWaiting = false
        // Whoever sent it has heard that it failed.
        if (!isOver)
          void inTurn(storeAll)
            .catch(tryLater)
            .catch(() => null)
      })
    }
    throw error
  }
  const join = gatherPosts((take) => inTurn(() => joinAll(take())).catch(tryLater), sliceLines)
  return {
    accept: async (lines) => {
      const post = { lines, report: new ReportDraft(deps.count) }
      try {
        await deps.hears?.()
        await join(post)
      } catch (error) {
        deps.countRefused(lines.size)
        throw error
      }
      return post.report.build()
    },
    finish: () => {
      isOver = true
      return inTurn(storeAll)
    },
  }
}

/** The lines that are about a known service; the others go into the report. */
function takeLines(slice: readonly Asked<ParsedLine>[], deps: FeedbackJoinDeps): readonly Asked[] {
  const known = deps.services()
  const knownSet = new Set(known)
  return slice.filter((asked): asked is Asked => {
    const { line, report } = asked
    if ('error' in line) {
      report.reject(null, line.line, line.error)
      return false
    }
    if (line.service !== null && !knownSet.has(line.service)) {
      report.reject(
        null,
        line.line,
        `unknown service ${quote(line.service)} (known: ${listNames(known)})`,
      )
      return false
    }
    const error = 'event' in line ? describeUnknownEvent(line, deps) : null
    if (error !== null) report.reject(line.service, line.line, error)
    return error === null
  })
}

function isBuffered({ service, requestId, key }: FeedbackLine, { buffer }: FeedbackJoinDeps) {
  return requestId === null
    ? buffer.holdsUnit(keyUnit(key!))
    : buffer.find(service, requestId).length > 0
}

function joinLine(
  { line, report }: Asked,
  match: JoinMatch,
  slice: SliceBooking,
  deps: FeedbackJoinDeps,
): void {
  if (match.found === 'ambiguous') {
    const what = line.requestId === null ? 'key' : 'requestId'
    const error = `${what} matches services ${listNames(match.services)}: name one in \`service\``
    report.reject(null, line.line, error)
    return
  }
  if (match.found === 'none') {
    report.unmatched(line.service)
    return
  }
  const { service } = match.prediction
  const result =
    'event' in line
      ? joinEvent({ line, report }, match, slice, deps)
      : joinLabel({ line, report }, match, slice, deps)
  if (result === null) return
  if (typeof result === 'object') {
    report.reject(service, line.line, result.error)
  } else if (result === 'unmatched') {
    report.unmatched(service)
  } else {
    slice.addLine(service, result, report)
  }
}
