import { limitFigures } from '../domain/metric-facts.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { StepSpec } from '../domain/rollout-spec.ts'
import { formatDuration } from '../domain/units.ts'
import type { MetricReport } from '../domain/verdict.ts'
import { openReports } from './acknowledged.ts'
import { formatCount, formatLimit, formatValue } from './format.ts'
import type { Observation } from './observation.ts'
import { labelMinimums, mirrorLabelMinimums } from './label-minimums.ts'
import { missingMeasurements } from './missing-measurements.ts'
import { MissingPart } from './missing-part.ts'
import { missingProofs } from './missing-proofs.ts'
import { missingScores } from './missing-scores.ts'
import { etaAtPace, hasteOf, idleMs } from './pace.ts'
import { isBlueGreen, provingStep, type RolloutPlan } from './plan.ts'

/** Something that has to happen before a step is left. */
export type Missing = {
  /**
   * `minimum` fills by itself; `canary-not-ready`, `limit` and `inconclusive` depend on the canary, `error`
   * on a provider, `unscored` on whoever sends labels.
   */
  readonly kind: 'minimum' | 'canary-not-ready' | 'unscored' | 'limit' | 'error' | 'inconclusive'
  /** Best written when it is read: most evaluations only ask whether anything is missing. */
  readonly sentence: string
  /** Median seconds until it is there at the present traffic; null = unknown. */
  readonly etaSeconds: number | null
}

/**
 * What the current step still needs, most basic first; empty when it can be left. A pause needs nothing but
 * its end, save for the one before a blue-green switch.
 */
export function missingFor(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
): readonly Missing[] {
  return partsOf(plan, state).flatMap((part) => part(plan, state, seen))
}

/** The most basic of that; null = the step can be left. Finds no more than it has to. */
export function firstMissing(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
): Missing | null {
  for (const part of partsOf(plan, state)) {
    const [first] = part(plan, state, seen)
    if (first !== undefined) return first
  }
  return null
}

/** What may be missing of one kind. */
type Part = (plan: RolloutPlan, state: RolloutState, seen: Observation) => readonly Missing[]

const OF_PAUSE: readonly Part[] = [missingBeforeSwitch]

const OF_STEP: readonly Part[] = [
  minimums,
  // Before the minimum of labels: one that is never reached would be waited for without a word.
  missingScores,
  missingLabels,
  (plan, state, seen) => limits(openReports(plan, state, seen)),
  (plan, state, seen) => {
    const reports = openReports(plan, state, seen)
    return missingMeasurements(
      stepOf(plan, state).kind === 'mirror' ? reports.filter(isOfProvider) : reports,
    )
  },
  (plan, state, seen) => {
    const isAsked = stepOf(plan, state).kind !== 'mirror' && state.step >= provingStep(plan.steps)
    return isAsked ? missingProofs(plan, openReports(plan, state, seen)) : []
  },
]

function partsOf(plan: RolloutPlan, state: RolloutState): readonly Part[] {
  return stepOf(plan, state).kind === 'pause' ? OF_PAUSE : OF_STEP
}

function stepOf(plan: RolloutPlan, { step }: RolloutState): StepSpec {
  return plan.steps[step]!
}

function unitOf({ keyed }: RolloutPlan, { kind }: StepSpec): string {
  if (kind === 'mirror') return 'pairs of answers'
  return keyed ? 'canary keys' : 'canary requests'
}

function missingLabels(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
): readonly Missing[] {
  const step = stepOf(plan, state)
  const reports = openReports(plan, state, seen)
  return step.kind === 'weight'
    ? labelMinimums(plan, step, state, seen, reports, unitOf(plan, step))
    : mirrorLabelMinimums(plan, state, seen, reports)
}

/** The longest of the times that are known; null when one is unknown or nothing is missing. */
export function etaOf(missing: readonly Missing[]): number | null {
  const etas = missing.map((m) => m.etaSeconds)
  return etas.length === 0 || etas.includes(null) ? null : Math.max(...(etas as number[]))
}

/** Whether every required metric has been shown to be no worse, save for those that an operator has resumed past. */
export function isProved(plan: RolloutPlan, state: RolloutState, seen: Observation): boolean {
  return missingProofs(plan, openReports(plan, state, seen)).length === 0
}

// No request is drawn to a previewed canary, so its own figures say nothing: what is left is whether it can
// be reached, and what other systems say of it.
function missingBeforeSwitch(
  plan: RolloutPlan,
  state: RolloutState,
  seen: Observation,
): readonly Missing[] {
  if (!isBlueGreen(plan) || plan.steps[state.step + 1]!.kind === 'pause') return []
  const asked = seen.reports.filter(isOfProvider)
  const unready: Missing = {
    kind: 'canary-not-ready',
    sentence: `no upstream of ${plan.canaryVersion} can be reached`,
    etaSeconds: null,
  }
  return [...(seen.canary.ready ? [] : [unready]), ...limits(asked), ...missingMeasurements(asked)]
}

// Interval by interval only live requests are measured; what other systems say does not need them.
function isOfProvider({ kind }: MetricReport): boolean {
  return kind === 'prometheus' || kind === 'http'
}

function minimums(plan: RolloutPlan, state: RolloutState, seen: Observation): readonly Missing[] {
  const step = stepOf(plan, state) as Exclude<StepSpec, { kind: 'pause' }>
  const missing: Missing[] = []
  const elapsedMs = seen.now - state.stepEnteredAt
  if (elapsedMs < step.minDurationMs) {
    const write = () => `the step lasts at least ${formatDuration(step.minDurationMs)}`
    const eta = () => (step.minDurationMs - elapsedMs) / 1000
    missing.push(new MissingPart('minimum', write, eta))
  }
  const { stepCanaryUnits: units } = seen
  if (units < step.minRequests) {
    const write = () =>
      `${units} of ${step.minRequests} ${unitOf(plan, step)} judged in this step${unread(seen)}`
    // Pairs of a mirror step are no units that are drawn.
    const haste = () => (step.kind === 'weight' ? hasteOf(plan, state, seen) : 1)
    const eta = () => etaAtPace(units, step.minRequests, elapsedMs, idleMs(plan, state), haste())
    missing.push(new MissingPart('minimum', write, eta))
  }
  return missing
}

function unread({ stepUnreadPairs = 0 }: Observation): string {
  if (stepUnreadPairs === 0) return ''
  return `; ${formatCount(stepUnreadPairs)} could not be compared: is there something at observe.prediction, in JSON that is not encoded?`
}

function limits(reports: readonly MetricReport[]): Missing[] {
  return reports.flatMap((report) => {
    const { limit } = report
    if (limit === null || !report.required || report.error !== null) return []
    if (limit.baselineBeyond) {
      return [
        beyond(report, (allowed) => {
          return `both variants are beyond ${allowed}, which says nothing about the canary`
        }),
      ]
    }
    if (limit.ticksBeyond === 0) return []
    return [
      beyond(report, (allowed) => {
        const { value, n } = limitFigures(report).canary
        const told = formatValue(report.kind, value)
        const asMany =
          limit.countsAs === undefined
            ? ''
            : `, which count as ${formatCount(limit.countsAs)} by key`
        return limit.byChance === true
          ? `${told} (n ${formatCount(n)}${asMany}) is beyond ${allowed}, and may be by chance`
          : `${told} is beyond ${allowed}`
      }),
    ]
  })
}

function beyond(report: MetricReport, write: (allowed: string) => string): Missing {
  return new MissingPart(
    'limit',
    () => `${report.name}: ${write(formatLimit(report.kind, report.limit!))}`,
  )
}
