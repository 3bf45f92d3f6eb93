import { BASELINE_SIDE, CANARY_SIDE, type Pair, type Side } from '../domain/cohort.ts'
import type {
  BetEvidence,
  EventEvidence,
  EventStratum,
  Evidence,
  MomentStratum,
} from '../domain/evidence.ts'
import { isContinuous, proofRatio, type Hypothesis, type Score } from '../domain/hypothesis.ts'
import type {
  LogEvidence,
  MetricReport,
  MetricValue,
  RatioInterval,
  Verdict,
} from '../domain/verdict.ts'
import { eventHarmLogEvidences } from '../statistics/event-evidence.ts'
import { logMeanExp } from '../statistics/log-sum-exp.ts'
import { etaSeconds, eventsPlan, meansPlan, type Plan } from '../statistics/planner.ts'
import { eventRatioInterval, meanRatioInterval } from '../statistics/ratio-interval.ts'
import { scoreMean } from '../statistics/score.ts'
import { harmMargin, proofMargin } from './margin.ts'
import { isBroken, LIMIT_TICKS, limitVerdict, type LimitReading } from './limits.ts'
import type { RolloutPlan } from './plan.ts'

/** What a report needs beside the evidence. */
export type JudgeContext = {
  readonly limits: readonly LimitReading[]
  /** The step that the rollout is in: what was folded of another one says nothing about it. */
  readonly step: number
  /** Probability of the canary, and judged units of both sides per second, as they are now. */
  readonly pi: number
  readonly unitsPerSecond: number
  /** A quantile of a side's drawn requests, in ms, for people to read. */
  readonly latency: (side: Side, quantile: number) => MetricValue
}

/** Level of the intervals that are for reading only. */
const REPORT_ALPHA = 0.05

const NO_VALUE: MetricValue = { value: null, n: 0 }

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
  const numbers =
    found.kind === 'event'
      ? eventNumbers(hypothesis, found, context)
      : betNumbers(hypothesis, found, context)
  let ratio: { readonly read: RatioInterval | null } | null = null
  return {
    name: hypothesis.id,
    kind: kindOf(plan, hypothesis),
    verdict: verdictOf(harm, nonInferiority, ticksBeyond),
    required: hypothesis.required || isDecidingLimit(limit),
    onFailure: hypothesis.onFailure,
    better: hypothesis.better,
    margins: { harm: harmMargin(hypothesis), proof: proofMargin(hypothesis) },
    cap: capOf(hypothesis, evidence),
    baseline: numbers.baseline,
    canary: numbers.canary,
    // An interval costs a search over ratios; most evaluations are never looked at.
    get ratio() {
      return (ratio ??= { read: numbers.ratio() }).read
    },
    evidence: {
      harm,
      nonInferiority,
      stepNonInferiority: isStepFolded ? against(found.sup.stepProof) : null,
      stepHarm: isStepFolded
        ? { log: stepHarm(hypothesis, found, evidence.stepStart), threshold: harm.threshold }
        : null,
    },
    limit: limit === null ? null : limitOf(limit, ticksBeyond),
    stepCanaryN: isStepFolded
      ? (found.kind === 'event' ? found.stepTrials : found.stepMoments.n)[CANARY_SIDE]
      : 0,
    etaSeconds:
      nonInferiority === null ? null : remaining(numbers.plan, nonInferiority, hypothesis, context),
  }
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

type Numbers = Pick<MetricReport, 'baseline' | 'canary'> & {
  readonly ratio: () => RatioInterval | null
  /** For proving no worse, were both sides as the baseline is now. */
  readonly plan: Plan | null
}

