import { wholeId, type Hypothesis } from '../domain/hypothesis.ts'
import type { AnalysisSpec, RolloutSpec } from '../domain/rollout-spec.ts'
import type { Service } from '../domain/service.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { BASELINE } from '../domain/variant.ts'
import { completeWeights } from '../routing/weights.ts'
import { eventFieldsOf } from './event-fields.ts'
import { changeableMargins } from './forget-margins.ts'
import { buildHypotheses, GUARD_ALPHA } from './hypotheses.ts'
import { changeAnalysis, type ChangeMetric } from './metric-window.ts'
import { analysisIdentity, keyIdentity, type RolloutPlan } from './plan.ts'
import { concernKeyOf, sharingKeyOf } from './sharing-key.ts'

/** What a fixed split is compared and moved by; immutable, made anew by a reload. */
export type ExperimentPlan = {
  readonly service: string
  /** By variant name, the baseline first. */
  readonly versions: Readonly<Record<string, string>>
  /** The split of the configuration in basis points, the baseline included. */
  readonly weightsBp: Readonly<Record<string, number>>
  /** One for each challenger; empty where nothing is compared. */
  readonly comparisons: readonly ComparisonPlan[]
  readonly intervalMs: number
  readonly warmUpMs: number
  readonly configHash: string
  readonly fingerprint: RolloutPlan['fingerprint']
}

/** One challenger against the baseline: a rollout that never moves, over the requests drawn for the two. */
export type ComparisonPlan = {
  readonly variant: string
  /**
   * The challenger's share of the requests drawn for the two, in basis points (not always whole): given
   * that one of the two was drawn, that is the probability of the challenger.
   */
  readonly weightBp: number
  readonly plan: RolloutPlan
  /** Level of each interval of means; the levels of all comparisons and metrics sum to `alpha.rollback`. */
  readonly reportAlpha: number
  /** Level at which the share of requests is called wrong. */
  readonly ratioAlpha: number
}

/** How long an experiment is planned for: start points of the evidence are spread over it. */
const PLANNED_MS = 14 * 86_400_000

const NO_ANALYSIS = { intervalMs: 2000, warmUpMs: 0 }

/** The plan of a service with a fixed split; null where a rollout moves the weights, or nothing is split. */
export function buildExperimentPlan(service: Service, configHash: string): ExperimentPlan | null {
  const { split, rollout, experiment } = service
  if (rollout !== null || Object.keys(split.weightsBp).length === 0) return null
  const weightsBp = completeWeights(service, split.weightsBp)
  const versions = Object.fromEntries(service.variants.map((v) => [v.name, v.version]))
  const compared = challengersOf(service)
  const named = Object.keys(split.weightsBp).toSorted()
  const steps = JSON.stringify(named.map((name) => [name, split.weightsBp[name]]))
  const analysis =
    experiment === undefined
      ? ''
      : JSON.stringify([
          [BASELINE, ...compared].map((name) => versions[name]),
          ...keyIdentity(split),
          // A key that moves from one challenger to another would be new to a comparison that knows it.
          split.key === null ? null : steps,
          ...analysisIdentity(experiment, service.observe),
        ])
  const margins = changeableMargins(compared.length === 0 ? [] : buildHypotheses(experiment!))
  const fingerprint = { steps, analysis, margins }
  const { intervalMs, warmUpMs } = experiment ?? NO_ANALYSIS
  return {
    ...{
      service: service.name,
      versions,
      weightsBp,
      intervalMs,
      warmUpMs,
      configHash,
      fingerprint,
    },
    comparisons: compared.map((variant) =>
      planComparison(service, experiment!, variant, {
        ...{ challengers: compared.length, versions, weightsBp, configHash, fingerprint },
      }),
    ),
  }
}

/** Whether a service has variants that are compared at fixed weights: where the baseline gets nothing, or all, there are none. */
export function isExperiment(service: Service): boolean {
  return service.rollout === null && challengersOf(service).length > 0
}

function challengersOf(service: Service): readonly string[] {
  const weightsBp = completeWeights(service, service.split.weightsBp)
  if (service.experiment === undefined || !(weightsBp[BASELINE]! > 0)) return []
  return Object.keys(weightsBp).filter((name) => name !== BASELINE && weightsBp[name]! > 0)
}

function planComparison(
  service: Service,
  analysis: AnalysisSpec,
  variant: string,
  shared: Pick<ExperimentPlan, 'versions' | 'weightsBp' | 'configHash' | 'fingerprint'> & {
    readonly challengers: number
  },
): ComparisonPlan {
  const { challengers, versions, weightsBp, configHash, fingerprint } = shared
  const weightBp = weightAmong(weightsBp, variant)
  const hypotheses = experimentHypotheses(analysis, challengers)
  const spec = neverMoving(analysis, weightBp)
  const keyed = service.split.key !== null
  // With a key, the variant of a key hangs on all of the weights.
  const drawn = keyed ? fingerprint.steps : weightBp
  return {
    variant,
    weightBp,
    plan: {
      service: comparisonKey(service.name, variant),
      baselineVersion: versions[BASELINE]!,
      canaryVersion: versions[variant]!,
      spec,
      steps: spec.steps,
      metrics: analysis.metrics,
      hypotheses,
      pairTests: [],
      eventFields: eventFieldsOf(analysis.metrics),
      keyed,
      confirmsPromotion: false,
      configHash,
      // Fixed weights stand in no state that all of them would have.
      concernKey: concernKeyOf(service),
      sharingKey: `${sharingKeyOf(service, hypotheses)} ${drawn}`,
      fingerprint,
    },
    reportAlpha: analysis.alphaRollback / (challengers * claims(hypotheses)),
    ratioAlpha: GUARD_ALPHA / challengers,
  }
}

