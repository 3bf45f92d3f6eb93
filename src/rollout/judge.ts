import { CANARY_SIDE } from '../domain/cohort.ts'
import type { BetEvidence, EventEvidence, EventStratum, Evidence } from '../domain/evidence.ts'
import { isContinuous, type Hypothesis } from '../domain/hypothesis.ts'
import type { LogEvidence, MetricReport, Verdict } from '../domain/verdict.ts'
import { eventHarmLogEvidences } from '../statistics/event-evidence.ts'
import { logMeanExp } from '../statistics/log-sum-exp.ts'
import { etaSeconds, type Plan } from '../statistics/planner.ts'
import { readFigures, windowSeconds, type FigureContext } from './figures.ts'
import { harmMargin, proofMargin } from './margin.ts'
import { isBroken, LIMIT_TICKS, limitVerdict, type LimitReading } from './limits.ts'
import type { RolloutPlan } from './plan.ts'

/** What a report needs beside the evidence. */
export type JudgeContext = FigureContext & {
  readonly limits: readonly LimitReading[]
  /** The step that the rollout is in: what was folded of another one says nothing about it. */
  readonly step: number
}

/**
 * The evidence as verdicts: `failed` where harm is shown or an absolute limit is broken, `successful`
 * where the canary is shown to be no worse, else `inconclusive`. One report per hypothesis, then one
 * per metric that has an absolute limit alone.
 */
export function judge(
  plan: RolloutPlan,
  evidence: Evidence,
  context: JudgeContext,
): readonly MetricReport[] {
  const reports = plan.hypotheses.map((h) => {
    const limit = context.limits.find((l) => l.metric === h.id) ?? null
    return hypothesisReport(plan, evidence, h, limit, context)
  })
  const alone = context.limits.filter((l) => !plan.hypotheses.some((h) => h.id === l.metric))
  return [...reports, ...alone.map((l) => limitReport(l, evidence))]
}

function hypothesisReport(
  plan: RolloutPlan,
  evidence: Evidence,
  hypothesis: Hypothesis,
  limit: LimitReading | null,
  context: JudgeContext,
): MetricReport {
  const found = evidence.hypotheses[hypothesis.id]!
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
  return {
    name: hypothesis.id,
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
    stepCanaryN: isStepFolded
      ? (found.kind === 'event' ? found.stepTrials : found.stepMoments.n)[CANARY_SIDE]
      : 0,
    get etaSeconds() {
      return nonInferiority === null
        ? null
        : remaining(figures().plan, nonInferiority, hypothesis, context)
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
    evidence: { harm: null, nonInferiority: null, stepNonInferiority: null, stepHarm: null },
    limit: limitOf(limit, ticksBeyond),
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
  context: JudgeContext,
): number | null {
  return etaSeconds({
    plan,
    log: evidence.log,
    threshold: evidence.threshold,
    ratePerSecond: context.unitsPerSecond,
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

function kindOf(plan: RolloutPlan, { id, source }: Hypothesis): string {
  return plan.metrics.find((m) => m.name === id)?.kind ?? source.of
}

function capOf({ metric, source }: Hypothesis, evidence: Evidence): number | null {
  if (!isContinuous(source) || source.of === 'ratio') return null
  // Of answers that are right or wrong there is nothing to cap.
  if (source.of === 'score' && source.score === 'correct') return null
  return source.cap ?? evidence.caps[metric!] ?? null
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
