import type { Pair } from '../../src/domain/cohort.ts'
import type { MomentStratum } from '../../src/domain/evidence.ts'
import { meanRatioInterval, mixtureRadius } from '../../src/statistics/ratio-interval.ts'
import { normalQuantile } from '../../src/statistics/special.ts'
import type { EventCounts } from './attempt.ts'
import { kayentaClass } from './mann-whitney.ts'

/** One tick as a rival sees it. */
export type EventTick = EventCounts & { readonly pi: number }

/** Looks after every tick; true once it would roll back. One for each rollout. */
export type Watcher = (tick: EventTick) => boolean

/** Requests of the canary before the z test, the point rule and the intervals look at all. */
const MIN_CANARY = 1000

/** A one-sided two-proportion z test at 5 %, on all that was seen so far, after every tick. */
export function peekedZ(): Watcher {
  const seen = accumulate()
  return (tick) => {
    seen.add(tick)
    return seen.units[1] >= MIN_CANARY && zOf(seen) > normalQuantile(0.95)
  }
}

/** The same test, once, when the planned number of requests is there: what it was made for. */
export function fixedZ(planned: number): Watcher {
  const seen = accumulate()
  let looked = false
  return (tick) => {
    seen.add(tick)
    if (looked || seen.units[0] + seen.units[1] < planned) return false
    looked = true
    return zOf(seen) > normalQuantile(0.95)
  }
}

/**
 * Requests of both sides for which the one-sided z test at 5 % finds a rise of a rate in four of five cases.
 * (Fleiss, Statistical Methods for Rates and Proportions, 2nd edition, 1981, chapter 3, unequal sizes)
 */
export function plannedForZ(pi: number, baseline: number, canary: number): number {
  const ratio = pi / (1 - pi)
  const pooled = (baseline + ratio * canary) / (1 + ratio)
  const alike = normalQuantile(0.95) * Math.sqrt(pooled * (1 - pooled) * (1 + 1 / ratio))
  const apart = baseline * (1 - baseline) + (canary * (1 - canary)) / ratio
  const size = (alike + normalQuantile(0.8) * Math.sqrt(apart)) / (canary - baseline)
  return Math.ceil(size ** 2 / (1 - pi))
}

/** "The canary's rate is at most 5 % above the baseline's", asked after every tick from 1,000 requests on. */
export function pointRule(): Watcher {
  const seen = accumulate()
  return (tick) => {
    seen.add(tick)
    const [baseline, canary] = rates(seen)
    return seen.units[1] >= MIN_CANARY && canary > 1.05 * baseline
  }
}

/**
 * Flagger's rule: in each interval the canary's own rate against a fixed limit; the fifth failed check of
 * the rollout rolls back. Checks without a request are left out. (fluxcd/flagger, pkg/controller/scheduler.go)
 */
export function flagger(limit: number): Watcher {
  let failed = 0
  return ({ units, events }) => {
    if (units[1] > 0 && events[1] / units[1] > limit) failed += 1
    return failed >= 5
  }
}

/**
 * An asymptotic confidence sequence on the log-ratio, two-sided at 5 %, that rolls back when it excludes 1:
 * serin's own interval for people to read, used for what it is not meant for. `pooled`: over all weights
 * together, as dashboards do; else within each weight.
 */
export function asymptotic(pooled: boolean): Watcher {
  const strata = new Map<number, { pi: number; n: Pair; sum: Pair; sumSq: Pair }>()
  return ({ pi, units, events }) => {
    const key = pooled ? 0 : pi
    const stratum = strata.get(key) ?? { pi: key, n: [0, 0], sum: [0, 0], sumSq: [0, 0] }
    strata.set(key, stratum)
    for (const side of [0, 1] as const) {
      stratum.n[side] += units[side]
      stratum.sum[side] += events[side]
      stratum.sumSq[side] += events[side]
    }
    const canary = [...strata.values()].reduce((sum, { n }) => sum + n[1], 0)
    if (canary < MIN_CANARY) return false
    return excludesOne([...strata.values()], Math.log(1.5)) === 'above'
  }
}

/** Whether serin's asymptotic interval of a ratio of means (5 %, prior deviation τ) leaves 1 out. */
export function excludesOne(
  strata: readonly MomentStratum[],
  priorSd: number,
): 'above' | 'below' | null {
  const interval = meanRatioInterval(strata, { alpha: 0.05, priorSd, root: false })
  if (interval === null) return null
  if (interval.lower > 1) return 'above'
  return interval.upper < 1 ? 'below' : null
}

/**
 * GrowthBook's sequential interval of the relative lift, two-sided at 5 %, tuned as it is by default for
 * 5,000 units (growthbook/growthbook, packages/stats, at 8f1db44). True where it excludes a canary that
 * is as good; `null` variance of either side: false.
 */
export function growthbookBelow({ n, sum, sumSq }: Omit<MomentStratum, 'pi'>): boolean {
  const mean = [sum[0] / n[0], sum[1] / n[1]] as const
  const variance = ([0, 1] as const).map(
    (side) => (sumSq[side] - sum[side] * mean[side]) / (n[side] - 1) / n[side],
  )
  if (!(mean[0] > 0)) return false
  const squared = variance[0]! * (mean[1] / mean[0] ** 2) ** 2 + variance[1]! / mean[0] ** 2
  if (!(squared > 0)) return false
  const information = 1 / squared
  const rho = growthbookRho(0.05, 5000)
  const precision = information / ((n[0] + n[1]) * rho ** 2)
  return mean[1] / mean[0] - 1 + mixtureRadius(information, precision, 0.05) < 0
}

/** The tuning of a sequence that is narrowest at `units` (gbstats: `sequential_rho`). */
export function growthbookRho(alpha: number, units: number): number {
  const log = 2 * Math.log(1 / alpha)
  return Math.sqrt((log + Math.log(1 + log)) / units)
}

/**
 * Kayenta's judge on one rate per interval, asked after every fifth interval from the tenth to the 120th.
 * `equalSize`: the baseline's series comes from as many requests as the canary's, which Kayenta asks for;
 * else from all that the baseline has. `direction`: what counts as a failed metric.
 */
export function kayenta(
  direction: 'high' | 'either',
): (canary: number, baseline: number) => boolean {
  const canary: number[] = []
  const baseline: number[] = []
  return (canaryRate, baselineRate) => {
    canary.push(canaryRate)
    baseline.push(baselineRate)
    if (canary.length < 10 || canary.length > 120 || canary.length % 5 !== 0) return false
    const found = kayentaClass(canary, baseline)
    return found === 'high' || (direction === 'either' && found === 'low')
  }
}

type Seen = { readonly units: Pair; readonly events: Pair; readonly add: (tick: EventTick) => void }

function accumulate(): Seen {
  const units: Pair = [0, 0]
  const events: Pair = [0, 0]
  const add = (tick: EventTick) => {
    for (const side of [0, 1] as const) {
      units[side] += tick.units[side]
      events[side] += tick.events[side]
    }
  }
  return { units, events, add }
}

function rates({ units, events }: Seen): readonly [baseline: number, canary: number] {
  return [events[0] / units[0], events[1] / units[1]]
}

/** The pooled two-proportion statistic; 0 where nothing varies. */
function zOf(seen: Seen): number {
  const [baseline, canary] = rates(seen)
  const { units, events } = seen
  const pooled = (events[0] + events[1]) / (units[0] + units[1])
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / units[0] + 1 / units[1]))
  return error > 0 ? (canary - baseline) / error : 0
}
