import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import type { Request } from './history.ts'
import type { LearntCap, LearntCaps } from './learnt-caps.ts'

type Thresholds = { readonly baselineMs: number; readonly harmMs: number; readonly proofMs: number }

/** What is asked, as docs/metrics.md has it; `value` and `event` say what a request has for it. */
export type Asked = {
  readonly id: string
  /** The metric that asks it, and what its harm leads to; absent = a guard of the service. */
  readonly metric?: string
  readonly onFailure?: MetricSpec['onFailure']
  readonly kind: MetricSpec['kind'] | 'guard'
  readonly segment: string | null
  readonly better: 'lower' | 'higher'
  /** Shares α, and has to be proved. */
  readonly required: boolean
  readonly harmRatio: number
  /** Null: never proved. */
  readonly proofRatio: number | null
  readonly floor: number
  /** How long labels and events are waited for. */
  readonly windowMs: number
  /** Of means: null = the request has none. */
  readonly value?: (request: Request) => number | null
  /** Of a ratio: its second count; `value` is the first. */
  readonly denominator?: (request: Request) => number
  /** The cohort from which on it is judged, where a cap was learnt before. */
  readonly judgedFrom?: number
  /** The share above a cap that was learnt. */
  readonly isAboveLearnt?: boolean
  /** Labels that came and say nothing. */
  readonly isUnscored?: (request: Request) => boolean
  /** On what squares are capped. */
  readonly cap?: number
  /** Null = it is no unit of the question. */
  readonly event?: (
    request: Request,
    isHarm: boolean,
    thresholds: Thresholds | null,
  ) => boolean | null
  /** With a key: it may happen again; else a key is asked once. */
  readonly isOutcome?: boolean
  /** It needs no more than requests and their answers. */
  readonly isServed: boolean
  /** Nothing is asked: an absolute limit is all that it has. */
  readonly isOnlyShown: boolean
  /** No step waits for what it counts. */
  readonly isReported?: boolean
  /** It pauses, whatever else. */
  readonly isGuard?: boolean
  /** It is shown at 1,000 : 1, and has no part of α. */
  readonly isAtGuardLevel?: boolean
  /** A step waits for so many labels of it. */
  readonly minLabels?: number
  /** Harm needs shares that lie so far apart, as they are seen. */
  readonly apart?: 'half a point' | 'clearly'
}

const FAILED = ['failed', 'no_answer']
const UNANSWERED = ['client_closed', 'rejected', 'no_answer', 'under_way']

/** All questions of these metrics. */
export function questionsOf(
  metrics: readonly MetricSpec[],
  caps: LearntCaps = {},
): readonly Asked[] {
  const whole = metrics.flatMap((metric) => {
    // Of a drift nothing is asked that could be proved: ./compare-drift.ts.
    if (metric.kind === 'drift') return []
    const asked = ofMetric(metric, caps[metric.name] ?? null).filter(
      ({ id, isServed }) => isCompared(metric) || !(isServed || id.endsWith('/above-cap')),
    )
    const segments = (metric.segments ?? []).flatMap((segment) =>
      asked.map((each) => ({ ...each, id: `${each.id}@${segment}`, segment })),
    )
    return [...asked, ...segments]
  })
  return whole.some(({ isServed }) => isServed) ? [...whole, ...GUARDS] : whole
}

const GUARD = {
  kind: 'guard',
  segment: null,
  better: 'lower',
  required: false,
  proofRatio: null,
  floor: 0,
  windowMs: 0,
  isServed: true,
  isOnlyShown: false,
  isGuard: true,
  isAtGuardLevel: true,
} as const

const GUARDS: readonly Asked[] = [
  {
    ...GUARD,
    id: 'no-answer',
    harmRatio: 1,
    isOutcome: true,
    event: ({ outcome }) => UNANSWERED.includes(outcome),
  },
  {
    ...GUARD,
    id: 'client-error',
    harmRatio: 1.5,
    apart: 'half a point',
    isOutcome: true,
    event: ({ outcome, status }) => outcome === 'ok' && status >= 400 && status < 500,
  },
]

