import type { Hypothesis } from '../domain/hypothesis.ts'
import type { PairTest } from '../domain/pairs.ts'
import {
  isLabelMetric,
  isValueMetric,
  type AnalysisSpec,
  type LatencyQuantile,
  type MetricSpec,
  type RolloutSpec,
  type StepSpec,
} from '../domain/rollout-spec.ts'
import type { ObserveSpec, Service, SplitSpec } from '../domain/service.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import { eventFieldsOf, type EventFields } from './event-fields.ts'
import { changeableMargins } from './forget-margins.ts'
import { sourceOf } from './metric-source.ts'
import { firstWeight, hasMirrorStep } from './mirror-step.ts'
import { buildTests } from './pair-tests.ts'
import { concernKeyOf, sharingKeyOf } from './sharing-key.ts'

/** All that the rollout of one service is decided by; immutable, made anew by a reload. */
export type RolloutPlan = {
  readonly service: string
  readonly baselineVersion: string
  readonly canaryVersion: string
  readonly spec: RolloutSpec
  readonly steps: readonly StepSpec[]
  readonly metrics: readonly MetricSpec[]
  readonly hypotheses: readonly Hypothesis[]
  /** What the pairs of mirror steps are asked; empty where no step mirrors. */
  readonly pairTests: readonly PairTest[]
  /** The events that its metrics count. */
  readonly eventFields: EventFields
  /** Assignment sticks to a key: the key is the unit of the evidence. */
  readonly keyed: boolean
  /** An automatic step to 100 % waits until everybody who is asked says yes. */
  readonly confirmsPromotion: boolean
  readonly configHash: string
  /** See `concernKeyOf`. */
  readonly concernKey: string
  /** See `sharingKeyOf`. */
  readonly sharingKey: string
  readonly fingerprint: {
    readonly steps: string
    readonly analysis: string
    /** See `changeableMargins`. */
    readonly margins: string
  }
}

/** The plan of a service's rollout; null when its weights are fixed. */
export function buildPlan(service: Service, configHash: string): RolloutPlan | null {
  const spec = service.rollout
  if (spec === null) return null
  const version = (name: string) => service.variants.find((v) => v.name === name)!.version
  const tests = buildTests(spec)
  return {
    service: service.name,
    baselineVersion: version(BASELINE),
    canaryVersion: version(CANARY),
    spec,
    steps: spec.steps,
    metrics: spec.analysis.metrics,
    ...tests,
    eventFields: eventFieldsOf(spec.analysis.metrics),
    keyed: service.split.key !== null,
    confirmsPromotion: service.notify.some((hook) => hook.confirmsPromotion),
    configHash,
    concernKey: concernKeyOf(service),
    sharingKey: sharingKeyOf(service, tests.hypotheses, tests.pairTests),
    fingerprint: {
      steps: JSON.stringify(spec.steps.map(stepIdentity)),
      analysis: JSON.stringify([
        ...keyIdentity(service.split),
        ...analysisIdentity(spec.analysis, service.observe),
        ...mirrorIdentity(spec),
      ]),
      margins: changeableMargins(tests.hypotheses),
    },
  }
}

/**
 * The plan from its first weight on: what is judged of an attempt by its cohorts alone, which know no pairs.
 * What the evidence was planned with, α among it, stays as it was.
 */
export function withoutMirrors(plan: RolloutPlan): RolloutPlan {
  return { ...plan, steps: plan.steps.slice(firstWeight(plan.steps)), pairTests: [] }
}

/** Index of the last weight step below 100 %: the one that needs proof before it is left. */
export function provingStep(steps: readonly StepSpec[]): number {
  return steps.findLastIndex((s) => s.kind === 'weight' && s.weightBp < 10_000)
}

/** The canary's weight while it is watched: all but what is held back; basis points. */
export function watchWeight({ spec }: RolloutPlan): number {
  return WHOLE_BP - spec.holdbackBp
}

/** The weight that a pause at step `index` keeps: that of the steps before it; basis points. */
export function weightBefore({ steps }: RolloutPlan, index: number): number {
  return steps.slice(0, index).findLast((step) => step.kind === 'weight')?.weightBp ?? 0
}

/** Whether everybody is moved at once, without a comparison. */
export function isBlueGreen({ spec }: RolloutPlan): boolean {
  return spec.strategy === 'blue-green'
}

/** What a unit is, and how it is dealt; the second part is absent where its hash does that, as it always did. */
export function keyIdentity({ key, coin }: SplitSpec): readonly unknown[] {
  return coin === undefined ? [key] : [key, coin]
}

// Minimums only say how long a step lasts, so they may change while it does.
function stepIdentity(step: StepSpec): unknown {
  switch (step.kind) {
    case 'weight':
      return [step.kind, step.weightBp]
    case 'mirror':
      return [step.kind, step.share]
    case 'pause':
      return [step.kind, step.durationMs]
  }
}

// A mirror step has tests of its own, which α is shared with. Absent without one, as above.
function mirrorIdentity({ steps, analysis }: RolloutSpec): readonly unknown[] {
  if (!hasMirrorStep(steps)) return []
  const limits = analysis.metrics.map((m) => (m.kind === 'disagreement' ? m.max : null))
  return [['mirror', limits]]
}

/** What an attempt's α was spent on: changing any of it in mid-attempt would void the guarantee. */
export function analysisIdentity(
  analysis: AnalysisSpec,
  { segment }: ObserveSpec,
): readonly unknown[] {
  const { alphaRollback, alphaPromote, metrics } = analysis
  const asked = metrics.map((m) => [
    m.name,
    m.kind,
    m.mode,
    m.better,
    m.onFailure === 'warn',
    m.kind === 'latency' ? latencyIdentity(m) : null,
    // The margins of event metrics are read from counts, so they may change in place.
    isCounted(m) ? m.maxChange === null : [m.maxChange, m.sensitivity],
    m.threshold !== undefined,
    m.kind === 'drift' ? m.of : null,
    isLabelMetric(m) ? [m.kind === 'accuracy' ? null : m.cap, m.labelWindowMs] : null,
    isValueMetric(m) ? sourceOf(m) : null,
  ])
  const apart = metrics.filter((m) => m.segments !== undefined).map((m) => m.name)
  const all = [alphaRollback, alphaPromote, asked]
  // Absent where nothing is judged by segment, so that an attempt goes on when other versions meet it.
  return apart.length === 0 ? [all] : [all, [segment, apart]]
}

// One until the last byte is known by its quantile alone, as it was before there was another.
function latencyIdentity({ quantile, until }: LatencyQuantile): unknown {
  return until === undefined ? quantile : [quantile, until]
}

function isCounted({ kind }: MetricSpec): boolean {
  return kind === 'error-rate' || kind === 'conversion'
}
