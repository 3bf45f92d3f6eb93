import type { Pair, Side } from '../domain/cohort.ts'
import { addPlaces, type PlaceCount } from '../domain/key-places.ts'
import type { SharedPlaces, StepShare, StepTimesShare } from '../domain/replica.ts'
import type { LatencyQuantile } from '../domain/rollout-spec.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { FailureCount, StepFigures } from '../metrics/step-figures.ts'
import type { StepTimes } from '../metrics/step-times.ts'
import type { ReadPlaces, SlowLimit } from '../rollout/limit-figures.ts'
import { isLimited } from '../rollout/limits.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { untilOf } from '../rollout/until-of.ts'
import { LogHistogram, type LogHistogramJson } from '../statistics/histogram.ts'
import { sideBook } from './side-book.ts'

/** When the latencies end that are asked for. */
type Until = Pick<LatencyQuantile, 'until'>

/** What this process has counted of a step that the absolute limits of a plan are read from; null = none is. */
export function stepShareOf(
  plan: RolloutPlan,
  state: RolloutState,
  book: ServiceBook,
): StepShare | null {
  const limited = plan.metrics.filter(isLimited)
  const latencies = limited.filter((metric) => metric.kind === 'latency')
  const [last, first] = ([undefined, 'first-byte'] as const).map((until) =>
    latencies.find((metric) => metric.until === until),
  )
  if (latencies.length === 0 && !limited.some(({ kind }) => kind === 'error-rate')) return null
  const [baseline, canary] = [sideBook(book, 0).step, sideBook(book, 1).step]
  const both = (of: (figures: StepFigures) => number): Pair => [of(baseline), of(canary)]
  const timed = (of: (times: StepTimes) => LogHistogram): StepTimesShare => {
    const share = (asked: Until) =>
      [of(baseline.timesOf(asked)).toJSON(), of(canary.timesOf(asked)).toJSON()] as const
    return {
      ...(last === undefined ? undefined : { latencies: share(last) }),
      ...(first === undefined ? undefined : { firstBytes: share(first) }),
    }
  }
  const slow = latencies.flatMap((metric): readonly SlowLimit[] =>
    metric.max === null ? [] : [{ ...untilOf(metric), limitMs: metric.max }],
  )
  const placed = (isOfLate: boolean) => sharedPlaces([baseline, canary], slow, isOfLate)
  return {
    service: plan.service,
    rollout: rolloutId(state),
    step: state.step,
    enteredAt: state.stepEnteredAt,
    weightBp: state.weightBp,
    requests: both(({ requests }) => requests),
    failures: both(({ failures }) => failures),
    recent: {
      requests: both(({ recent }) => recent.requests),
      failures: both(({ recent }) => recent.failures),
      ...timed(({ recent }) => recent),
      ...placed(true),
    },
    ...timed(({ all }) => all),
    ...placed(false),
  }
}

function sharedPlaces(
  [baseline, canary]: readonly [StepFigures, StepFigures],
  limits: readonly SlowLimit[],
  isOfLate: boolean,
): { readonly places?: SharedPlaces } {
  const failed = [failedOf(baseline, isOfLate), failedOf(canary, isOfLate)] as const
  const slowTo = (until: Until['until']): SharedPlaces['slow'] =>
    limits
      .filter((limit) => limit.until === until)
      .map((limit) => [
        limit.limitMs,
        [slowOf(baseline, limit, isOfLate), slowOf(canary, limit, isOfLate)],
      ])
  const [slow, slowFirstBytes] = [slowTo(undefined), slowTo('first-byte')]
  const all = [failed, ...[...slow, ...slowFirstBytes].map(([, places]) => places)]
  if (all.flat(2).length === 0) return {}
  return {
    places: {
      ...{ failed, slow },
      ...(slowFirstBytes.length === 0 ? undefined : { slowFirstBytes }),
    },
  }
}

function failedOf(figures: StepFigures, isOfLate: boolean): readonly PlaceCount[] {
  return isOfLate ? figures.recentFailed : figures.failed
}

function slowOf(figures: StepFigures, limit: SlowLimit, isOfLate: boolean): readonly PlaceCount[] {
  const times = figures.timesOf(limit)
  return isOfLate ? times.recentSlow(limit.limitMs) : times.slow(limit.limitMs)
}

/** Whether a share is of the step that a rollout is in, at its weights. */
export function isOfStep(share: StepShare, state: RolloutState): boolean {
  return (
    share.service === state.service &&
    share.rollout === rolloutId(state) &&
    share.step === state.step &&
    share.enteredAt === state.stepEnteredAt &&
    share.weightBp === state.weightBp
  )
}

/** Requests of one side of a step, here and in the shares of others. */
export function stepRequests(
  own: StepFigures,
  shares: readonly StepShare[],
  side: Side,
): FailureCount {
  const sum = (of: 'requests' | 'failures') =>
    shares.reduce((all, share) => all + share[of][side], own[of])
  return { requests: sum('requests'), failures: sum('failures') }
}

/** The same by weight, the old ones faded. */
export function recentRequests(
  { recent }: StepFigures,
  shares: readonly StepShare[],
  side: Side,
): FailureCount {
  const sum = (of: 'requests' | 'failures') =>
    shares.reduce((all, share) => all + (share.recent?.[of][side] ?? 0), recent[of])
  return { requests: sum('requests'), failures: sum('failures') }
}

/** Their latencies. */
export function stepLatencies(
  own: StepFigures,
  shares: readonly StepShare[],
  side: Side,
  asked: Until,
): LogHistogram {
  return merged(
    own.timesOf(asked).all,
    shares.map((share) => timesIn(share, asked)?.[side]),
  )
}

/** The same by weight, the old ones faded. */
export function recentLatencies(
  own: StepFigures,
  shares: readonly StepShare[],
  side: Side,
  asked: Until,
): LogHistogram {
  return merged(
    own.timesOf(asked).recent,
    shares.map(({ recent }) => timesIn(recent, asked)?.[side]),
  )
}

function timesIn(share: StepTimesShare | undefined, { until }: Until): StepTimesShare['latencies'] {
  return until === undefined ? share?.latencies : share?.firstBytes
}

/** What a step has by the place of the key, here and in the shares of others; `isOfLate`: by weight. Read when it is asked for. */
export function stepPlaces(
  of: (side: Side) => StepFigures,
  shares: () => readonly StepShare[],
  isOfLate: boolean,
): ReadPlaces {
  const others = () =>
    shares().flatMap(({ places, recent }) => (isOfLate ? recent?.places : places) ?? [])
  return {
    failed: (side) =>
      addPlaces([failedOf(of(side), isOfLate), ...others().map(({ failed }) => failed[side])]),
    slow: (side, limit) => {
      const { until, limitMs } = limit
      const ofLimit = ({ slow, slowFirstBytes = [] }: SharedPlaces): readonly PlaceCount[] =>
        (until === undefined ? slow : slowFirstBytes).find(([ms]) => ms === limitMs)?.[1][side] ??
        []
      return addPlaces([slowOf(of(side), limit, isOfLate), ...others().map(ofLimit)])
    },
  }
}

function merged(
  own: LogHistogram,
  others: readonly (LogHistogramJson | undefined)[],
): LogHistogram {
  if (others.length === 0) return own
  const all = own.copy()
  for (const counts of others) all.merge(LogHistogram.from(counts ?? []))
  return all
}
