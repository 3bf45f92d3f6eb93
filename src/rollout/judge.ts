import { CANARY_SIDE } from '../domain/cohort.ts'
import type { BetEvidence, EventEvidence, EventStratum, Evidence } from '../domain/evidence.ts'
import { isContinuous, wholeId, type Hypothesis } from '../domain/hypothesis.ts'
import { WHOLE_BP } from '../domain/units.ts'
import type { LogEvidence, MetricReport, Verdict } from '../domain/verdict.ts'
import { eventHarmLogEvidences } from '../statistics/event-evidence.ts'
import { labelBetWealth } from '../statistics/label-bet.ts'
import { logMeanExp } from '../statistics/log-sum-exp.ts'
import { etaSeconds } from '../statistics/planner.ts'
import { driftReport } from './drift-report.ts'
import {
  proofDirection,
  readFigures,
  windowSeconds,
  type FigureContext,
  type Figures,
} from './figures.ts'
import { harmMargin, proofMargin } from './margin.ts'
import { segmentShare } from './segment-share.ts'
import { NO_EVIDENCE, thresholdReport } from './threshold-report.ts'
import { LIMIT_TICKS, limitReport, limitVerdict, type LimitReading } from './limits.ts'
import { firstWeight, mirrorStepAt } from './mirror-step.ts'
import { pairReports, type PairLatency, type StandingPairs } from './pair-reports.ts'
import { provingStep, type RolloutPlan } from './plan.ts'

/** What a report needs beside the evidence. */
export type JudgeContext = FigureContext & {
  readonly limits: readonly LimitReading[]
  /** The step that the rollout is in: what was folded of another one says nothing about it. */
  readonly step: number
  /** When that step was entered. */
  readonly stepEnteredAt: number
  readonly now: number
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
  const isCounted = (id: string) => counted.some((m) => m.name === id)
  const place = { step: context.step, weightBp: context.pi * WHOLE_BP }
  // In a mirror step a limit is one of the pairs.
  const isMirrored = mirrorStepAt(plan.steps, place) !== null
  const tested = plan.hypotheses.filter((h) => !isCounted(h.id))
  const reports = tested.map((h) => {
    if (h.source.of === 'drift') return driftReport(evidence, h, context.step)
    const limit = isMirrored ? null : (context.limits.find((l) => l.metric === h.id) ?? null)
    return hypothesisReport(plan, evidence, h, limit, context)
  })
  const alone = context.limits.filter((l) => !plan.hypotheses.some((h) => h.id === l.metric))
  return [
    ...reports,
    ...alone.map((l) => aloneReport(l, evidence)),
    ...counted.map((m) => thresholdReport(m, evidence, context)),
    ...pairReports(plan, evidence, {
      ...place,
      limits: context.limits,
      standing: context.standing ?? null,
      latency: context.pairLatency ?? (() => ({ value: null, n: 0 })),
    }),
  ]
}

const COMPARED_BY_EVIDENCE = { threshold: null, error: null, outsideAlpha: false } as const

function hypothesisReport(
  plan: RolloutPlan,
  evidence: Evidence,
  hypothesis: Hypothesis,
  limit: LimitReading | null,
  context: JudgeContext,
): MetricReport {
  const found = evidenceOf(evidence, hypothesis.id)
  const harm = { log: found.sup.harm, threshold: Math.log(1 / hypothesis.harm.alpha) }
  const { proof } = hypothesis
  const against = (log: number): LogEvidence | null =>
    proof === null ? null : { log, threshold: Math.log(1 / proof.alpha) }
  const nonInferiority = against(found.sup.proof)
  const ticksBeyond = evidence.limitTicks[hypothesis.id] ?? 0
  // Label metrics fold a whole window late: until then the step's own sums are still another step's.
  const isStepFolded = found.step === context.step
  // Most evaluations ask for verdicts alone: what people read is worked out when it is read.
  const figures = once(() => readFigures(hypothesis, found, context))
  const ratio = once(() => figures().ratio())
  const eta = once(() => remaining(plan, hypothesis, evidence, figures(), context))
  return {
    name: hypothesis.id,
    ...(hypothesis.segment === undefined ? undefined : { segment: hypothesis.segment }),
    kind: kindOf(plan, hypothesis),
    verdict: verdictOf(harm, nonInferiority, ticksBeyond),
    required: hypothesis.required || isDecidingLimit(limit),
    onFailure: hypothesis.onFailure,
    better: hypothesis.better,
    margins: { harm: harmMargin(hypothesis), proof: proofMargin(hypothesis) },
    cap: capOf(hypothesis, evidence),
    get baseline() {
      return figures().baseline
    },
    get canary() {
      return figures().canary
    },
    get ratio() {
      return ratio()
    },
    evidence: {
      harm,
      nonInferiority,
      stepNonInferiority: isStepFolded ? against(found.sup.stepProof) : null,
      get stepHarm() {
        return isStepFolded
          ? { log: stepHarm(hypothesis, found, evidence.stepStart), threshold: harm.threshold }
          : null
      },
    },
    limit: limit === null ? null : limitReport(limit, ticksBeyond),
    ...COMPARED_BY_EVIDENCE,
    stepCanaryN: isStepFolded
      ? (found.kind === 'event' ? found.stepTrials : found.stepMoments.n)[CANARY_SIDE]
      : 0,
    get etaSeconds() {
      return eta()
    },
  }
}

