import { given, type Chance } from './chance.ts'
import { drawMetric, type MetricParts } from './draw-metric.ts'
import { HEALTH_PATH } from './life-models.ts'

/** A service as a file has it, as far as a life changes it. */
export type ServiceParts = Readonly<Record<string, unknown>> & {
  readonly variants: Readonly<Record<string, VariantParts>>
  readonly split?: Readonly<Record<string, unknown>>
  readonly rollout?: Readonly<Record<string, unknown>>
  readonly analysis: Readonly<Record<string, unknown>>
}

/** A variant as a file has it, as far as a life changes it. */
export type VariantParts = Readonly<Record<string, unknown>> & { readonly version: string }

/** Origins of those whom a service asks. */
export type Origins = {
  /** The models of baseline, canary and a third variant. */
  readonly models: readonly [string, string, string]
  /** Further servers of the models of baseline and canary. */
  readonly seconds: readonly [string, string]
  /** Answers `prometheus` and `http`. */
  readonly judge: string
}

/** Draws a service at `/NAME/*`; whether it is valid is for the configuration's checks to say. */
export function drawService(chance: Chance, name: string, origins: Origins): ServiceParts {
  const isFixed = chance.isSo(0.25)
  const variants = drawVariants(chance, origins)
  const third = Object.keys(variants)[2] ?? null
  const metrics = drawMetrics(chance, origins.judge)
  const hasSegments = Object.values(metrics).some((metric) => 'segments' in metric)
  const key = drawKey(chance)
  const isBlueGreen = !isFixed && chance.isSo(0.12)
  const split = given({
    key,
    rules: drawRules(chance, 0.2),
    weights: isFixed ? drawWeights(chance, third) : undefined,
    override:
      isBlueGreen && chance.isSo(0.6)
        ? { header: 'x-variant', secret: 'a-secret-of-sixteen-letters' }
        : undefined,
  })
  const observe = {
    ...given({
      prediction: chance.maybe(0.85, () => 'body:/score'),
      sample: chance.maybe(0.1, () => '50%'),
    }),
    ...(hasSegments || chance.isSo(0.1) ? { segment: drawSegment(chance) } : {}),
  }
  return {
    match: { path: `/${name}/*` },
    ...given({
      idempotent: chance.maybe(0.7, () => true),
      errors: chance.maybe(0.1, () => ({ statuses: [500, 503, 422] })),
      mirror:
        third === null || isFixed
          ? undefined
          : chance.maybe(0.4, () => [drawMirror(chance, third)]),
      rollout: isFixed ? undefined : drawRollout(chance, isBlueGreen),
    }),
    variants,
    split,
    observe,
    analysis: drawAnalysis(chance, metrics),
  }
}

function drawVariants(
  chance: Chance,
  { models, seconds }: Origins,
): Readonly<Record<string, VariantParts>> {
  const version = (of: string) => `${of}${chance.whole(0, 3)}.${chance.whole(0, 1)}`
  const one = (of: string, origin: string, second?: string) => ({
    version: version(of),
    upstreams: second === undefined || chance.isSo(0.6) ? [origin] : [origin, second],
    ...drawCare(chance),
  })
  const third = chance.maybe(0.3, () => chance.pick('shadow', 'challenger'))
  return {
    baseline: one('b', models[0], seconds[0]),
    canary: one('c', models[1], seconds[1]),
    ...(third === undefined ? {} : { [third]: one('x', models[2]) }),
  }
}

/** How a variant's upstreams are looked after. */
function drawCare(chance: Chance) {
  const health = () => ({
    ...{ path: HEALTH_PATH, interval: '1s' },
    ...{ unhealthyAfter: chance.pick(1, 3), healthyAfter: chance.pick(1, 2) },
  })
  const eject = () => ({
    ...{ consecutiveFailures: chance.pick(1, 3) },
    ...{ base: chance.pick('1s', '5s'), max: '20s' },
  })
  return given({
    health: chance.maybe(0.4, health),
    eject: chance.maybe(0.4, eject),
    slowStart: chance.maybe(0.2, () => '5s'),
    ...drawLimits(chance),
  })
}

/** How many it answers at once, and how long they may take. */
function drawLimits(chance: Chance) {
  const maxInFlight = chance.maybe(0.2, () => chance.pick(1, 2))
  const queue = () => ({ max: chance.pick(1, 3), timeout: chance.pick('250ms', '2s') })
  const timeout = () => ({
    [chance.pick('firstByte', 'idle', 'total')]: chance.pick('500ms', '1s'),
  })
  return {
    maxInFlight,
    queue: maxInFlight === undefined ? undefined : chance.maybe(0.6, queue),
    timeout: chance.maybe(0.3, timeout),
  }
}

