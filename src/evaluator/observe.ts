import type { Evidence } from '../domain/evidence.ts'
import type { UpstreamCount } from '../domain/faults.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { ProviderReading } from '../domain/measurement.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import type { MetricReport } from '../domain/verdict.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import { GUARD_ALPHA } from '../rollout/hypotheses.ts'
import { judge } from '../rollout/judge.ts'
import { isLimited, type LimitReading } from '../rollout/limits.ts'
import { mirrorStepAt } from '../rollout/mirror-step.ts'
import type { Confirmation, Observation, VariantHealth } from '../rollout/observation.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { RecentPace } from '../rollout/recent-pace.ts'
import { readProviderLimits } from '../rollout/provider-limits.ts'
import { drawnUnits, stepCanaryUnits, stepPairs, stepUnreadPairs } from '../rollout/units.ts'
import { breakerTrips, isBaselineFailing } from '../statistics/breaker.ts'
import { LookContext, standingPairs } from './look-context.ts'
import { Measuring } from './measuring.ts'
import type { FetchProvider } from './provider-fetcher.ts'
import type { TrafficInput } from './read-traffic.ts'
import { StepLimits } from './step-limits.ts'
import { addArrivals, addFaults } from './fault-shares.ts'
import type { OtherReplicas } from './shared-cohorts.ts'

/** The breaker looks at the last 50 attempts or 10 s, whichever is more. */
const BREAKER_ATTEMPTS = 50
const BREAKER_WARM_UP_ATTEMPTS = 10
const BREAKER_SPAN_MS = 10_000
/** Of the baseline, and of who is held against it, so many attempts tell that it fails. */
const BASELINE_ATTEMPTS = 20

/** Log-evidence from which on the shares of the two variants are not those of their weights. */
const RATIO_THRESHOLD = Math.log(1 / GUARD_ALPHA)

const NO_LIMITS: readonly LimitReading[] = []

/** Whether the upstreams of a variant can be reached; handed in, since only the data plane knows. */
export type Reachability = (variant: string) => {
  readonly ready: boolean
  readonly downForMs: number
  /** Absent = not known. */
  readonly upstreams?: UpstreamCount
}

/** What those say who confirm the promotion that may be next; they are asked in the background. */
export type Confirm = (plan: RolloutPlan, state: RolloutState, seen: Observation) => Confirmation

/** What of the world beside the books an evaluation looks at. */
export type Sight = { readonly reachability: Reachability; readonly confirm: Confirm }

/** What an evaluation looks at. */
export type Look = {
  readonly plan: RolloutPlan
  readonly state: RolloutState
  readonly evidence: Evidence
  readonly book: ServiceBook
  readonly sight: Sight
  /** What other processes have counted of the step, which absolute limits are read from too, and of the attempt. */
  readonly others: Pick<OtherReplicas, 'stepShares' | 'faultShares' | 'pairFigures'>
  readonly now: number
  readonly warmUp: boolean
}

/** One look at a rollout and at the world beside its books; `warmUp` = it has just begun to serve. */
export function lookAt(
  { plan, state, evidence, book, now }: TrafficInput,
  sight: Sight & Pick<Look, 'others'>,
  warmUp: boolean,
): Look {
  const { others } = sight
  // Written out: a spread with keys added to it costs microseconds, of each service at each look.
  return { plan, state, evidence, book, sight, others, now, warmUp }
}

/** What is measured: all of that but the world beside the books. */
export type Measured = Omit<Look, 'sight'>

/** Reads the books of one rollout, and what other systems say of it, into the one value that `step` decides on. */
export class Observer {
  readonly #measuring: Measuring
  readonly #pace = new RecentPace()
  readonly #limits = new StepLimits()
  /** When it looked first: what came before, this process has not seen. */
  #begunAt: number | null = null
  #last: { readonly look: Look; readonly reports: readonly MetricReport[] } | null = null

  constructor(fetch: FetchProvider) {
    this.#measuring = new Measuring(fetch)
  }

  /**
   * Takes the measurements that are due, see Measuring, at a turn counts the limits, and observes what there is then.
   * `isNews`: to be stored.
   */
  measure(
    look: Look,
    isTurn: boolean,
  ): { readonly evidence: Evidence; readonly isNews: boolean; readonly seen: Observation } {
    const measured = this.#measuring.look(look)
    const isNews = measured !== look.evidence
    const evidence = isTurn ? this.#limits.count(look, measured) : measured
    const seen = this.observe(evidence === look.evidence ? look : { ...look, evidence })
    return { evidence, isNews, seen }
  }

  /** Units of both sides drawn into the evidence per second lately, see RecentPace; null = not known. */
  get unitsPerSecond(): number | null {
    return this.#pace.perSecond
  }

