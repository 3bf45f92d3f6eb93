import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import { keyUnit } from '../../../src/feedback/key-unit.ts'
import type { Request } from './history.ts'
import type { Value } from './sample.ts'

/** What a side has that a limit is held against. */
export type Side = {
  readonly n: number
  readonly value: number | null
}

/** How a canary stands against a limit, by docs/metrics.md. */
export type Stand = {
  readonly sides: readonly [Side, Side]
  readonly tooFew: boolean
  /** Which of the two are beyond it, of enough. */
  readonly isBeyond: readonly [boolean, boolean]
  /** So far that chance has it so in less than one of a thousand looks. */
  readonly isBeyondChance: boolean
  /** As how many of the canary's requests count. */
  readonly countsAs: number | null
}

/** Hoeffding's bound at one of a thousand, of shares and as it is of a normal distribution. */
const ENOUGH = Math.log(1000)

/** Keys are dealt to so many places; what is worth fewer than twelve of them is counted by requests. */
const [PLACES, FEWEST] = [64, 12]

const FAILED = ['failed', 'no_answer']

/** Of an `error-rate` or a `latency`: what all requests that ended in the step came to. */
export function standOfServed(
  metric: Extract<MetricSpec, { kind: 'error-rate' | 'latency' }>,
  ended: readonly Request[],
): Stand {
  const max = metric.max!
  const isLatency = metric.kind === 'latency'
  const share = isLatency ? 1 - metric.quantile : max
  const isBad = ({ outcome, latencyMs }: Request) =>
    isLatency ? bucketOf(latencyMs) > bucketOf(max) : FAILED.includes(outcome)
  // What failed has no time; who left, or met a deadline, has waited so long.
  const counted = isLatency ? ended.filter(({ outcome }) => outcome !== 'failed') : ended
  const bySide = [0, 1].map((side) => counted.filter((request) => request.side === side))
  const sides = bySide.map((all): Side => {
    if (all.length === 0) return { n: 0, value: null }
    if (!isLatency) return { n: all.length, value: all.filter(isBad).length / all.length }
    return { n: all.length, value: quantileOf(all, metric.quantile) }
  }) as [Side, Side]
  const canary = bySide[1]!
  const bad = canary.filter(isBad).length
  const alone = canary.length * divergence(bad / canary.length, share)
  const byKey = byPlaces(canary, isBad, share, alone)
  const least = leastOf(metric)
  const isBeyond = sides.map(({ n, value }) => n >= least && value! > max) as [boolean, boolean]
  return {
    ...{ sides, isBeyond },
    tooFew: canary.length < least,
    isBeyondChance: Math.min(alone, byKey) >= ENOUGH,
    countsAs: byKey < alone ? (canary.length * byKey) / alone : null,
  }
}

/** Of values of units. */
export function standOfValues(metric: MetricSpec, values: readonly Value[]): Stand {
  const least = leastOf(metric)
  const bySide = [0, 1].map((side) => values.filter((value) => value.side === side))
  const isShare = metric.kind === 'accuracy' || metric.kind === 'conversion'
  const root = (y: number) => (metric.kind === 'rmse' ? Math.sqrt(y) : y)
  const means = bySide.map((all) => sum(all, ({ y }) => y) / sum(all, ({ d }) => d))
  const sides = bySide.map((all, i): Side => {
    const mean = means[i]!
    return Number.isNaN(mean) ? { n: 0, value: null } : { n: all.length, value: root(mean) }
  }) as [Side, Side]
  const isOver = (value: number | null) =>
    value !== null &&
    ((metric.max !== null && value > metric.max) || (metric.min !== null && value < metric.min))
  const isBeyond = sides.map(({ n, value }) => n >= least && isOver(value)) as [boolean, boolean]
  const canary = bySide[1]!
  const value = sides[1].value ?? 0
  const limit = metric.max !== null && value > metric.max ? metric.max : metric.min!
  const beyond = isShare
    ? canary.length * divergence(value, limit) >= ENOUGH
    : isBeyondNormal(bySide, metric.kind === 'rmse' ? limit ** 2 : limit)
  return {
    ...{ sides, isBeyond, countsAs: null },
    tooFew: sides[1].n < least,
    isBeyondChance: isBeyond[1] && beyond,
  }
}