function drawMetrics(chance: Chance, judge: string): Readonly<Record<string, MetricParts>> {
  const count = chance.pick(0, 1, 2, 3, 5)
  const all = Array.from({ length: count }, () => drawMetric(chance, judge))
  return Object.fromEntries(all.map((metric, i) => [`${metric.kind}-${i}`, metric]))
}

/** Where the key of a request stands; undefined = it has none. */
export function drawKey(chance: Chance): string | undefined {
  return chance.maybe(0.7, () => chance.pick('header:x-user', 'body:/user', 'query:u', 'cookie:u'))
}

/** Rules of a split with this probability; undefined = it has none. */
export function drawRules(chance: Chance, probability: number): readonly object[] | undefined {
  return chance.maybe(probability, () => [drawRule(chance)])
}

function drawRule(chance: Chance) {
  const when = chance.pick<object>(
    { 'header:x-tier': ['gold'] },
    { 'header:x-tier': { prefix: 'pl' } },
    { 'body:/n': { gte: 5 } },
  )
  return { when, ...chance.pick<object>({ variant: 'canary' }, { weights: { canary: '30%' } }) }
}

/** Weights of a fixed split. */
export function drawWeights(chance: Chance, third: string | null) {
  const canary = chance.pick('10%', '50%', '33.33%')
  return third === null ? { canary } : { canary, [third]: chance.pick('10%', '25%') }
}

function drawSegment(chance: Chance) {
  const from = chance.pick('header:x-tier', 'body:/tier')
  return { from, values: chance.pick(['gold'], ['gold', 'platinum'], ['gold', 'platinum', 'tin']) }
}

function drawMirror(chance: Chance, to: string) {
  const share = chance.maybe(0.5, () => '50%')
  return { to, ...given({ share, tolerance: chance.maybe(0.3, () => 0.5) }) }
}

function drawRollout(chance: Chance, isBlueGreen: boolean) {
  const approval = [{ pause: chance.pick<object | string>({}, '2s') }, { weight: '100%' }]
  return given({
    strategy: isBlueGreen ? 'blue-green' : undefined,
    start: chance.maybe(0.1, () => 'manual'),
    steps: isBlueGreen ? approval : drawSteps(chance),
    maxDuration: chance.maybe(0.3, () => chance.pick('5s', '20s')),
    onInconclusive: chance.maybe(0.5, () => chance.pick('hold', 'rollback', 'promote')),
    watch: chance.pick('0s', '3s', '10s', '30m'),
    holdback: chance.maybe(0.25, () => chance.pick('5%', '20%')),
    cooldown: chance.pick('0s', '2s', '1h'),
    fallback: chance.maybe(0.15, () => 'baseline'),
  })
}

function drawSteps(chance: Chance): readonly object[] {
  const mirror = () => ({
    mirror: chance.pick('100%', '40%'),
    minRequests: chance.pick(5, 20),
    minDuration: chance.pick('1s', '3s'),
    ...given({ tolerance: chance.maybe(0.3, () => 0), maxBody: chance.maybe(0.2, () => '1KiB') }),
  })
  const weights = chance.pick(
    ['5%', '50%', '100%'],
    ['50%', '100%'],
    ['1%', '20%', '99.95%', '100%'],
    ['12.25%', '100%'],
    ['0.01%', '60%', '100%'],
  )
  const steps: object[] = chance.isSo(0.25) ? [mirror()] : []
  for (const weight of weights) {
    const minRequests = chance.maybe(0.5, () => chance.pick(0, 5, 40))
    steps.push({ weight, minDuration: chance.pick('0s', '1s', '3s'), ...given({ minRequests }) })
    if (weight !== '100%' && chance.isSo(0.12))
      steps.push({ pause: chance.pick<object | string>({}, '2s') })
  }
  return steps
}

function drawAnalysis(chance: Chance, metrics: Readonly<Record<string, MetricParts>>) {
  return given({
    interval: chance.pick('1s', '1s', '2s', '500ms'),
    warmUp: chance.pick('0s', '0s', '1s'),
    minRequests: chance.pick(0, 20, 50),
    alpha: chance.maybe(0.1, () => ({ rollback: 0.01, promote: 0.1 })),
    breaker: chance.maybe(0.1, () => ({ failures: '30%' })),
    metrics: Object.keys(metrics).length === 0 ? undefined : metrics,
  })
}
