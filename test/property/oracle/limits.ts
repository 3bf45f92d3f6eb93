import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import { keyUnit } from '../../../src/feedback/key-unit.ts'
import type { Request } from './history.ts'
import type { Value } from './sample.ts'

/** What a side has that a limit is held against. */
export type Side = {
  readonly n: number
  readonly value: number | null
}

/** How a canary stands against a limit, by docs/metrics.md and docs/statistics.md. */
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
export const ENOUGH = Math.log(1000)

/** Keys are dealt to so many places; what is worth fewer than twelve of them is counted by requests. */
const [PLACES, FEWEST] = [64, 12]

const FAILED = ['failed', 'no_answer']

/** Something, and for how much it counts: 1 when it is new, and less of late. */
export type Weighted<T> = T & { readonly weight: number }

/** Of an `error-rate` or a `latency`: what all requests that ended in the step came to. */
export function standOfServed(
  metric: Extract<MetricSpec, { kind: 'error-rate' | 'latency' }>,
  ended: readonly Weighted<Request>[],
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
    const n = weigh(all)
    if (n === 0) return { n, value: null }
    if (!isLatency) return { n, value: weigh(all.filter(isBad)) / n }
    return { n, value: quantileOf(all, metric.quantile) }
  }) as [Side, Side]
  const canary = bySide[1]!
  const n = weigh(canary)
  const found = weigh(canary.filter(isBad)) / n
  const alone = found > share ? n * divergence(found, share) : 0
  const byKey = byPlaces(canary, isBad, share, alone)
  const least = leastOf(metric)
  const isBeyond = sides.map((of) => of.n >= least && of.value! > max) as [boolean, boolean]
  return {
    ...{ sides, isBeyond },
    tooFew: n < least,
    isBeyondChance: Math.min(alone, byKey) >= ENOUGH,
    countsAs: byKey < alone ? (n * byKey) / alone : null,
  }
}

/** Of values of units; `all`: those of the step and of late, whose variance counts; `size`: how large those above 0 are. */
export function standOfValues(
  metric: MetricSpec,
  values: readonly Weighted<Value>[],
  all: readonly (readonly Weighted<Value>[])[] = [values],
  size: number | null = null,
): Stand {
  const least = leastOf(metric)
  const bySide = [0, 1].map((side) => values.filter((value) => value.side === side))
  const isShare = metric.kind === 'accuracy' || metric.kind === 'conversion'
  const root = (y: number) => (metric.kind === 'rmse' ? Math.sqrt(y) : y)
  const means = bySide.map((of) => sum(of, ({ y }) => y) / sum(of, ({ d }) => d))
  const sides = bySide.map((of, i): Side => {
    const mean = means[i]!
    return Number.isNaN(mean) ? { n: 0, value: null } : { n: weigh(of), value: root(mean) }
  }) as [Side, Side]
  const isOver = (value: number | null) =>
    value !== null &&
    ((metric.max !== null && value > metric.max) || (metric.min !== null && value < metric.min))
  const isBeyond = sides.map(({ n, value }) => n >= least && isOver(value)) as [boolean, boolean]
  const canary = bySide[1]!
  const value = sides[1].value ?? 0
  const isAbove = metric.max !== null && value > metric.max
  const limit = isAbove ? metric.max! : metric.min!
  const cap = 'cap' in metric && metric.kind !== 'ratio' ? (metric.cap ?? Infinity) : 1
  const due = (limit * sum(canary, ({ d }) => d)) / weigh(canary)
  const rare = isAbove ? 0 : due * ((size ?? cap) - due)
  const beyond = isShare
    ? weigh(canary) * divergence(value, limit) >= ENOUGH
    : isBeyondNormal(canary, all, metric.kind === 'rmse' ? limit ** 2 : limit, rare)
  return {
    ...{ sides, isBeyond, countsAs: null },
    tooFew: sides[1].n < least,
    isBeyondChance: isBeyond[1] && beyond,
  }
}

/** How large values above 0 may be, of the one of these groups that has more of them; null = there are none. */
export function sizeOfValues(groups: readonly (readonly Value[])[]): number | null {
  const total = (of: readonly Value[], power: number) =>
    of.reduce((all, { y }) => all + y ** power, 0)
  const [most] = groups.toSorted((a, b) => total(b, 1) - total(a, 1))
  const [first, second] = [total(most ?? [], 1), total(most ?? [], 2)]
  return first > 0 ? (second / first) * (1 + 4 / (first ** 2 / second)) : null
}

