import type { AnalysisSpec, RolloutSpec, StepSpec } from '../domain/rollout-spec.ts'
import { fractionToBp, parseDuration, parseSize } from '../domain/units.ts'
import { buildMetric } from './build-metric.ts'
import { buildThreshold } from './build-threshold.ts'
import { DEFAULTS } from './defaults.ts'
import { toFraction } from './fraction.ts'
import type { RawMetric } from './schema-metric.ts'
import type { RawAnalysis, RawRollout, RawStep } from './schema-rollout.ts'

/** A rollout with its analysis, as a checked file means them; `segments`: those that the service tells apart. */
export function buildRollout(
  raw: RawRollout,
  analysis: RawAnalysis,
  segments: readonly string[],
): RolloutSpec {
  const minRequests = analysis.minRequests ?? DEFAULTS.minRequests
  return {
    strategy: raw.strategy ?? DEFAULTS.strategy,
    start: raw.start ?? DEFAULTS.start,
    steps: raw.steps.map((step) => buildStep(step, minRequests)),
    maxDurationMs: parseDuration(raw.maxDuration ?? DEFAULTS.maxDuration)!,
    onInconclusive: raw.onInconclusive ?? DEFAULTS.onInconclusive,
    watchMs: toMs(raw.watch ?? DEFAULTS.watch),
    holdbackBp: fractionToBp(toFraction(raw.holdback ?? DEFAULTS.holdback)),
    cooldownMs: toMs(raw.cooldown ?? DEFAULTS.cooldown),
    fallback: raw.fallback !== undefined,
    analysis: buildAnalysis(analysis, segments),
  }
}

function buildStep(raw: RawStep, minRequests: number): StepSpec {
  if (raw.mirror !== undefined) {
    return {
      kind: 'mirror',
      share: toFraction(raw.mirror),
      minDurationMs: toMs(raw.minDuration ?? DEFAULTS.minDuration),
      minRequests: raw.minRequests ?? minRequests,
      maxBytes: parseSize(raw.maxBody ?? DEFAULTS.mirror.maxBody)!,
      tolerance: raw.tolerance ?? DEFAULTS.mirror.tolerance,
    }
  }
  if (raw.weight === undefined) {
    const durationMs = typeof raw.pause === 'string' ? parseDuration(raw.pause) : null
    return { kind: 'pause', durationMs }
  }
  return {
    kind: 'weight',
    weightBp: fractionToBp(toFraction(raw.weight)),
    minDurationMs: toMs(raw.minDuration ?? DEFAULTS.minDuration),
    minRequests: raw.minRequests ?? minRequests,
  }
}

/** How variants are judged: in a rollout, or in an experiment. */
export function buildAnalysis(raw: RawAnalysis, segments: readonly string[]): AnalysisSpec {
  const metrics: [string, RawMetric][] = Object.entries(raw.metrics ?? {})
  return {
    intervalMs: parseDuration(raw.interval ?? DEFAULTS.interval)!,
    warmUpMs: toMs(raw.warmUp ?? DEFAULTS.warmUp),
    alphaRollback: raw.alpha?.rollback ?? DEFAULTS.alpha.rollback,
    alphaPromote: raw.alpha?.promote ?? DEFAULTS.alpha.promote,
    breakerFailures: toFraction(raw.breaker?.failures ?? DEFAULTS.breakerFailures),
    metrics: metrics.map(([name, metric]) => ({
      ...buildMetric(name, metric),
      ...buildThreshold(metric),
      ...(metric.segments === true ? { segments } : undefined),
    })),
  }
}

function toMs(duration: string | 0): number {
  return parseDuration(String(duration))!
}