function once<T>(compute: () => T): () => T {
  let known: { readonly value: T } | null = null
  return () => (known ??= { value: compute() }).value
}

function aloneReport(limit: LimitReading, evidence: Evidence): MetricReport {
  const ticksBeyond = evidence.limitTicks[limit.metric] ?? 0
  return {
    name: limit.metric,
    kind: limit.kind,
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

function verdictOf(
  harm: LogEvidence,
  nonInferiority: LogEvidence | null,
  ticksBeyond: number,
): Verdict {
  if (harm.log >= harm.threshold || ticksBeyond >= LIMIT_TICKS) return 'failed'
  const isProved = nonInferiority !== null && nonInferiority.log >= nonInferiority.threshold
  return isProved ? 'successful' : 'inconclusive'
}

// Of all cohorts, and where the step needs a proof of its own, of the step's: the later one counts.
function remaining(
  plan: RolloutPlan,
  hypothesis: Hypothesis,
  evidence: Evidence,
  figures: Figures,
  context: JudgeContext,
): number | null {
  const { proof, source } = hypothesis
  if (proof === null) return null
  const found = evidenceOf(evidence, hypothesis.id)
  const goal = Math.log(1 / proof.alpha)
  const isOwn = !plan.keyed && context.step === provingStep(plan.steps)
  const isFolded = found.step === context.step
  const sup = isOwn ? (isFolded ? found.sup.stepProof : 0) : found.sup.proof
  if (sup >= goal && found.sup.proof >= goal) return 0
  const growths = figures.growths()
  if (growths === null) return null
  // What was drawn within the last window is on its way, so it is waited for once; but in the first
  // step the bets of a label metric begin only when the first window has told what they centre on.
  const isFirst = context.step === firstWeight(plan.steps)
  const windows = isFirst && isContinuous(source) ? 2 : 1
  const warmUp = isFirst ? plan.spec.analysis.warmUpMs / 1000 : 0
  const due = warmUp + windows * windowSeconds(hypothesis)
  const none = growths.map(() => 0)
  return etaSeconds({
    growths,
    wealth: isOwn && !isFolded ? none : proofWealth(hypothesis, found, isOwn),
    goal,
    // With something to grow from, something is judged.
    ratePerSecond: context.unitsPerSecond * segmentShare(hypothesis, evidence)!,
    settleSeconds: Math.max(0, due - (context.now - context.stepEnteredAt) / 1000),
  })
}

function proofWealth(
  hypothesis: Hypothesis,
  found: EventEvidence | BetEvidence,
  isOwn: boolean,
): readonly number[] {
  if (found.kind === 'bet') return isOwn ? found.stepProof : found.proof
  const { ratio, floor } = hypothesis.proof!
  const strata = isOwn ? found.stepProof : found.proof
  return labelBetWealth(strata, proofDirection(hypothesis), ratio, floor)
}

function stepHarm(
  hypothesis: Hypothesis,
  evidence: EventEvidence | BetEvidence,
  stepStart: number,
): number {
  if (evidence.kind === 'bet') {
    const wealth = evidence.harm[stepStart]
    return wealth === undefined ? 0 : logMeanExp(wealth)
  }
  const strata: readonly EventStratum[] = evidence.harm[stepStart] ?? []
  return eventHarmLogEvidences(hypothesis, [strata])[0]!
}

function kindOf(plan: RolloutPlan, hypothesis: Hypothesis): string {
  const id = wholeId(hypothesis)
  return plan.metrics.find((m) => m.name === id)?.kind ?? hypothesis.source.of
}

function capOf({ metric, source }: Hypothesis, evidence: Evidence): number | null {
  if (!isContinuous(source) || source.of === 'ratio') return null
  // Of answers that are right or wrong there is nothing to cap.
  if (source.of === 'score' && source.score === 'correct') return null
  return source.cap ?? evidence.caps[metric!] ?? null
}

function evidenceOf(evidence: Evidence, id: string): EventEvidence | BetEvidence {
  return evidence.hypotheses[id] as EventEvidence | BetEvidence
}

function isDecidingLimit(limit: LimitReading | null): boolean {
  return limit !== null && limit.onFailure !== 'warn'
}
