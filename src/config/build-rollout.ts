import type { AnalysisSpec, MetricSpec, RolloutSpec, StepSpec } from '../domain/rollout-spec.ts'
import { fractionToBp, parseDuration, parseSize } from '../domain/units.ts'
import { buildProvider } from './build-provider.ts'
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
    start: raw.start ?? DEFAULTS.start,
    steps: raw.steps.map((step) => buildStep(step, minRequests)),
    maxDurationMs: parseDuration(raw.maxDuration ?? DEFAULTS.maxDuration)!,
    onInconclusive: raw.onInconclusive ?? DEFAULTS.onInconclusive,
    watchMs: toMs(raw.watch ?? DEFAULTS.watch),
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

function buildAnalysis(raw: RawAnalysis, segments: readonly string[]): AnalysisSpec {
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

function buildMetric(name: string, raw: RawMetric): MetricSpec {
  if (raw.kind === 'prometheus' || raw.kind === 'http') return buildProvider(name, raw)
  if (raw.kind === 'drift') return buildDrift(name, raw)
  if (raw.kind === 'disagreement') return buildDisagreement(name, raw)
  const change = raw.kind === 'accuracy' ? raw.maxDecrease : raw.maxIncrease
  const common = {
    name,
    onFailure: raw.onFailure ?? DEFAULTS.onFailure,
    mode: raw.mode ?? DEFAULTS.mode,
    better: raw.kind === 'accuracy' ? 'higher' : 'lower',
    maxChange: change === undefined ? null : toFraction(change),
    sensitivity: toFraction(raw.sensitivity ?? DEFAULTS.sensitivity[sensitivityOf(raw.kind)]),
    max: null,
    min: null,
  } as const
  switch (raw.kind) {
    case 'error-rate':
      return {
        ...common,
        kind: raw.kind,
        floor: toFraction(raw.floor ?? DEFAULTS.floor),
        max: raw.max === undefined ? null : toFraction(raw.max),
      }
    case 'latency':
      return {
        ...common,
        kind: raw.kind,
        quantile: raw.quantile,
        max: raw.max === undefined ? null : parseDuration(raw.max),
      }
    case 'accuracy':
      return {
        ...common,
        kind: raw.kind,
        min: raw.min === undefined ? null : toFraction(raw.min),
        ...buildLabels(raw),
      }
    default:
      return {
        ...common,
        kind: raw.kind,
        max: raw.max ?? null,
        cap: raw.cap ?? null,
        ...buildLabels(raw),
      }
  }
}

function buildDrift(name: string, raw: Extract<RawMetric, { kind: 'drift' }>): MetricSpec {
  return {
    name,
    kind: 'drift',
    of: raw.of === 'prediction' ? raw.of : { pointer: raw.of.slice('request:'.length) },
    onFailure: raw.onFailure ?? DEFAULTS.driftOnFailure,
    mode: raw.mode ?? DEFAULTS.mode,
    better: 'lower',
    maxChange: null,
    sensitivity: 0,
    max: null,
    min: null,
  }
}

function buildDisagreement(
  name: string,
  raw: Extract<RawMetric, { kind: 'disagreement' }>,
): MetricSpec {
  return {
    name,
    kind: 'disagreement',
    onFailure: raw.onFailure ?? DEFAULTS.onFailure,
    mode: raw.mode ?? DEFAULTS.mode,
    better: 'lower',
    maxChange: null,
    sensitivity: 0,
    max: toFraction(raw.max!),
    min: null,
  }
}

function buildLabels(raw: Extract<RawMetric, { labelWindow: string }>) {
  return {
    labelWindowMs: parseDuration(raw.labelWindow)!,
    minLabels: raw.minLabels ?? DEFAULTS.minLabels,
  }
}

function sensitivityOf(kind: MetricSpec['kind']): keyof typeof DEFAULTS.sensitivity {
  if (kind === 'error-rate') return 'errorRate'
  return kind === 'latency' ? 'latency' : 'quality'
}

function toMs(duration: string | 0): number {
  return parseDuration(String(duration))!
}
