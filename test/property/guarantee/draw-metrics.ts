import { given, type Chance } from '../lives/chance.ts'
import type { Difference } from './difference.ts'
import { differencesOf } from './differences.ts'
import { limitOf } from './draw-limit.ts'
import type { Traffic } from './draw-traffic.ts'
import { FAMILIES, type Family, type Scale } from './scale.ts'
import { crestOf, percent } from './sizes.ts'

/** A metric as a file has it, and canaries that it is about. */
export type DrawnMetric = {
  readonly name: string
  readonly kind: string
  readonly parts: Readonly<Record<string, unknown>>
  /** Exactly what a proof excludes. */
  readonly atMargin: Difference
  readonly farWorse: Difference
  readonly features: readonly string[]
}

const KINDS_OF: Readonly<Record<Family, readonly string[]>> = {
  numbers: ['rmse', 'mae'],
  classes: ['accuracy'],
  probabilities: ['log-loss'],
}

const OTHERS = [
  'error-rate',
  'error-rate',
  'latency',
  'conversion',
  'sum',
  'mean',
  'tokens',
  'ratio',
]

/** Draws the metrics of a service; `isExact`: the first is one that a canary can be held to the margin of. */
export function drawMetrics(
  chance: Chance,
  traffic: Traffic,
  isExact: boolean,
): { readonly metrics: readonly DrawnMetric[]; readonly scale: Scale } {
  const family = chance.pick<Family>('numbers', 'classes', 'probabilities')
  const windowSeconds = chance.pick(2, 5, Math.max(2, Math.round(traffic.seconds / 30)))
  // It begins with the request, and most events come after the answer.
  const windowMs = Math.max(1000 * windowSeconds, 10 * traffic.latencyMs)
  const drawn = Array.from({ length: chance.pick(1, 1, 2, 3, 6) }, () =>
    chance.isSo(0.35) ? chance.pick(...KINDS_OF[family]) : chance.pick(...OTHERS),
  )
  const scale = {
    family: FAMILIES[family],
    isNumeric: family !== 'probabilities',
    error: family === 'probabilities' ? 0.3 : chance.pick(0.01, 1, 20),
    amount: chance.pick(0.5, 30),
    hasEvents: drawn.some((kind) => ['conversion', 'sum', 'mean', 'ratio'].includes(kind)),
    windowMs,
  }
  const metrics = drawn.map((kind, i) => drawMetric(chance, traffic, scale, kind, i, isExact))
  return { metrics, scale }
}

