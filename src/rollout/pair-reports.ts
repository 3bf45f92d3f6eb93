import { BASELINE_SIDE, CANARY_SIDE, type BetTally, type Side } from '../domain/cohort.ts'
import type { Evidence } from '../domain/evidence.ts'
import type {
  PairCounts,
  PairEvidence,
  PairQuestion,
  PairScoreQuestion,
  PairTest,
} from '../domain/pairs.ts'
import type { LatencyQuantile } from '../domain/rollout-spec.ts'
import type { MetricReport, MetricValue } from '../domain/verdict.ts'
import { shareBounds } from '../statistics/paired-bet.ts'
import { scoreMean } from '../statistics/score.ts'
import { isCounted, NO_PAIR_EVIDENCE, supOf } from './fold-pairs.ts'
import { effectOf } from './hypotheses.ts'
import type { StepValues } from './limit-figures.ts'
import { LIMIT_TICKS, limitReport, type LimitReading } from './limits.ts'
import { marginOf } from './margin.ts'
import type { RolloutPlan } from './plan.ts'
import type { Spread } from './recent-values.ts'
import { NO_EVIDENCE } from './threshold-report.ts'
import { untilOf } from './until-of.ts'

/** Pairs of a standing mirror of the canary, of its version, since this process began. */
export type StandingPairs = Pick<PairCounts, 'compared' | 'disagreed'>

/**
 * A quantile of how long a side took to the head of its answers (or the first byte of their bodies), in the pairs of the
 * step, of all or a segment's; in ms.
 */
export type PairLatency = (
  side: Side,
  asked: LatencyQuantile,
  segment: string | null,
) => MetricValue

/** What reports on pairs need beside the evidence. */
export type PairContext = {
  readonly step: number
  /** Absolute limits, as the pairs of a mirror step stand to them. */
  readonly limits: readonly LimitReading[]
  readonly latency: PairLatency
}

const NO_VALUE: MetricValue = { value: null, n: 0 }

/** The reports on pairs of answers in a mirror step: one per test, each by its own evidence. */
export function pairReports(
  plan: RolloutPlan,
  evidence: Evidence,
  context: PairContext,
): readonly MetricReport[] {
  return plan.pairTests.map((test) => testReport(plan, test, evidence, context))
}

function testReport(
  plan: RolloutPlan,
  test: PairTest,
  evidence: Evidence,
  { step, limits, latency }: PairContext,
): MetricReport {
  const { id, asks, onFailure, required, segment } = test
  const pairs = evidence.pairs ?? NO_PAIR_EVIDENCE
  const sup = supOf(pairs, id)
  const harm = { log: sup.harm, threshold: Math.log(1 / test.alphaHarm) }
  const nonInferiority =
    test.alphaProof === null ? null : { log: sup.proof, threshold: Math.log(1 / test.alphaProof) }
  const limit = limits.find((l) => `${l.metric}/mirror` === id) ?? null
  const ticksBeyond = evidence.limitTicks[test.metric] ?? 0
  const isFailed = harm.log >= harm.threshold || (limit !== null && ticksBeyond >= LIMIT_TICKS)
  const isProved = nonInferiority !== null && nonInferiority.log >= nonInferiority.threshold
  const common = {
    ...BLANK,
    name: id,
    ...(segment === undefined ? undefined : { segment }),
    verdict: isFailed ? 'failed' : isProved ? 'successful' : 'inconclusive',
    required: required || (limit !== null && limit.onFailure !== 'warn'),
    onFailure,
    evidence: { harm, nonInferiority, stepNonInferiority: null, stepHarm: null },
    outsideAlpha: false,
  } as const
  if (asks.of === 'disagreement') {
    const { compared, disagreed } = pairs.counts
    return {
      ...common,
      ...disagreementOf(pairs.counts, asks.max),
      bounds: shareBounds(disagreed, compared, test.alphaHarm),
      stepCanaryN: stepPairsOf(test, pairs, step),
    }
  }
  return {
    ...common,
    kind: kindOf(plan, test),
    ...untilOf(asks),
    better: asks.of === 'score' ? asks.better : 'lower',
    margins: marginsOf(asks, nonInferiority !== null),
    cap: capOf(test, evidence),
    baseline: valueOf(test, pairs, BASELINE_SIDE, latency),
    canary: valueOf(test, pairs, CANARY_SIDE, latency),
    limit: limit === null ? null : limitReport(limit, ticksBeyond),
    stepCanaryN: stepPairsOf(test, pairs, step),
  }
}

function kindOf(plan: RolloutPlan, { asks, metric }: PairTest): string {
  const isBeside = asks.of === 'above-cap' || asks.of === 'label-missing'
  return isBeside ? asks.of : plan.metrics.find((m) => m.name === metric)!.kind
}

function marginsOf(asks: Exclude<PairQuestion, { of: 'disagreement' }>, isProved: boolean) {
  if (asks.of === 'latency') return { harm: asks.harmMargin, proof: asks.proofMargin }
  const isSquared = asks.of === 'score' && asks.score === 'squared-error'
  const better = asks.of === 'score' ? asks.better : 'lower'
  const margin = (ratio: number) => marginOf(ratio, better, isSquared)
  const proof = isProved ? margin(asks.proofRatio) : null
  return { harm: margin(asks.harmRatio), proof, floor: isProved ? asks.floor : 0 }
}

