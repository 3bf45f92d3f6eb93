import { CANARY_SIDE } from '../domain/cohort.ts'
import type { BetEvidence, EventEvidence, EventStratum, Evidence } from '../domain/evidence.ts'
import { isContinuous, wholeId, type Hypothesis } from '../domain/hypothesis.ts'
import type { LogEvidence, MetricReport, Verdict } from '../domain/verdict.ts'
import { eventHarmLogEvidences } from '../statistics/event-evidence.ts'
import { logMeanExp } from '../statistics/log-sum-exp.ts'
import { etaSeconds, type Plan } from '../statistics/planner.ts'
import { driftReport } from './drift-report.ts'
import { readFigures, windowSeconds, type FigureContext } from './figures.ts'
import { harmMargin, proofMargin } from './margin.ts'
import { NO_EVIDENCE, thresholdReport } from './threshold-report.ts'
import { isBroken, LIMIT_TICKS, limitVerdict, type LimitReading } from './limits.ts'
import type { RolloutPlan } from './plan.ts'

/** What a report needs beside the evidence. */
export type JudgeContext = FigureContext & {
  readonly limits: readonly LimitReading[]
  /** The step that the rollout is in: what was folded of another one says nothing about it. */
  readonly step: number
  /** When that step was entered. */
  readonly stepEnteredAt: number
}

/**
 * The evidence as verdicts: `failed` where harm is shown or an absolute limit is broken, `successful`
 * where the canary is shown to be no worse, else `inconclusive`. One report per hypothesis, then one
 * per metric that has an absolute limit alone, then one per metric whose measurements are counted.
 */
export function judge(
  plan: RolloutPlan,
  evidence: Evidence,
  context: JudgeContext,
): readonly MetricReport[] {
  const counted = plan.metrics.filter((m) => m.threshold !== undefined)
  const isCounted = (id: string) => counted.some((m) => m.name === id)
  const tested = plan.hypotheses.filter((h) => !isCounted(h.id))
  const reports = tested.map((h) => {
    if (h.source.of === 'drift') return driftReport(evidence, h, context.step)
    const limit = context.limits.find((l) => l.metric === h.id) ?? null
    return hypothesisReport(plan, evidence, h, limit, context)
  })
  const alone = context.limits.filter((l) => !plan.hypotheses.some((h) => h.id === l.metric))
  return [
    ...reports,
    ...alone.map((l) => limitReport(l, evidence)),
    ...counted.map((m) => thresholdReport(m, evidence, context)),
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
  const unitsPerSecond = once(() => context.unitsPerSecond * segmentShare(hypothesis, evidence))
  const figures = once(() =>
    readFigures(hypothesis, found, { ...context, unitsPerSecond: unitsPerSecond() }),
  )
  const ratio = once(() => figures().ratio())
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
    limit: limit === null ? null : limitOf(limit, ticksBeyond),
    ...COMPARED_BY_EVIDENCE,
    stepCanaryN: isStepFolded
      ? (found.kind === 'event' ? found.stepTrials : found.stepMoments.n)[CANARY_SIDE]
      : 0,
    get etaSeconds() {
      return nonInferiority === null
        ? null
        : remaining(figures().plan, nonInferiority, hypothesis, unitsPerSecond())
    },
  }
}

function once<T>(compute: () => T): () => T {
  let known: { readonly value: T } | null = null
  return () => (known ??= { value: compute() }).value
}

function limitReport(limit: LimitReading, evidence: Evidence): MetricReport {
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
    limit: limitOf(limit, ticksBeyond),
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

function remaining(
  plan: Plan | null,
  evidence: LogEvidence,
  hypothesis: Hypothesis,
  ratePerSecond: number,
): number | null {
  return etaSeconds({
    plan,
    log: evidence.log,
    threshold: evidence.threshold,
    ratePerSecond,
    settleSeconds: windowSeconds(hypothesis),
  })
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

// Judged units of a segment among those of the same question about all requests; 1 for the whole itself.
function segmentShare(hypothesis: Hypothesis, evidence: Evidence): number {
  const ofAll = unitsOf(evidenceOf(evidence, wholeId(hypothesis)))
  return ofAll === 0 ? 1 : unitsOf(evidenceOf(evidence, hypothesis.id)) / ofAll
}

function capOf({ metric, source }: Hypothesis, evidence: Evidence): number | null {
  // Of answers that are right or wrong there is nothing to cap.
  if (!isContinuous(source) || source.score === 'correct') return null
  return source.cap ?? evidence.caps[metric!] ?? null
}

function evidenceOf(evidence: Evidence, id: string): EventEvidence | BetEvidence {
  return evidence.hypotheses[id] as EventEvidence | BetEvidence
}

function unitsOf(found: EventEvidence | BetEvidence): number {
  const strata = found.kind === 'event' ? [found.trials] : found.strata.map(({ n }) => n)
  return strata.reduce((sum, [baseline, canary]) => sum + baseline + canary, 0)
}

function isDecidingLimit(limit: LimitReading | null): boolean {
  return limit !== null && limit.onFailure !== 'warn'
}

function limitOf(limit: LimitReading, ticksBeyond: number): NonNullable<MetricReport['limit']> {
  const { max, min, baselineBeyond, tooFew } = limit
  // Evaluations between two ticks are not counted, yet a step must not be left in one of them.
  const counted = Math.max(ticksBeyond, isBroken(limit) ? 1 : 0)
  return { max, min, ticksBeyond: counted, baselineBeyond, tooFew }
}
