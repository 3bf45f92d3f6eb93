import type { RolloutState } from '../domain/rollout-state.ts'
import type { StepSpec } from '../domain/rollout-spec.ts'
import { formatDuration } from '../domain/units.ts'
import type { LogEvidence, MetricReport } from '../domain/verdict.ts'
import { isAcknowledged } from './acknowledged.ts'
import {
  formatChange,
  formatCount,
  formatLimit,
  formatOdds,
  formatPercent,
  formatValue,
} from './format.ts'
import type { Observation } from './observation.ts'
import { labelMinimums, mirrorLabelMinimums } from './label-minimums.ts'
import { missingMeasurements } from './missing-measurements.ts'
import { etaAtPace, idleMs } from './pace.ts'
import { isBlueGreen, provingStep, type RolloutPlan } from './plan.ts'

/** Share of the traffic below which a segment's own proof is slow enough to say so. */
const SMALL_SEGMENT = 0.05

/** Something that has to happen before a step is left. */
export type Missing = {
  /**
   * `minimum` fills by itself; `canary-not-ready`, `limit` and `inconclusive` depend on the canary, `error`
   * on a provider.
   */
  readonly kind: 'minimum' | 'canary-not-ready' | 'limit' | 'error' | 'inconclusive'
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
  const step = plan.steps[state.step]!
  if (step.kind === 'pause') return missingBeforeSwitch(plan, state, seen)
  const reports = seen.reports.filter((r) => !isAcknowledged(plan, state, r.name))
  if (step.kind === 'mirror') {
    return [
      ...minimums(plan, step, state, seen, 'pairs of answers'),
      ...mirrorLabelMinimums(plan, state, seen, reports),
      ...limits(reports),
      ...missingMeasurements(reports.filter(isOfProvider)),
    ]
  }
  const unit = plan.keyed ? 'canary keys' : 'canary requests'
  return [
    ...minimums(plan, step, state, seen, unit),
    ...labelMinimums(plan, step, state, seen, reports, unit),
    ...limits(reports),
    ...missingMeasurements(reports),
    ...(state.step >= provingStep(plan.steps) ? proofs(plan, reports) : []),
  ]
}

/** The longest of the times that are known; null when one is unknown or nothing is missing. */
export function etaOf(missing: readonly Missing[]): number | null {
  const etas = missing.map((m) => m.etaSeconds)
  return etas.length === 0 || etas.includes(null) ? null : Math.max(...(etas as number[]))
}

/** Whether every required metric has been shown to be no worse. */
export function isProved(plan: RolloutPlan, seen: Observation): boolean {
  return proofs(plan, seen.reports).length === 0
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

function minimums(
  plan: RolloutPlan,
  step: Exclude<StepSpec, { kind: 'pause' }>,
  state: RolloutState,
  seen: Observation,
  unit: string,
): Missing[] {
  const missing: Missing[] = []
  const elapsedMs = seen.now - state.stepEnteredAt
  if (elapsedMs < step.minDurationMs) {
    missing.push({
      kind: 'minimum',
      get sentence() {
        return `the step lasts at least ${formatDuration(step.minDurationMs)}`
      },
      etaSeconds: (step.minDurationMs - elapsedMs) / 1000,
    })
  }
  if (seen.stepCanaryUnits < step.minRequests) {
    missing.push({
      kind: 'minimum',
      get sentence() {
        return `${seen.stepCanaryUnits} of ${step.minRequests} ${unit} judged in this step`
      },
      etaSeconds: etaAtPace(seen.stepCanaryUnits, step.minRequests, elapsedMs, idleMs(plan, state)),
    })
  }
  return missing
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
        return `${formatValue(report.kind, report.canary.value)} is beyond ${allowed}`
      }),
    ]
  })
}

function beyond(report: MetricReport, write: (allowed: string) => string): Missing {
  return {
    kind: 'limit',
    get sentence() {
      return `${report.name}: ${write(formatLimit(report.kind, report.limit!))}`
    },
    etaSeconds: null,
  }
}

function proofs(plan: RolloutPlan, reports: readonly MetricReport[]): Missing[] {
  return plan.hypotheses.flatMap((hypothesis) => {
    if (!hypothesis.required || hypothesis.proof === null) return []
    const report = reports.find((r) => r.name === hypothesis.id)
    if (report === undefined) return []
    const { nonInferiority, stepNonInferiority } = report.evidence
    const margin = () => formatChange(report.better, report.margins!.proof!)
    if (!reaches(nonInferiority!)) {
      return [
        inconclusive(
          report,
          () => `${margin()} is not excluded yet${soFar(report)}${segmentTraffic(report, reports)}`,
        ),
      ]
    }
    // With a sticky key a late step sees few new keys, so its own proof would never come: there the
    // step must only be free of harm as seen from a fresh start point.
    const { stepHarm } = report.evidence
    const holdsNow = plan.keyed
      ? stepHarm !== null && !reaches(stepHarm)
      : stepNonInferiority !== null && reaches(stepNonInferiority)
    if (holdsNow) return []
    const where = plan.keyed
      ? stepHarm === null
        ? 'nothing of this step is judged yet'
        : 'this step alone looks worse'
      : 'not excluded in this step alone'
    return [inconclusive(report, () => `${margin()}: ${where}`)]
  })
}

function reaches({ log, threshold }: LogEvidence): boolean {
  return log >= threshold
}

function inconclusive(report: MetricReport, write: () => string): Missing {
  return {
    kind: 'inconclusive',
    get sentence() {
      return `${report.name}: ${write()}`
    },
    get etaSeconds() {
      return report.etaSeconds
    },
  }
}

// An exact interval is the evidence read another way; an asymptotic one may be narrower, so that its
// bound would seem to prove what the evidence does not.
function soFar({ ratio, evidence, better }: MetricReport): string {
  if (ratio !== null && ratio.method === 'exact' && Number.isFinite(ratio.upper)) {
    const bound = better === 'lower' ? ratio.upper - 1 : 1 - ratio.lower
    return ` (${better === 'lower' ? 'upper' : 'lower'} bound ${formatPercent(bound)})`
  }
  const { log, threshold } = evidence.nonInferiority!
  return ` (${formatOdds(log)} so far, ${formatOdds(threshold)} decides)`
}

// Of a segment with little traffic the proof may never come, and nothing else says why.
function segmentTraffic(
  { name, segment, canary }: MetricReport,
  reports: readonly MetricReport[],
): string {
  if (segment === undefined) return ''
  const whole = reports.find((r) => `${r.name}@${segment}` === name)?.canary.n ?? 0
  if (canary.n >= whole * SMALL_SEGMENT) return ''
  return `; the segment ${segment} has only ${formatCount(canary.n)} of ${formatCount(whole)} judged on the canary: \`promote\` without its proof, or take it out of observe.segment.values`
}
