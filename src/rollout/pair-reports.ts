import type { Evidence } from '../domain/evidence.ts'
import type { PairCounts, PairEvidence, PairTest } from '../domain/pairs.ts'
import type { MetricReport, MetricValue } from '../domain/verdict.ts'
import { shareBounds } from '../statistics/paired-bet.ts'
import { NO_PAIR_EVIDENCE, supOf } from './fold-pairs.ts'
import { effectOf } from './hypotheses.ts'
import { mirrorStepAt } from './mirror-step.ts'
import type { RolloutPlan } from './plan.ts'
import { NO_EVIDENCE } from './threshold-report.ts'

/** Pairs of a standing mirror of the canary, of its version, since this process began. */
export type StandingPairs = Pick<PairCounts, 'compared' | 'disagreed'>

const NO_VALUE: MetricValue = { value: null, n: 0 }

/**
 * The reports on pairs of answers: in a mirror step one per test, each by its own evidence; elsewhere what a
 * standing mirror finds, which is shown and decides nothing.
 */
export function pairReports(
  plan: RolloutPlan,
  evidence: Evidence,
  place: { readonly step: number; readonly weightBp: number },
  standing: StandingPairs | null,
): readonly MetricReport[] {
  if (mirrorStepAt(plan.steps, place) === null) return standingReports(plan, standing)
  const pairs = evidence.pairs ?? NO_PAIR_EVIDENCE
  return plan.pairTests.map((test) => testReport(test, pairs, place.step))
}

function testReport(test: PairTest, pairs: PairEvidence, step: number): MetricReport {
  const { id, asks, onFailure, required } = test
  const { counts } = pairs
  const sup = supOf(pairs, id)
  const harm = { log: sup.harm, threshold: Math.log(1 / test.alphaHarm) }
  const nonInferiority = { log: sup.proof, threshold: Math.log(1 / test.alphaProof) }
  const stepCounts = pairs.step === step ? pairs.stepCounts : null
  const isFailed = harm.log >= harm.threshold
  const isProved = nonInferiority.log >= nonInferiority.threshold
  const common = {
    ...BLANK,
    name: id,
    verdict: isFailed ? 'failed' : isProved ? 'successful' : 'inconclusive',
    required,
    onFailure,
    evidence: { harm, nonInferiority, stepNonInferiority: null, stepHarm: null },
    outsideAlpha: false,
  } as const
  if (asks.of === 'failure') {
    const { pairs: n, canaryFailed, baselineFailed, bothFailed } = counts
    return {
      ...common,
      kind: 'error-rate',
      margins: { harm: asks.harmRatio - 1, proof: asks.proofRatio - 1 },
      baseline: valueOf(baselineFailed + bothFailed, n),
      canary: valueOf(canaryFailed + bothFailed, n),
      stepCanaryN: stepCounts?.pairs ?? 0,
    }
  }
  return {
    ...common,
    ...disagreementOf(counts, asks.max),
    bounds: shareBounds(counts.disagreed, counts.compared, test.alphaHarm),
    stepCanaryN: stepCounts?.compared ?? 0,
  }
}

function standingReports(
  plan: RolloutPlan,
  standing: StandingPairs | null,
): readonly MetricReport[] {
  if (standing === null) return []
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
  const canary = valueOf(disagreed, compared)
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
    },
  }
}

function valueOf(events: number, n: number): MetricValue {
  return n === 0 ? NO_VALUE : { value: events / n, n }
}
