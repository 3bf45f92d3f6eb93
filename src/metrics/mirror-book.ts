import type { Service } from '../domain/service.ts'
import { CANARY } from '../domain/variant.ts'
import { LogHistogram } from '../statistics/histogram.ts'
import { DurationBuckets } from './duration-buckets.ts'
import type { PairLedger } from './pair-ledger.ts'

/**
 * What became of a copy that was drawn. Those that were sent end in the words of requests' outcomes
 * (`cancelled`: serin ended first); the others were dropped: too many are under way or no connection could be made for want of
 * files or ports, the body is too large, it never came in full, or no upstream is healthy.
 */
export const MIRROR_RESULTS = [
  'ok',
  'failed',
  'no_answer',
  'cancelled',
  'dropped_busy',
  'dropped_too_large',
  'dropped_incomplete',
  'dropped_unhealthy',
] as const

/** One of the results of copies. */
export type MirrorResult = (typeof MIRROR_RESULTS)[number]

/** What two answers to one request differ in: the first of these that does. */
export const DISAGREEMENTS = ['status', 'schema', 'value'] as const

/** One of the things that answers differ in. */
export type Disagreement = (typeof DISAGREEMENTS)[number]

/** What the comparison of a pair of answers says; `unread`: their bodies could not be compared. */
export type PairResult = 'agreed' | 'unread' | Disagreement

/** Two answers to one request, as they compare: values alone, never bodies. */
export type ComparedPair = {
  /** When they were compared, in milliseconds since the epoch. */
  readonly at: number
  readonly requestId: string
  /** The variant whose answer the client has. */
  readonly answeredBy: string
  readonly result: PairResult
  /** The statuses where these differ, else the predictions; null where none was read. */
  readonly live: PairValue
  readonly mirror: PairValue
  /** From sending the request to the head of its answer, in ms. */
  readonly liveMs: number
  readonly mirrorMs: number
}

/** What is shown of an answer. */
export type PairValue = string | number | boolean | null

/** How many of the pairs that disagreed are kept for people to look at. */
const MOST_KEPT = 20

/** What the mirror to one variant has done, in plain counters that a scrape reads. */
export class MirrorBook {
  readonly variant: string
  readonly version: string
  /** Copies that have not ended yet. */
  inFlight = 0
  readonly results = zeros(MIRROR_RESULTS)
  /** From the sending of a copy to the end of its answer; of those that have one. */
  readonly durations = new DurationBuckets()
  /** The same, fading with time: what people are shown. */
  readonly latencies = new LogHistogram()
  readonly disagreements = zeros(DISAGREEMENTS)
  /** Pairs of answers that were compared. */
  pairs = 0
  /** Pairs whose bodies could not be compared. */
  unread = 0
  /** Over all pairs, the unread ones too: time from sending the request to the head of its answer, in ms. */
  liveMs = 0
  mirrorMs = 0
  /** When the last answer came that was `ok`, in milliseconds since the epoch; null = none has. */
  lastOkAt: number | null = null
  /** The last ones, oldest first. */
  readonly lastDisagreed: ComparedPair[] = []
  /** Where its pairs are evidence of a rollout; null = nowhere. */
  ledger: PairLedger | null = null

  constructor(variant: string, version: string) {
    this.variant = variant
    this.version = version
  }

  /** Pairs that disagreed, in whatever. */
  get disagreed(): number {
    return DISAGREEMENTS.reduce((sum, kind) => sum + this.disagreements[kind], 0)
  }

  /** Copies that left. */
  get sent(): number {
    const { ok, failed, no_answer: noAnswer, cancelled } = this.results
    return ok + failed + noAnswer + cancelled + this.inFlight
  }

  /** Counts a copy once it has ended, or was dropped. */
  count(result: MirrorResult): void {
    this.results[result]++
  }

  /** Books how long a copy took whose answer came in full, in ms. */
  took(ms: number): void {
    this.durations.add(ms)
    this.latencies.add(ms)
  }

  /** Books a pair: each comes here once, whatever its comparison says. */
  paired(pair: ComparedPair): void {
    const { result, liveMs, mirrorMs } = pair
    this.liveMs += liveMs
    this.mirrorMs += mirrorMs
    if (result === 'unread') {
      this.unread++
      return
    }
    this.pairs++
    if (result === 'agreed') return
    this.disagreements[result]++
    this.lastDisagreed.push(pair)
    if (this.lastDisagreed.length > MOST_KEPT) this.lastDisagreed.shift()
  }
}

/**
 * The books of a service's mirrors, by variant: of the standing ones, and of its rollout's mirror steps.
 * Those of the same variant in the same version go on from `previous`.
 */
export function buildMirrorBooks(
  { mirrors, variants, rollout }: Pick<Service, 'mirrors' | 'variants' | 'rollout'>,
  previous: ReadonlyMap<string, MirrorBook> | null,
): ReadonlyMap<string, MirrorBook> {
  const isStep = rollout?.steps.some(({ kind }) => kind === 'mirror') === true
  const names = [...mirrors.map(({ to }) => to), ...(isStep ? [CANARY] : [])]
  return new Map(
    names.map((to) => {
      const { version } = variants.find(({ name }) => name === to)!
      const before = previous?.get(to)
      return [to, before?.version === version ? before : new MirrorBook(to, version)]
    }),
  )
}

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>
}