function drawMetric(
  chance: Chance,
  traffic: Traffic,
  scale: Scale,
  kind: string,
  index: number,
  isExact: boolean,
): DrawnMetric {
  const isFirst = isExact && index === 0
  const higher = kind === 'accuracy' || (isOfEvents(kind) && chance.isSo(0.6))
  const margin = higher ? chance.pick(0, 0.05, 0.2, 0.5) : chance.pick(0, 0, 0.05, 0.2, 0.5, 1)
  const usual = kind === 'error-rate' ? 0.5 : kind === 'latency' ? 0.1 : 0.05
  const sensitivity = chance.maybe(0.5, () => chance.pick(0.1, 0.3))
  const proof = margin > 0 ? margin : (sensitivity ?? usual)
  const hasFloor = kind === 'error-rate' || (kind === 'conversion' && !higher)
  const floor = hasFloor ? chance.pick(0, 0.001, 0.001, 0.01) : 0
  const limit = isFirst
    ? undefined
    : chance.maybe(0.35, () => limitOf(traffic, scale, kind, higher))
  const cap = capOf(chance, traffic, scale, kind, proof, isExact, limit !== undefined)
  const isLimitOnly = limit !== undefined && chance.isSo(0.4)
  const segments = traffic.segments.length > 0 && !isLimitOnly && chance.isSo(0.5)
  const marginKey = higher ? 'maxDecrease' : 'maxIncrease'
  const window = isLabelled(kind) ? 'labelWindow' : 'window'
  const parts = given({
    kind: kind === 'tokens' ? 'mean' : kind,
    onFailure: isFirst ? undefined : chance.maybe(0.2, () => chance.pick('pause', 'warn')),
    mode: isFirst ? undefined : chance.maybe(0.05, () => 'report'),
    [marginKey]: isLimitOnly ? undefined : percent(margin),
    better: isOfEvents(kind) ? (higher ? 'higher' : 'lower') : undefined,
    sensitivity: sensitivity === undefined || isLimitOnly ? undefined : percent(sensitivity),
    floor: !hasFloor || isLimitOnly ? undefined : percent(floor),
    segments: segments ? true : undefined,
    cap,
    ...limit,
    quantile: kind === 'latency' ? chance.pick(0.5, 0.9, 0.95, 0.99) : undefined,
    [window]:
      isLabelled(kind) || (isOfEvents(kind) && kind !== 'tokens')
        ? `${scale.windowMs}ms`
        : undefined,
    minLabels:
      isLabelled(kind) || kind === 'mean' || kind === 'tokens'
        ? chance.pick(1, 30, 100)
        : undefined,
    ...EVENTS_OF[kind],
  })
  const features = [
    `kind ${kind}`,
    ...(limit === undefined
      ? []
      : [isLimitOnly ? 'limit alone' : 'limit and margin', `limit of ${kind}`]),
    ...(isLimitOnly ? [] : [margin === 0 ? 'margin 0' : 'margin above 0']),
    ...(segments ? ['segments'] : []),
    ...(isCapped(kind) ? [cap === undefined ? 'cap learnt' : 'cap given'] : []),
    ...sizesOf(traffic, kind),
  ]
  const [atMargin, farWorse] = differencesOf(kind, higher, proof, floor)
  return { name: `m${index}`, kind, parts, atMargin, farWorse, features }
}

const EVENTS_OF: Readonly<Record<string, object>> = {
  conversion: { event: 'buy' },
  sum: { event: 'buy', field: 'amount' },
  mean: { event: 'buy', field: 'amount' },
  tokens: { of: 'body:/tokens' },
  ratio: { numerator: 'click', denominator: 'view' },
}

function isOfEvents(kind: string): boolean {
  return kind in EVENTS_OF
}

function isLabelled(kind: string): boolean {
  return ['rmse', 'mae', 'accuracy', 'log-loss'].includes(kind)
}

function isCapped(kind: string): boolean {
  return ['rmse', 'mae', 'log-loss', 'sum', 'mean', 'tokens', 'ratio'].includes(kind)
}

function sizesOf(traffic: Traffic, kind: string): readonly string[] {
  if (kind === 'latency') return [`latencies ${traffic.latency.name}`]
  if (kind === 'error-rate') return [`failing ${traffic.failing}`]
  if (kind === 'conversion') return [`buying ${traffic.buying}`]
  if (kind === 'accuracy') return [`right ${traffic.right}`]
  if (kind === 'ratio') return [`clicking ${traffic.clicking} of ${traffic.viewing}`]
  return isLabelled(kind) ? [`errors ${traffic.errors.name}`] : [`amounts ${traffic.amounts.name}`]
}

function capOf(
  chance: Chance,
  { errors, amounts, errorWave }: Traffic,
  { error, amount }: Scale,
  kind: string,
  proof: number,
  isExact: boolean,
  isLimited: boolean,
): number | undefined {
  if (!isCapped(kind)) return undefined
  const [sizes, unit] = isLabelled(kind) ? [errors, error * crestOf(errorWave)] : [amounts, amount]
  if (kind === 'ratio')
    return isExact || isLimited ? 200 : chance.maybe(0.5, () => chance.pick(1, 3, 50))
  // A limit is one of what nothing cuts off.
  if (isLimited && kind !== 'ratio') return chance.maybe(0.5, () => unit * 20)
  // Under it everything is seen, also of a canary at its margin.
  if (isExact) return sizes.most * unit * (1 + proof) * 1.01
  return chance.maybe(0.5, () => unit * chance.pick(0.5, 3, 10))
}