/** So many of either side are enough. */
export function leastOf(metric: MetricSpec): number {
  if (metric.kind === 'latency') return Math.round(4 / (1 - metric.quantile))
  return 'minLabels' in metric ? metric.minLabels : 100
}

/** By the variance of the side that varies more, of what units have beyond the limit. */
function isBeyondNormal(bySide: readonly (readonly Value[])[], limit: number): boolean {
  const over = bySide.map((all) => all.map(({ y, d }) => y - limit * d))
  const variances = over.map((all) => {
    const mean = all.reduce((total, y) => total + y, 0) / all.length
    return all.length < 2
      ? 0
      : all.reduce((total, y) => total + (y - mean) ** 2, 0) / all.length
  })
  const canary = over[1]!
  const mean = canary.reduce((total, y) => total + y, 0) / canary.length
  return (mean ** 2 * canary.length) / (2 * Math.max(...variances)) >= ENOUGH
}

/** What the best bet on the places says; infinite where requests count as they are. */
function byPlaces(
  canary: readonly Request[],
  isBad: (request: Request) => boolean,
  share: number,
  alone: number,
): number {
  if (canary.every(({ key }) => key === null)) return Infinity
  const places = new Map<string, { n: number; bad: number }>()
  for (const [i, request] of canary.entries()) {
    const { key } = request
    const name = key === null ? `alone ${i}` : `place ${keyUnit(`k-${key}`) % PLACES}`
    const place = places.get(name) ?? { n: 0, bad: 0 }
    place.n += 1
    place.bad += Number(isBad(request))
    places.set(name, place)
  }
  const weighted = [...places.values()].map(({ n, bad }) => {
    const w = Math.min(1, canary.length / (32 * n))
    return { part: w * n, over: w * (bad - share * n) }
  })
  const kish =
    weighted.reduce((all, { part }) => all + part, 0) ** 2 /
    weighted.reduce((all, { part }) => all + part ** 2, 0)
  if (kish < FEWEST) return Infinity
  const most = 1 / (share * Math.max(...weighted.map(({ part }) => part)))
  const wealth = (lambda: number) =>
    weighted.reduce((all, { over }) => all + Math.log1p(lambda * over), 0)
  return Math.min(alone, wealth(highest(wealth, most)))
}

/** Where a concave function is largest between 0 and `most`. */
function highest(of: (lambda: number) => number, most: number): number {
  let [low, high] = [0, most]
  for (let n = 0; n < 200; n++) {
    const [a, b] = [low + (high - low) / 3, high - (high - low) / 3]
    if (of(a) < of(b)) low = a
    else high = b
  }
  return (low + high) / 2
}

/** KL(p ‖ q) of two shares. */
function divergence(p: number, q: number): number {
  const part = (a: number, b: number) => (a === 0 ? 0 : a * Math.log(a / b))
  return part(p, q) + part(1 - p, 1 - q)
}

/** Times are told apart to 2 %, from 1 µs on; a quantile is the upper edge of its bucket. */
function bucketOf(ms: number): number {
  return Math.max(0, Math.ceil(Math.log(ms / 0.001) / Math.log(1.02)))
}

function quantileOf(all: readonly Request[], quantile: number): number {
  const buckets = all.map(({ latencyMs }) => bucketOf(latencyMs)).toSorted((a, b) => a - b)
  return 0.001 * 1.02 ** buckets[Math.ceil(quantile * all.length) - 1]!
}

function sum(values: readonly Value[], of: (value: Value) => number): number {
  return values.reduce((all, value) => all + of(value), 0)
}
