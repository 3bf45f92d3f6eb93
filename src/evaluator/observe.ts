import { BASELINE_SIDE, CANARY_SIDE, type Side } from '../domain/cohort.ts'
import type { Evidence } from '../domain/evidence.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import type { MetricReport, MetricValue } from '../domain/verdict.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { StepFigures, VariantBook } from '../metrics/variant-book.ts'
import { stepValue } from '../rollout/figures.ts'
import { GUARD_ALPHA } from '../rollout/hypotheses.ts'
import { judge } from '../rollout/judge.ts'
import { sourceOf } from '../rollout/metric-source.ts'
import { readLimits, type LimitReading, type StepValues } from '../rollout/limits.ts'
import type { Observation, VariantHealth } from '../rollout/observation.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { breakerTrips } from '../statistics/breaker.ts'

/** The breaker looks at the last 50 attempts or 10 s, whichever is more. */
const BREAKER_ATTEMPTS = 50
const BREAKER_WARM_UP_ATTEMPTS = 10
const BREAKER_SPAN_MS = 10_000

/** Baseline attempts from which it can be called failing. */
const FAILING_ATTEMPTS = 20

/** Whether the upstreams of a variant can be reached; handed in, since only the data plane knows. */
export type Reachability = (variant: string) => {
  readonly ready: boolean
  readonly downForMs: number
}

/** What an evaluation looks at. */
export type ObserveInput = {
  readonly plan: RolloutPlan
  readonly state: RolloutState
  readonly evidence: Evidence
  readonly book: ServiceBook
  readonly reachability: Reachability
  readonly now: number
  readonly warmUp: boolean
}

/** Reads the books of one rollout into the one value that `step` decides on. */
export class Observer {
  #last: { readonly input: ObserveInput; readonly reports: readonly MetricReport[] } | null = null

  observe(input: ObserveInput): Observation {
    const reports = this.#reportsOf(input)
    this.#last = { input, reports }
    return observe(input, reports)
  }

  /** Reports say something else only when evidence, step, weight or a limit's figures do. */
  #reportsOf(input: ObserveInput): readonly MetricReport[] {
    const { plan, state, evidence, book } = input
    const limits = limitsOf(plan, state, evidence, book)
    const last = this.#last?.input
    const isSame =
      last !== undefined &&
      limits.length === 0 &&
      last.evidence === evidence &&
      last.plan === plan &&
      last.book === book &&
      last.state.step === state.step &&
      last.state.weightBp === state.weightBp
    return isSame ? this.#last!.reports : reportsOf(input, limits)
  }
}

function observe(input: ObserveInput, reports: readonly MetricReport[]): Observation {
  const { plan, state, evidence, book, now } = input
  const baseline = book.variants.get(BASELINE)!
  const canary = book.variants.get(CANARY)!
  const minAttempts = input.warmUp ? BREAKER_WARM_UP_ATTEMPTS : BREAKER_ATTEMPTS
  const canarySpan = canary.attempts.covering(now, minAttempts, BREAKER_SPAN_MS)
  const baselineSpan = baseline.attempts.within(now, Math.max(canarySpan.spanMs, BREAKER_SPAN_MS))
  const share = plan.spec.analysis.breakerFailures
  const health = (variant: string, failing: boolean): VariantHealth => ({
    ...input.reachability(variant),
    failing,
  })
  const isBaselineFailing =
    baselineSpan.attempts >= FAILING_ATTEMPTS &&
    baselineSpan.failures >= share * baselineSpan.attempts
  return {
    now,
    reports,
    ratioMismatch: { log: evidence.ratio.sup, threshold: Math.log(1 / GUARD_ALPHA) },
    breaker: {
      tripped: breakerTrips({
        canary: canarySpan,
        baseline: baselineSpan,
        baselineLastRate: baseline.lastStepFailureRate,
        share,
        warmUp: input.warmUp,
      }),
      canary: canarySpan,
      baseline: baselineSpan,
    },
    baseline: health(BASELINE, isBaselineFailing),
    canary: health(CANARY, false),
    stepCanaryUnits: stepUnits(plan, evidence, state),
    predictions: book.predictions,
    lastRequestAt: book.lastRequestAt,
  }
}

/** The absolute limits as they stand: on the step's own figures, overrides left out. */
export function limitsOf(
  plan: RolloutPlan,
  state: RolloutState,
  evidence: Evidence,
  book: ServiceBook,
): readonly LimitReading[] {
  const of = (side: Side) => sideBook(book, side).step
  const values: StepValues = {
    failureRate: (side) => rateOf(of(side)),
    latency: (side, quantile) => quantileOf(of(side), quantile),
    value: (side, metric) => {
      const found = evidence.hypotheses[metric.name]!
      if (found.step !== state.step) return { value: null, n: 0 }
      return stepValue(sourceOf(metric), found, side)
    },
  }
  return readLimits(plan.metrics, values)
}

function reportsOf(
  { plan, state, evidence, book, now }: ObserveInput,
  limits: readonly LimitReading[],
): readonly MetricReport[] {
  const units = evidence.ratio.starts[0]!.reduce((sum, s) => sum + s.total, 0)
  const seconds = Math.max(1, (now - state.startedAt) / 1000)
  return judge(plan, evidence, {
    limits,
    step: state.step,
    pi: state.weightBp / WHOLE_BP,
    unitsPerSecond: units / seconds,
    latency: (side, quantile) => {
      const { drawn } = sideBook(book, side)
      return drawn.count === 0
        ? { value: null, n: 0 }
        : { value: drawn.quantile(quantile), n: Math.round(drawn.count) }
    },
  })
}

// Canary units whose outcome is folded in this step. Every judged unit has an outcome, so any
// hypothesis on outcomes tells; without one (label metrics only) the draws themselves do.
function stepUnits(plan: RolloutPlan, evidence: Evidence, state: RolloutState): number {
  for (const { id, source } of plan.hypotheses) {
    const found = evidence.hypotheses[id]!
    if (found.kind !== 'event' || (source.of !== 'failure' && source.of !== 'no-answer')) continue
    return found.step === state.step ? found.stepTrials[CANARY_SIDE] : 0
  }
  const strata = evidence.ratio.starts[evidence.stepStart] ?? []
  return strata.reduce((sum, stratum) => sum + stratum.canary, 0)
}

function sideBook(book: ServiceBook, side: Side): VariantBook {
  return book.variants.get(side === BASELINE_SIDE ? BASELINE : CANARY)!
}

function rateOf({ requests, failures }: StepFigures): MetricValue {
  return requests === 0 ? { value: null, n: 0 } : { value: failures / requests, n: requests }
}

function quantileOf({ latencies }: StepFigures, quantile: number): MetricValue {
  return latencies.count === 0
    ? { value: null, n: 0 }
    : { value: latencies.quantile(quantile), n: latencies.count }
}