function capOf({ asks, metric }: PairTest, evidence: Evidence): number | null {
  if (asks.of !== 'score' || asks.score === 'correct') return null
  return asks.cap ?? evidence.caps[metric] ?? null
}

/** A side's value over all pairs of a test, in the metric's unit; of times, over those of the step. */
function valueOf(
  test: PairTest,
  { counts, series }: PairEvidence,
  side: Side,
  latency: PairLatency,
): MetricValue {
  const { asks, id } = test
  if (asks.of === 'latency') return latency(side, asks, test.segment ?? null)
  if (isCounted(test)) return failureRate(counts, side)
  const tally = series?.[id]?.all
  if (tally === undefined) return NO_VALUE
  return tally.kind === 'event'
    ? shareOf(tally.events[side], tally.trials[side])
    : meanOf(asks, tally, side)
}

/** What the pairs of a mirror step say of absolute limits; of events nothing, since nobody saw the copies' answers. */
export function pairValues(
  { pairTests }: RolloutPlan,
  { pairs = NO_PAIR_EVIDENCE }: Evidence,
  step: number,
  latency: PairLatency,
): StepValues {
  const inStep = (name: string) => {
    const id = `${name}/mirror`
    const found = pairs.series?.[id]
    const asks = pairTests.find((test) => test.id === id)?.asks
    if (asks === undefined || found?.step !== step || found.inStep.kind !== 'bet') return null
    return { asks, tally: found.inStep }
  }
  return {
    latency: (side, asked) => latency(side, asked, null),
    failureRate: (side) => (pairs.step === step ? failureRate(pairs.stepCounts, side) : NO_VALUE),
    value: (side, { name }) => {
      const found = inStep(name)
      return found === null ? NO_VALUE : meanOf(found.asks, found.tally, side)
    },
    spread: (side, { name }) => {
      const found = inStep(name)
      return found === null ? null : spreadOf(found.tally, side)
    },
  }
}

function failureRate(
  { pairs, baselineFailed, canaryFailed, bothFailed }: PairCounts,
  side: Side,
): MetricValue {
  return shareOf((side === CANARY_SIDE ? canaryFailed : baselineFailed) + bothFailed, pairs)
}

/** Values are compared by scores alone; what is folded has some. */
function meanOf(asks: PairQuestion, { n, sum }: BetTally, side: Side): MetricValue {
  const { score } = asks as PairScoreQuestion
  return { value: scoreMean(score, sum[side] / n[side]), n: n[side] }
}

/** How the scores of a side lie, with the variance of the side that varies more. */
function spreadOf({ n, sum, sumSq }: BetTally, side: Side): Spread {
  const meanIn = (of: Side) => sum[of] / n[of]
  const varianceIn = (of: Side) => Math.max(0, sumSq[of] / n[of] - meanIn(of) ** 2)
  const variance = Math.max(varianceIn(BASELINE_SIDE), varianceIn(CANARY_SIDE))
  // No limit of pairs is one that means must not fall below.
  return { n: n[side], mean: meanIn(side), variance, size: null }
}

/** Pairs of a step that a test has judged. */
function stepPairsOf(test: PairTest, pairs: PairEvidence, step: number): number {
  if (isCounted(test)) {
    if (pairs.step !== step) return 0
    const { compared, pairs: all } = pairs.stepCounts
    return test.asks.of === 'disagreement' ? compared : all
  }
  const found = pairs.series?.[test.id]
  if (found?.step !== step) return 0
  return (found.inStep.kind === 'bet' ? found.inStep.n : found.inStep.trials)[CANARY_SIDE]
}

/** What a standing mirror finds, where no step mirrors: it is shown and decides nothing. */
export function standingReports(
  plan: RolloutPlan,
  standing: StandingPairs,
): readonly MetricReport[] {
  return plan.metrics.flatMap((metric) => {
    if (metric.kind !== 'disagreement') return []
    const { compared, disagreed } = standing
    const found = disagreementOf(standing, metric.max!)
    const { name } = metric
    return [
      {
        ...BLANK,
        ...found,
        name,
        verdict: 'inconclusive',
        required: false,
        onFailure: effectOf(metric),
        evidence: NO_EVIDENCE,
        bounds: shareBounds(disagreed, compared, STANDING_ALPHA),
        outsideAlpha: true,
        stepCanaryN: 0,
      } as const,
    ]
  })
}

/** Level of each bound that is for reading only. */
const STANDING_ALPHA = 0.05

const BLANK = {
  better: 'lower',
  margins: null,
  cap: null,
  ratio: null,
  limit: null,
  threshold: null,
  error: null,
  etaSeconds: null,
} as const

function disagreementOf(
  { compared, disagreed }: Pick<PairCounts, 'compared' | 'disagreed'>,
  max: number,
) {
  const canary = shareOf(disagreed, compared)
  const isBeyond = canary.value !== null && canary.value > max
  return {
    kind: 'disagreement',
    baseline: NO_VALUE,
    canary,
    limit: {
      max,
      min: null,
      // It is not counted in looks: evidence decides, and until then the step is not left.
      ticksBeyond: isBeyond ? 1 : 0,
      baselineBeyond: false,
      tooFew: compared === 0,
      baseline: NO_VALUE,
      canary,
    },
  }
}

function shareOf(events: number, n: number): MetricValue {
  return n === 0 ? NO_VALUE : { value: events / n, n }
}
