import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../domain/clock.ts'
import type { Cohort } from '../domain/cohort.ts'
import type { FeedbackResult, Prediction } from '../domain/prediction.ts'
import type { LabelLine, ParsedLine } from './parse.ts'

/** What the join asks of the rest of the gateway. */
export type LabelJoinDeps = {
  /** Names of the configured services. */
  readonly services: () => readonly string[]
  /** Predictions that are on their way into the store. */
  readonly buffer: {
    readonly find: (service: string | null, requestId: string) => readonly Prediction[]
    readonly flush: () => Promise<void>
  }
  readonly store: {
    /** In the order of the queries. */
    readonly findPredictions: (queries: readonly LabelQuery[]) => Promise<readonly LabelMatch[]>
    /** Marks predictions as joined and stores the cohorts that changed, in one transaction. */
    readonly commitLabels: (
      joined: readonly Mark[],
      cohorts: readonly ChangedCohort[],
    ) => Promise<void>
  }
  /**
   * Counts a label into its prediction's cohorts. `late` = they take none any more. `changed` are those
   * that are in the store already, with what they are kept under. Called once per prediction.
   */
  readonly book: (
    prediction: Prediction,
    label: number,
    now: number,
  ) => { readonly result: 'joined' | 'late'; readonly changed: readonly ChangedCohort[] }
  readonly clock: Pick<Clock, 'now'>
  /** What became of `lines` lines; `service: null` = it is not known whose they are. */
  readonly count: (service: string | null, result: FeedbackResult, lines: number) => void
  /** Lines that are joined at a stretch before others get their turn; 200 by default (about 2 ms). */
  readonly sliceLines?: number
}

export type LabelQuery = { readonly service: string | null; readonly requestId: string }

export type LabelMatch =
  | { readonly found: 'pending' | 'joined'; readonly prediction: Prediction }
  | { readonly found: 'ambiguous'; readonly services: readonly string[] }
  | { readonly found: 'none' }

export type Mark = { readonly prediction: Prediction; readonly label: number }

export type ChangedCohort = { readonly service: string; readonly cohort: Cohort }

/** How many lines became what; `line` counts from 1. */
export type FeedbackReport = {
  readonly joined: number
  readonly unmatched: number
  readonly late: number
  readonly duplicate: number
  readonly rejected: readonly { readonly line: number; readonly error: string }[]
}

export type LabelJoin = {
  /**
   * Joins labels to the predictions of their requests; the first label of a prediction counts.
   * Resolves when everything is in the store; rejects when the store fails, and then the same lines
   * can be sent again: none counts twice.
   */
  readonly accept: (lines: Iterable<ParsedLine>) => Promise<FeedbackReport>
}

/** The label join: one batch after the other, so that no two join the same prediction. */
export function createLabelJoin(deps: LabelJoinDeps): LabelJoin {
  const sliceLines = deps.sliceLines ?? 200
  let previous: Promise<unknown> = Promise.resolve()
  /** Booked into cohorts, but not in the store: the last commit failed. */
  let unstored: Booked | null = null

  const storeBooked = async () => {
    if (unstored === null) return
    const { marks, cohorts, tally } = unstored
    if (marks.length > 0) await deps.store.commitLabels(marks, [...cohorts.values()])
    unstored = null
    for (const { service, result, lines } of tally.values()) deps.count(service, result, lines)
  }

  const joinSlice = async (slice: readonly ParsedLine[], report: MutableReport) => {
    const labels = takeLabels(slice, deps, report)
    // Only what is in the store can be marked there.
    if (labels.some(({ service, requestId }) => deps.buffer.find(service, requestId).length > 0)) {
      await deps.buffer.flush()
    }
    const matches = labels.length > 0 ? await deps.store.findPredictions(labels) : []
    const booked: Booked = { marks: [], cohorts: new Map(), seen: new Set(), tally: new Map() }
    // Set before the first is booked: whatever fails from here on, none is booked again.
    unstored = booked
    for (const [index, line] of labels.entries()) {
      bookLine(line, matches[index]!, booked, deps, report)
    }
    await storeBooked()
  }

  const joinAll = async (lines: Iterable<ParsedLine>): Promise<FeedbackReport> => {
    const report: MutableReport = { joined: 0, unmatched: 0, late: 0, duplicate: 0, rejected: [] }
    await storeBooked()
    for (const slice of takeSlices(lines, sliceLines)) {
      await joinSlice(slice, report)
      await nextTurn()
    }
    report.rejected.sort((a, b) => a.line - b.line)
    return report
  }

  return {
    accept: (lines) => {
      const report = previous.then(() => joinAll(lines))
      // Whoever sent the batch hears of its failure; the next one starts all the same.
      previous = report.catch(() => null)
      return report
    },
  }
}