/** So many of either side are enough. */
export function leastOf(metric: MetricSpec): number {
  if (metric.kind === 'latency') return Math.round(4 / (1 - metric.quantile))
  return 'minLabels' in metric ? metric.minLabels : 100
}

/** By the variance of the side that varies more, of what units have beyond the limit; at the least that of rare values. */
function isBeyondNormal(
  canary: readonly Weighted<Value>[],
  all: readonly (readonly Weighted<Value>[])[],
  limit: number,
  least: number,
): boolean {
  const over = ({ y, d }: Value) => y - limit * d
  const variances = all.flatMap((values) =>
    [0, 1].map((side) => {
      const of = values.filter((value) => value.side === side)
      const mean = sum(of, over) / weigh(of)
      return of.length === 0 ? 0 : sum(of, (value) => (over(value) - mean) ** 2) / weigh(of)
    }),
  )
  const mean = sum(canary, over) / weigh(canary)
  return (mean ** 2 * weigh(canary)) / (2 * Math.max(...variances, least)) >= ENOUGH
}

/** What the best bet on the places says; infinite where requests count as they are. */
function byPlaces(
  canary: readonly Weighted<Request>[],
  isBad: (request: Request) => boolean,
  share: number,
  alone: number,
): number {
  if (canary.every(({ key }) => key === null)) return Infinity
  const total = weigh(canary)
  const places = new Map<number, { n: number; bad: number; times: number }>()
  for (const request of canary) {
    if (request.key === null) continue
    const at = keyUnit(`k-${request.key}`) % PLACES
    const place = places.get(at) ?? { n: 0, bad: 0, times: 1 }
    place.n += request.weight
    place.bad += isBad(request) ? request.weight : 0
    places.set(at, place)
  }
  // A request without a key has a place of its own; of late so many have one as they weigh together.
  const alike = canary.filter(({ key }) => key === null)
  const [bad, good] = [alike.filter(isBad), alike.filter((request) => !isBad(request))]
  const own = [bad, good].map((of, i) => ({ n: 1, bad: 1 - i, times: weigh(of) }))
  const weighted = [...places.values(), ...own].flatMap(({ n, bad: found, times }) => {
    const w = Math.min(1, total / (32 * n))
    return times === 0 ? [] : [{ part: w * n, over: w * (found - share * n), times }]
  })
  const kish =
    weighted.reduce((all, { part, times }) => all + times * part, 0) ** 2 /
    weighted.reduce((all, { part, times }) => all + times * part ** 2, 0)
  if (kish < FEWEST) return Infinity
  const most = 1 / (share * Math.max(...weighted.map(({ part }) => part)))
  const wealth = (lambda: number) =>
    weighted.reduce((all, { over, times }) => all + times * Math.log1p(lambda * over), 0)
  // Nothing is staked where nothing is won.
  return Math.min(alone, Math.max(0, wealth(highest(wealth, most))))
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
export function divergence(p: number, q: number): number {
  const part = (a: number, b: number) => (a === 0 ? 0 : a * Math.log(a / b))
  return part(p, q) + part(1 - p, 1 - q)
}

/** Times are told apart to 2 %, from 1 µs on; a quantile is the upper edge of its bucket. */
function bucketOf(ms: number): number {
  return Math.max(0, Math.ceil(Math.log(ms / 0.001) / Math.log(1.02)))
}

function quantileOf(all: readonly Weighted<Request>[], quantile: number): number {
  const sorted = all.toSorted((a, b) => a.latencyMs - b.latencyMs)
  const rank = quantile * weigh(all)
  let below = 0
  const found = sorted.find(({ weight }) => (below += weight) >= rank - 1e-9)!
  return 0.001 * 1.02 ** bucketOf(found.latencyMs)
}

function weigh(all: readonly Weighted<unknown>[]): number {
  return all.reduce<number>((total, { weight }) => total + weight, 0)
}

function sum(values: readonly Weighted<Value>[], of: (value: Value) => number): number {
  return values.reduce((all, value) => all + value.weight * of(value), 0)
}
