import type { Pair, Side } from '../domain/cohort.ts'
import { addPlaces, type PlaceCount } from '../domain/key-places.ts'
import type { SharedPlaces, StepShare } from '../domain/replica.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { FailureCount, Places, StepFigures } from '../metrics/step-figures.ts'
import type { ReadPlaces } from '../rollout/limit-figures.ts'
import { isLimited } from '../rollout/limits.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { LogHistogram, type LogHistogramJson } from '../statistics/histogram.ts'
import { sideBook } from './side-book.ts'

/** What this process has counted of a step that the absolute limits of a plan are read from; null = none is. */
export function stepShareOf(
  plan: RolloutPlan,
  state: RolloutState,
  book: ServiceBook,
): StepShare | null {
  const limited = plan.metrics.filter(isLimited)
  const isTimed = limited.some(({ kind }) => kind === 'latency')
  if (!isTimed && !limited.some(({ kind }) => kind === 'error-rate')) return null
  const [baseline, canary] = [sideBook(book, 0).step, sideBook(book, 1).step]
  const both = (of: (figures: StepFigures) => number): Pair => [of(baseline), of(canary)]
  const timed = (of: (figures: StepFigures) => LogHistogram) =>
    isTimed ? { latencies: [of(baseline).toJSON(), of(canary).toJSON()] as const } : undefined
  const limitsMs = limited.flatMap(({ kind, max }) => (kind === 'latency' ? (max ?? []) : []))
  const placed = (of: (figures: StepFigures) => Places) =>
    sharedPlaces(of(baseline), of(canary), limitsMs)
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
      ...timed(({ recentLatencies }) => recentLatencies),
      ...placed(({ recentPlaces }) => recentPlaces),
    },
    ...timed(({ latencies }) => latencies),
    ...placed(({ places }) => places),
  }
}

function sharedPlaces(
  baseline: Places,
  canary: Places,
  limitsMs: readonly number[],
): { readonly places?: SharedPlaces } {
  const failed = [baseline.failed, canary.failed] as const
  if (failed.every((places) => places.length === 0)) return {}
  const slow = limitsMs.map((ms) => [ms, [baseline.slow(ms), canary.slow(ms)]] as const)
  return { places: { failed, slow } }
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
): LogHistogram {
  return merged(
    own.latencies,
    shares.map(({ latencies }) => latencies?.[side]),
  )
}

/** The same by weight, the old ones faded. */
export function recentLatencies(
  own: StepFigures,
  shares: readonly StepShare[],
  side: Side,
): LogHistogram {
  return merged(
    own.recentLatencies,
    shares.map(({ recent }) => recent?.latencies?.[side]),
  )
}

/** What a step has by the place of the key, here and in the shares of others; `isOfLate`: by weight. Read when it is asked for. */
export function stepPlaces(
  of: (side: Side) => StepFigures,
  shares: () => readonly StepShare[],
  isOfLate: boolean,
): ReadPlaces {
  const own = (side: Side) => (isOfLate ? of(side).recentPlaces : of(side).places)
  const others = () =>
    shares().flatMap(({ places, recent }) => (isOfLate ? recent?.places : places) ?? [])
  return {
    failed: (side) => addPlaces([own(side).failed, ...others().map(({ failed }) => failed[side])]),
    slow: (side, limitMs) => {
      const ofLimit = ({ slow }: SharedPlaces): readonly PlaceCount[] =>
        slow.find(([ms]) => ms === limitMs)?.[1][side] ?? []
      return addPlaces([own(side).slow(limitMs), ...others().map(ofLimit)])
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
