import type { Better, MetricSpec, ValuePlace } from '../domain/rollout-spec.ts'
import { parseDuration } from '../domain/units.ts'
import { buildProvider } from './build-provider.ts'
import { DEFAULTS } from './defaults.ts'
import { toFraction } from './fraction.ts'
import type { RawMetric } from './schema-metric.ts'

/** A metric as a checked file means it. */
export function buildMetric(name: string, raw: RawMetric): MetricSpec {
  switch (raw.kind) {
    case 'prometheus':
    case 'http':
      return buildProvider(name, raw)
    case 'drift':
      return buildDrift(name, raw)
    case 'disagreement':
      return buildDisagreement(name, raw)
    default:
      return buildOwn(name, raw)
  }
}

/** A metric whose value is measured here. */
type RawOwn = Exclude<RawMetric, { kind: 'prometheus' | 'http' | 'drift' | 'disagreement' }>

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
    max: toShare(raw.max),
    min: null,
  }
}

function buildOwn(name: string, raw: RawOwn): MetricSpec {
  const { increase, decrease } = changesOf(raw)
  const change = increase ?? decrease
  const common = {
    name,
    onFailure: raw.onFailure ?? DEFAULTS.onFailure,
    mode: raw.mode ?? DEFAULTS.mode,
    better: betterOf(raw),
    maxChange: change === undefined ? null : toFraction(change),
    sensitivity: toFraction(raw.sensitivity ?? DEFAULTS.sensitivity[sensitivityOf(raw.kind)]),
    max: null,
    min: null,
  } as const
  switch (raw.kind) {
    case 'error-rate':
      return { ...common, kind: raw.kind, floor: floorOf(raw), max: toShare(raw.max) }
    case 'latency':
      return {
        ...common,
        kind: raw.kind,
        quantile: raw.quantile,
        ...(raw.until === 'first-byte' ? { until: raw.until } : undefined),
        max: raw.max === undefined ? null : parseDuration(raw.max),
      }
    case 'accuracy':
      return { ...common, kind: raw.kind, min: toShare(raw.min), ...buildLabels(raw) }
    case 'conversion':
      return {
        ...common,
        kind: raw.kind,
        event: raw.event,
        windowMs: parseDuration(raw.window)!,
        // Where higher is better there is no rise to allow.
        floor: common.better === 'lower' ? floorOf(raw) : 0,
        max: toShare(raw.max),
        min: toShare(raw.min),
      }
    case 'sum':
      return {
        ...common,
        ...limitsOf(raw),
        kind: raw.kind,
        event: raw.event,
        field: toField(raw.field),
        windowMs: parseDuration(raw.window)!,
        cap: raw.cap ?? null,
      }
    case 'mean':
      return {
        ...common,
        ...limitsOf(raw),
        kind: raw.kind,
        from: placeOf(raw),
        windowMs: raw.window === undefined ? 0 : parseDuration(raw.window)!,
        minLabels: raw.minLabels ?? DEFAULTS.minLabels,
        cap: raw.cap ?? null,
      }
    case 'ratio':
      return {
        ...common,
        ...limitsOf(raw),
        kind: raw.kind,
        numerator: raw.numerator,
        denominator: raw.denominator,
        windowMs: parseDuration(raw.window)!,
        cap: raw.cap ?? DEFAULTS.ratioCap,
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

/** Which direction is good: of what can go both ways, that of its margin, else what it says, else higher. */
function betterOf(raw: RawOwn): Better {
  if (raw.kind === 'accuracy') return 'higher'
  if (!('window' in raw || 'of' in raw)) return 'lower'
  if (raw.maxIncrease !== undefined) return 'lower'
  return raw.maxDecrease === undefined ? (raw.better ?? 'higher') : 'higher'
}

type Change = string | 0 | undefined

function changesOf(raw: RawOwn): { readonly increase: Change; readonly decrease: Change } {
  return {
    increase: 'maxIncrease' in raw ? raw.maxIncrease : undefined,
    decrease: 'maxDecrease' in raw ? raw.maxDecrease : undefined,
  }
}

function placeOf(raw: Extract<RawMetric, { kind: 'mean' }>): ValuePlace {
  return raw.of === undefined
    ? { in: 'event', event: raw.event!, field: toField(raw.field) }
    : { in: 'answer', pointer: raw.of.slice('body:'.length) }
}

/** `value` is the event's own number. */
function toField(field: string | undefined): string | null {
  return field === undefined || field === 'value' ? null : field
}

function floorOf(raw: { readonly floor?: string | 0 }): number {
  return toFraction(raw.floor ?? DEFAULTS.floor)
}

function toShare(share: string | 0 | undefined): number | null {
  return share === undefined ? null : toFraction(share)
}

function limitsOf(raw: { readonly max?: number; readonly min?: number }) {
  return { max: raw.max ?? null, min: raw.min ?? null }
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