function weightAmong(weightsBp: ExperimentPlan['weightsBp'], variant: string): number {
  return WHOLE_BP * (weightsBp[variant]! / (weightsBp[BASELINE]! + weightsBp[variant]!))
}

/** The plan with other weights of the variants that it compares, as far as forecasts go by them. */
export function withWeights(
  plan: ExperimentPlan,
  weightsBp: ExperimentPlan['weightsBp'],
): ExperimentPlan {
  const comparisons = plan.comparisons.map((comparison) => {
    const weightBp = weightAmong(weightsBp, comparison.variant)
    const { steps } = neverMoving(comparison.plan.spec.analysis, weightBp)
    return { ...comparison, weightBp, plan: { ...comparison.plan, steps } }
  })
  return { ...plan, weightsBp, comparisons }
}

/** The comparison that cohorts were judged by, from the plan that is kept with them. */
export function recordedComparison(variant: string, plan: RolloutPlan): ComparisonPlan {
  const { share, challengers } = sharing(plan)
  const [step] = plan.steps
  return {
    variant,
    weightBp: (step as Extract<typeof step, { kind: 'weight' }>).weightBp,
    plan,
    reportAlpha: share,
    ratioAlpha: GUARD_ALPHA / challengers,
  }
}

/** Changes a metric of a comparison, which goes on sharing α with those of the other challengers. */
export const withComparedMetric: ChangeMetric = (plan, name, change) => {
  const analysis = changeAnalysis(plan, name, change)
  const hypotheses = experimentHypotheses(analysis, sharing(plan).challengers)
  return { ...plan, metrics: analysis.metrics, hypotheses }
}

// Each required hypothesis has the same share of α, so it says how many challengers there are.
function sharing({ spec, hypotheses }: RolloutPlan): {
  readonly share: number
  readonly challengers: number
} {
  const { alphaRollback } = spec.analysis
  const share = hypotheses.find((h) => h.required)?.harm.alpha ?? alphaRollback
  return { share, challengers: alphaRollback / (share * claims(hypotheses)) }
}

/**
 * The hypotheses of one comparison among `challengers`. Bonferroni over the challengers and over the
 * required hypotheses of each: any false "worse" has a probability of at most `alphaRollback`, any false
 * "no worse" or "better" of at most `alphaPromote`. "Better" needs no share of its own, because it is
 * only said after "no worse" (a fixed sequence of tests): where "no worse" is false that is the error,
 * and where it is true only "better" can be one.
 *
 * Source: fixed-sequence procedure as in Maurer, Hothorn and Lehmacher (1995); it asks of each test only
 * that its own level holds, so it holds for e-processes too.
 */
function experimentHypotheses(analysis: AnalysisSpec, challengers: number): readonly Hypothesis[] {
  const alphaRollback = analysis.alphaRollback / challengers
  const all = buildHypotheses({ ...analysis, alphaRollback })
  const alpha = analysis.alphaPromote / (challengers * claims(all))
  const shared = all.map((h) => (h.proof === null ? h : { ...h, proof: { ...h.proof, alpha } }))
  return [...shared, ...shared.filter(canBeBetter).map(betterOf)]
}

function claims(hypotheses: readonly Hypothesis[]): number {
  return Math.max(1, hypotheses.filter((h) => h.required).length)
}

// Fewer values above the cap are no merit of their own: the metric that is capped tells.
function canBeBetter({ proof, source }: Hypothesis): boolean {
  return proof !== null && source.of !== 'above-cap'
}

/** The question beside a metric's own: is the challenger better than the baseline, by however little. */
function betterOf(hypothesis: Hypothesis): Hypothesis {
  const { source, harm, proof } = hypothesis
  return {
    ...hypothesis,
    id: betterId(hypothesis),
    required: false,
    source: source.of === 'latency' ? { ...source, harmMargin: 0, proofMargin: 0 } : source,
    harm: { ...harm, alpha: 0 },
    proof: { ...proof!, ratio: 1, floor: 0 },
  }
}

/** `rmse/better`, of one segment `rmse/better@gold`. */
export function betterId(hypothesis: Hypothesis): string {
  const { segment } = hypothesis
  return `${wholeId(hypothesis)}/better${segment === undefined ? '' : `@${segment}`}`
}

/** Whether a hypothesis asks for being better, beside the one that it is shown with. */
export function isBetterId(id: string): boolean {
  return /\/better(?:@|$)/.test(id)
}

/** Where a comparison is stored: names of services hold no slash. */
export function comparisonKey(service: string, variant: string): string {
  return `${service}/${variant}`
}

/** Where an experiment's own state is stored. */
export function experimentKey(service: string): string {
  return `${service}/`
}

function neverMoving(analysis: AnalysisSpec, weightBp: number): RolloutSpec {
  return {
    strategy: 'canary',
    start: 'auto',
    steps: [{ kind: 'weight', weightBp, minDurationMs: 0, minRequests: 0 }],
    maxDurationMs: PLANNED_MS,
    onInconclusive: 'hold',
    watchMs: 0,
    holdbackBp: 0,
    cooldownMs: 0,
    fallback: false,
    analysis,
  }
}