type MutableReport = { -readonly [Key in keyof FeedbackReport]: FeedbackReport[Key] } & {
  rejected: { line: number; error: string }[]
}

/** What one slice has booked and counted until it is in the store. */
type Booked = {
  readonly marks: Mark[]
  readonly cohorts: Map<string, ChangedCohort>
  /** Predictions joined in this slice. */
  readonly seen: Set<string>
  readonly tally: Map<string, { service: string; result: FeedbackResult; lines: number }>
}

/** The lines that are labels of a known service; the others go into the report. */
function takeLabels(
  slice: readonly ParsedLine[],
  deps: LabelJoinDeps,
  report: MutableReport,
): readonly LabelLine[] {
  const labels: LabelLine[] = []
  const known = deps.services()
  const knownSet = new Set(known)
  for (const line of slice) {
    if ('error' in line) {
      reject(null, line.line, line.error, deps, report)
    } else if (line.service !== null && !knownSet.has(line.service)) {
      reject(
        null,
        line.line,
        `unknown service ${line.service} (known: ${list(known)})`,
        deps,
        report,
      )
    } else {
      labels.push(line)
    }
  }
  return labels
}

function bookLine(
  { line, service, label }: LabelLine,
  match: LabelMatch,
  booked: Booked,
  deps: LabelJoinDeps,
  report: MutableReport,
): void {
  if (match.found === 'ambiguous') {
    const error = `requestId matches services ${list(match.services)}: name one in \`service\``
    reject(null, line, error, deps, report)
    return
  }
  if (match.found === 'none') {
    report.unmatched += 1
    deps.count(service, 'unmatched', 1)
    return
  }
  const result = bookLabel(match.found, match.prediction, label, booked, deps)
  report[result] += 1
  const owner = match.prediction.service
  const entry = booked.tally.get(`${owner}\0${result}`)
  if (entry === undefined)
    booked.tally.set(`${owner}\0${result}`, { service: owner, result, lines: 1 })
  else entry.lines += 1
}

function bookLabel(
  found: 'pending' | 'joined',
  prediction: Prediction,
  label: number,
  booked: Booked,
  deps: LabelJoinDeps,
): 'joined' | 'late' | 'duplicate' {
  const { service, requestId } = prediction
  const id = `${service}\0${requestId}`
  if (found === 'joined' || booked.seen.has(id)) return 'duplicate'
  booked.seen.add(id)
  booked.marks.push({ prediction, label })
  // A request that is no evidence has no cohort to book into.
  if (prediction.cohort === -1) return 'joined'
  const { result, changed } = deps.book(prediction, label, deps.clock.now())
  for (const each of changed) {
    const { rollout, number } = each.cohort
    booked.cohorts.set(`${each.service}\0${rollout}\0${number}`, each)
  }
  return result
}

function reject(
  service: string | null,
  line: number,
  error: string,
  deps: LabelJoinDeps,
  report: MutableReport,
): void {
  report.rejected.push({ line, error })
  deps.count(service, 'rejected', 1)
}

function* takeSlices<T>(items: Iterable<T>, size: number): Generator<readonly T[], undefined> {
  let slice: T[] = []
  for (const item of items) {
    slice.push(item)
    if (slice.length < size) continue
    yield slice
    slice = []
  }
  if (slice.length > 0) yield slice
}

function list(names: readonly string[]): string {
  return names.length > 10 ? `${names.slice(0, 10).join(', ')}, …` : names.join(', ')
}