function eventNumbers(
  hypothesis: Hypothesis,
  { proof, trials, events }: EventEvidence,
  context: JudgeContext,
): Numbers {
  const rate = (side: Side): MetricValue =>
    trials[side] === 0 ? NO_VALUE : { value: events[side] / trials[side], n: trials[side] }
  const { source } = hypothesis
  const read = (side: Side) =>
    source.of === 'latency' ? context.latency(side, source.quantile) : rate(side)
  const baselineRate = rate(BASELINE_SIDE).value
  return {
    baseline: read(BASELINE_SIDE),
    canary: read(CANARY_SIDE),
    // Of a latency only exceedances are compared: their ratio would be read as one of milliseconds.
    ratio: () =>
      source.of === 'latency' ? null : eventRatioInterval(proof, hypothesis.harm.alpha),
    plan:
      baselineRate === null || hypothesis.proof === null || !isComparable(context.pi)
        ? null
        : eventsPlan({
            ...basis(hypothesis, context),
            floor: hypothesis.proof.floor,
            baselineRate,
            // Exceedances of the canary at a threshold with margin are rarer than the baseline's.
            canaryRate:
              source.of === 'latency' ? (rate(CANARY_SIDE).value ?? baselineRate) : baselineRate,
          }),
  }
}

function betNumbers(
  hypothesis: Hypothesis,
  { strata }: BetEvidence,
  context: JudgeContext,
): Numbers {
  const pooled = pool(strata)
  const score = scoreOf(hypothesis)
  const value = (side: Side): MetricValue =>
    pooled.n[side] === 0
      ? NO_VALUE
      : { value: scoreMean(score, pooled.sum[side] / pooled.n[side]), n: pooled.n[side] }
  const n = pooled.n[BASELINE_SIDE]
  const mean = n === 0 ? 0 : pooled.sum[BASELINE_SIDE] / n
  const variance = n === 0 ? 0 : Math.max(0, pooled.sumSq[BASELINE_SIDE] / n - mean ** 2)
  return {
    baseline: value(BASELINE_SIDE),
    canary: value(CANARY_SIDE),
    ratio: () =>
      meanRatioInterval(strata, {
        alpha: REPORT_ALPHA,
        priorSd: Math.abs(Math.log(proofRatio(hypothesis))),
        root: score === 'squared-error',
      }),
    plan:
      variance === 0 || hypothesis.proof === null || !isComparable(context.pi)
        ? null
        : meansPlan({
            ...basis(hypothesis, context),
            baselineMean: mean,
            canaryMean: mean,
            baselineVariance: variance,
            canaryVariance: variance,
          }),
  }
}

function basis(hypothesis: Hypothesis, context: JudgeContext) {
  return {
    direction: hypothesis.better === 'lower' ? ('below' as const) : ('above' as const),
    pi: context.pi,
    ratio: hypothesis.proof!.ratio,
    alpha: hypothesis.proof!.alpha,
    ratePerSecond: context.unitsPerSecond,
    settleSeconds: windowSeconds(hypothesis),
  }
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

function pool(strata: readonly MomentStratum[]): { n: Pair; sum: Pair; sumSq: Pair } {
  const total = { n: [0, 0] as Pair, sum: [0, 0] as Pair, sumSq: [0, 0] as Pair }
  for (const stratum of strata) {
    for (const side of [BASELINE_SIDE, CANARY_SIDE] as const) {
      total.n[side] += stratum.n[side]
      total.sum[side] += stratum.sum[side]
      total.sumSq[side] += stratum.sumSq[side]
    }
  }
  return total
}

function kindOf(plan: RolloutPlan, { id, source }: Hypothesis): string {
  return plan.metrics.find((m) => m.name === id)?.kind ?? source.of
}

function capOf({ metric, source }: Hypothesis, evidence: Evidence): number | null {
  // Of answers that are right or wrong there is nothing to cap.
  if (!isContinuous(source) || source.score === 'correct') return null
  return source.cap ?? evidence.caps[metric!] ?? null
}

function scoreOf({ id, source }: Hypothesis): Score {
  if (!isContinuous(source)) throw new Error(`${id} has no score`)
  return source.score
}

function windowSeconds({ source }: Hypothesis): number {
  return 'windowMs' in source ? source.windowMs / 1000 : 0
}

function isComparable(pi: number): boolean {
  return pi > 0 && pi < 1
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
