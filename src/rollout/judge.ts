import type { Evidence } from '../domain/evidence.ts'
import { WHOLE_BP } from '../domain/units.ts'
import type { MetricReport } from '../domain/verdict.ts'
import { driftReport } from './drift-report.ts'
import type { FigureContext } from './figures.ts'
import { HypothesisReport } from './hypothesis-report.ts'
import { isDecidingLimit, limitReport, limitVerdict, type LimitReading } from './limits.ts'
import { mirrorStepAt } from './mirror-step.ts'
import type { Observation } from './observation.ts'
import {
  pairReports,
  standingReports,
  type PairLatency,
  type StandingPairs,
} from './pair-reports.ts'
import type { RolloutPlan } from './plan.ts'
import { NO_EVIDENCE, thresholdReport } from './threshold-report.ts'
import { untilOf } from './until-of.ts'

/** What a report needs beside the evidence. */
export type JudgeContext = FigureContext & {
  readonly limits: readonly LimitReading[]
  /** The step that the rollout is in: what was folded of another one says nothing about it. */
  readonly step: number
  /** When that step was entered. */
  readonly stepEnteredAt: number
  readonly now: number
  /** What was found in the answers of the attempt; absent = not known. */
  readonly predictions?: Observation['predictions']
  /** What a standing mirror of the canary has found; absent = it has none. */
  readonly standing?: StandingPairs | null
  /** Absent = there are no pairs. */
  readonly pairLatency?: PairLatency
}

/**
 * The evidence as verdicts: `failed` where harm is shown or an absolute limit is broken, `successful`
 * where the canary is shown to be no worse, else `inconclusive`. One report per hypothesis, then one
 * per metric that has an absolute limit alone, then one per metric whose measurements are counted, then
 * what pairs of answers say.
 */
export function judge(
  plan: RolloutPlan,
  evidence: Evidence,
  context: JudgeContext,
): readonly MetricReport[] {
  const counted = plan.metrics.filter((m) => m.threshold !== undefined)
  const place = { step: context.step, weightBp: context.pi * WHOLE_BP }
  // In a mirror step a limit is one of the pairs.
  const isMirrored = mirrorStepAt(plan.steps, place) !== null
  const tested =
    counted.length === 0
      ? plan.hypotheses
      : plan.hypotheses.filter((h) => !counted.some((m) => m.name === h.id))
  const reports = tested.map((h): MetricReport => {
    if (h.source.of === 'drift') return driftReport(evidence, h, context.step)
    const limit = isMirrored ? undefined : context.limits.find((l) => l.metric === h.id)
    return new HypothesisReport(plan, evidence, h, limit ?? null, context)
  })
  for (const limit of context.limits) {
    const isAlone = !plan.hypotheses.some((h) => h.id === limit.metric)
    if (isAlone) reports.push(aloneReport(limit, evidence))
  }
  for (const metric of counted) reports.push(thresholdReport(metric, evidence, context))
  if (isMirrored) {
    const { step, limits, pairLatency: latency = () => ({ value: null, n: 0 }) } = context
    return [...reports, ...pairReports(plan, evidence, { step, limits, latency })]
  }
  const standing = context.standing ?? null
  return standing === null ? reports : [...reports, ...standingReports(plan, standing)]
}

function aloneReport(limit: LimitReading, evidence: Evidence): MetricReport {
  const ticksBeyond = evidence.limitTicks[limit.metric] ?? 0
  return {
    name: limit.metric,
    kind: limit.kind,
    ...untilOf(limit),
    verdict: limitVerdict(limit, ticksBeyond),
    required: isDecidingLimit(limit),
    onFailure: limit.onFailure,
    better: limit.better,
    margins: null,
    cap: null,
    baseline: limit.baseline,
    canary: limit.canary,
    ratio: null,
    evidence: NO_EVIDENCE,
    limit: limitReport(limit, ticksBeyond),
    threshold: null,
    error: limit.error,
    outsideAlpha: true,
    stepCanaryN: limit.canary.n,
    etaSeconds: null,
  }
}