function ofMetric(metric: MetricSpec, learnt: LearntCap | null): readonly Asked[] {
  const { name: id, kind, better, maxChange, sensitivity, mode, onFailure } = metric
  const isSquare = kind === 'rmse'
  const ratio = (change: number) =>
    (better === 'lower' ? 1 + change : 1 - change) ** (isSquare ? 2 : 1)
  const asked = {
    ...{ id, metric: id, onFailure, kind, segment: null, better, floor: 0 },
    required: isCompared(metric) && mode === 'decide' && onFailure !== 'warn',
    isServed: kind === 'error-rate' || kind === 'latency',
    isOnlyShown: !isCompared(metric),
    isReported: mode === 'report',
    ...(learnt === null ? undefined : { judgedFrom: learnt.from }),
    harmRatio: ratio(maxChange ?? 0),
    proofRatio: isCompared(metric) ? ratio(maxChange === 0 ? sensitivity : maxChange!) : null,
    windowMs:
      'labelWindowMs' in metric ? metric.labelWindowMs : 'windowMs' in metric ? metric.windowMs : 0,
    ...('minLabels' in metric ? { minLabels: metric.minLabels } : undefined),
  }
  const margin = maxChange === 0 ? sensitivity : maxChange!
  const aboveCap = (cap: number, read: (request: Request) => number | null): Asked => ({
    ...{ ...asked, id: `${id}/above-cap`, kind: 'guard', floor: 0.005 },
    isAboveLearnt: learnt !== null,
    harmRatio: better === 'lower' ? 1.5 : 1 / 1.5,
    proofRatio: better === 'lower' ? 1.5 : null,
    ...(better === 'lower' ? { apart: 'clearly' as const } : undefined),
    event: (request, isHarm) => {
      const y = read(request)
      const allowed =
        better === 'lower' && request.side === 1 ? 1 + (isHarm ? maxChange! : margin) : 1
      return y === null ? null : y > cap * allowed
    },
  })
  const missing = (has: (request: Request) => boolean): Asked => ({
    ...{ ...asked, id: `${id}/label-missing`, kind: 'guard', harmRatio: 1, proofRatio: null },
    ...{
      required: false,
      isGuard: asked.required,
      isAtGuardLevel: true,
      isOnlyShown: false,
      better: 'lower',
      judgedFrom: 0,
    },
    event: (request) => (request.observed ? !has(request) : null),
  })
  switch (metric.kind) {
    case 'error-rate':
      return [
        {
          ...{ ...asked, floor: metric.floor, isOutcome: true },
          event: ({ outcome }) => FAILED.includes(outcome),
        },
      ]
    case 'latency':
      return [
        {
          // The margin is in the canary's threshold.
          ...{ ...asked, harmRatio: 1, proofRatio: 1, isOutcome: true },
          event: ({ outcome, latencyMs, side }, isHarm, terms) => {
            if (terms === null) return null
            if (outcome !== 'ok') return true
            return (
              latencyMs > (side === 0 ? terms.baselineMs : isHarm ? terms.harmMs : terms.proofMs)
            )
          },
        },
      ]
    case 'rmse':
    case 'mae':
    case 'log-loss': {
      const power = isSquare ? 2 : 1
      const cap = metric.cap ?? learnt!.cap
      const error = metric.kind === 'log-loss' ? lossOf : errorOf
      const value = (request: Request) => {
        const y = error(request)
        return y === null ? null : Math.min(y, cap) ** power
      }
      return [
        { ...asked, value, cap: cap ** power },
        aboveCap(cap, error),
        {
          ...missing((request) => error(request) !== null),
          isUnscored: (request) => error(request) === null,
        },
      ]
    }
    case 'accuracy': {
      const value = ({ prediction, label }: Request) =>
        prediction === null || label === null ? null : Number(prediction === label)
      return [{ ...asked, value, cap: 1 }, missing((request) => value(request) !== null)]
    }
    case 'conversion':
      return [
        {
          ...{ ...asked, floor: metric.floor },
          event: ({ events }) => events.some(({ name }) => name === metric.event),
        },
      ]
    case 'mean': {
      const cap = metric.cap ?? learnt!.cap
      const of = metric.from.in === 'event' ? metric.from.event : null
      const first = ({ events }: Request) =>
        events
          .toSorted((a, b) => a.at - b.at)
          .find(({ name, amount }) => name === of && amount >= 0)?.amount ?? null
      const value = (request: Request) => {
        const y = first(request)
        return y === null ? null : Math.min(y, cap)
      }
      // Asked of every unit that was drawn, and not of those alone whose answers are looked at.
      const event = (request: Request) => first(request) === null
      return [{ ...asked, value, cap }, aboveCap(cap, first), { ...missing(() => true), event }]
    }
    case 'sum': {
      const cap = metric.cap ?? learnt!.cap
      const total = ({ events }: Request) =>
        events.reduce((sum, { name, amount }) => sum + (name === metric.event ? amount : 0), 0)
      const value = (request: Request) => Math.min(Math.max(total(request), 0), cap)
      return [{ ...asked, value, cap }, aboveCap(cap, total)]
    }
    case 'ratio': {
      const { cap } = metric
      const count =
        (of: string) =>
        ({ events }: Request) =>
          Math.min(events.filter(({ name }) => name === of).length, cap)
      const [value, denominator] = [count(metric.numerator), count(metric.denominator)]
      return [{ ...asked, value, denominator, cap }]
    }
    default:
      throw new Error(`no oracle of ${metric.kind}`)
  }
}

function errorOf({ prediction, label }: Request): number | null {
  return prediction === null || label === null ? null : Math.abs(prediction - label)
}

/** −ln of the probability that was given to what came. */
function lossOf({ prediction: p, label }: Request): number | null {
  if (p === null || p < 0 || p > 1 || (label !== 0 && label !== 1)) return null
  return -Math.log(label === 1 ? p : 1 - p)
}

/** By evidence: neither by a limit alone, nor by counting. */
function isCompared({ maxChange, threshold }: MetricSpec): boolean {
  return maxChange !== null && threshold === undefined
}