  observe(look: Look): Observation {
    this.#pace.note(look.now, drawnUnits(look.evidence))
    const reports = this.#reportsOf(look)
    this.#last = { look, reports }
    this.#begunAt ??= look.now
    const since = Math.max(this.#begunAt, look.state.stepEnteredAt)
    // Who has just begun a step waits for its requests, however long ago those before it came.
    const lastRequestAt = Math.max(look.book.lastRequestAt ?? since, since)
    return observe(look, reports, this.#pace.perSecond, lastRequestAt)
  }

  #limitsOf(look: Look): readonly LimitReading[] {
    const { plan, state, evidence, now } = look
    const asked = readProviderLimits(plan.metrics, inStep(this.#measuring.readings, state), now)
    return [...this.#limits.read(look, evidence), ...asked]
  }

  /** Reports say something else only when evidence, step, weight or a limit's figures do. */
  #reportsOf(look: Look): readonly MetricReport[] {
    const { plan, state, evidence, book } = look
    const limits = plan.metrics.some(isLimited) ? this.#limitsOf(look) : NO_LIMITS
    const last = this.#last?.look
    const isSame =
      last !== undefined &&
      limits.length === 0 &&
      standingPairs(book) === null &&
      last.evidence === evidence &&
      last.plan === plan &&
      last.book === book &&
      last.state.step === state.step &&
      last.state.stepEnteredAt === state.stepEnteredAt &&
      last.state.weightBp === state.weightBp
    return isSame
      ? this.#last!.reports
      : judge(plan, evidence, new LookContext(look, limits, this.#pace.perSecond))
  }
}

function observe(
  input: Look,
  reports: readonly MetricReport[],
  unitsPerSecond: number | null,
  lastRequestAt: number,
): Observation {
  const { plan, state, evidence, book, now } = input
  const baseline = book.variants.get(BASELINE)!
  const canary = book.variants.get(CANARY)!
  const minAttempts = input.warmUp ? BREAKER_WARM_UP_ATTEMPTS : BREAKER_ATTEMPTS
  const canarySpan = canary.attempts.covering(now, minAttempts, BREAKER_SPAN_MS)
  const baselineSpan = baseline.attempts.within(now, Math.max(canarySpan.spanMs, BREAKER_SPAN_MS))
  const share = plan.spec.analysis.breakerFailures
  // Its own: where the canary has few requests, the canary's span may reach back to long before an outage.
  const last = baseline.attempts.covering(now, BASELINE_ATTEMPTS, BREAKER_SPAN_MS)
  const together = () => {
    const ofCanary = canary.attempts.covering(now, BASELINE_ATTEMPTS, BREAKER_SPAN_MS)
    const spanMs = Math.max(last.spanMs, ofCanary.spanMs)
    return {
      canary: canary.attempts.within(now, spanMs),
      baseline: baseline.attempts.within(now, spanMs),
    }
  }
  const isFailing = isBaselineFailing({ last, together, share })
  const isMirrored = mirrorStepAt(plan.steps, state) !== null
  // Written out, as in `lookAt`.
  const seen: Observation = {
    now,
    reports,
    ratioMismatch: { log: evidence.ratio.sup, threshold: RATIO_THRESHOLD },
    breaker: {
      tripped: breakerTrips({
        canary: canarySpan,
        baseline: baselineSpan,
        baselineLast: baseline.lastStep,
        share,
        warmUp: input.warmUp,
      }),
      canary: canarySpan,
      baseline: baselineSpan,
      baselineRecent: last,
    },
    baseline: healthOf(input, BASELINE, isFailing),
    canary: healthOf(input, CANARY, false),
    faults: () => ({
      ...addFaults(book, input.others.faultShares(state)),
      upstreams: input.sight.reachability(CANARY).upstreams ?? null,
    }),
    stepCanaryUnits: isMirrored
      ? stepPairs(plan, evidence, state)
      : stepCanaryUnits(plan, evidence, state),
    stepUnreadPairs: isMirrored ? stepUnreadPairs(plan, evidence, state) : 0,
    unitsPerSecond,
    predictions: { baseline: baseline.predictions, canary: canary.predictions },
    labels: book.labels.counts,
    labelArrivals: addArrivals(
      book.labels.arrivalsOf(rolloutId(state)),
      input.others.faultShares(state),
    ),
    lastRequestAt,
    confirmation: 'not-asked',
  }
  if (!plan.confirmsPromotion) return seen
  return { ...seen, confirmation: input.sight.confirm(plan, state, seen) }
}

function healthOf({ sight }: Look, variant: string, failing: boolean): VariantHealth {
  const { ready, downForMs } = sight.reachability(variant)
  return { ready, downForMs, failing }
}

/** What was asked since the step began: an answer from before is one about other weights. */
function inStep(
  readings: ReadonlyMap<string, ProviderReading>,
  state: RolloutState,
): ReadonlyMap<string, ProviderReading> {
  if (readings.size === 0) return readings
  return new Map([...readings].filter(([, { at }]) => at >= state.stepEnteredAt))
}
