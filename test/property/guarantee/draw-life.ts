import { parseConfig } from '../../../src/config/load.ts'
import type { Service } from '../../../src/domain/service.ts'
import { Chance, given } from '../lives/chance.ts'
import { ALIKE, type Difference } from './difference.ts'
import { drawMetrics, type DrawnMetric } from './draw-metrics.ts'
import { drawTraffic, type Traffic } from './draw-traffic.ts'
import type { Scale } from './scale.ts'

/** What the canary is: as the baseline, exactly at the margin of the first metric, or far beyond it. */
export type Canary = 'alike' | 'at margin' | 'far worse'

/** Who acts beside the evaluator: nobody, an operator at any moment, or one at the worst. */
export type Hand = 'none' | 'any' | 'worst'

/** A rollout that a seed draws. */
export type Life = {
  readonly seed: number
  readonly canary: Canary
  readonly service: Service
  readonly traffic: Traffic
  readonly scale: Scale
  readonly difference: Difference
  readonly hand: Hand
  readonly metrics: readonly DrawnMetric[]
  /** What it has, in words that rollouts are told apart by. */
  readonly features: readonly string[]
}

/** Draws a rollout of up to about so many requests. */
export function drawLife(seed: number, canary: Canary, requests: number): Life {
  const chance = new Chance(seed)
  for (let tries = 0; tries < 50; tries++) {
    // Of what differs it is to be known by how much.
    const isExact = canary !== 'alike'
    const traffic = drawTraffic(chance, requests, isExact)
    const { parts, features, hand } = drawRollout(chance, traffic, canary)
    const { metrics, scale } = drawMetrics(chance, traffic, isExact)
    const service = read(parts, metrics)
    if (service === null) continue
    const [first] = metrics
    const difference = {
      alike: ALIKE,
      'at margin': first!.atMargin,
      'far worse': first!.farWorse,
    }[canary]
    const all = [
      ...features,
      ...metrics.flatMap((m) => m.features),
      ...featuresOf(traffic),
      `${metrics.length} metrics`,
    ]
    return {
      seed,
      canary,
      service,
      traffic,
      scale,
      difference,
      hand,
      metrics,
      features: [...new Set(all)],
    }
  }
  throw new Error(`seed ${seed}: no configuration was taken`)
}

function drawRollout(chance: Chance, traffic: Traffic, canary: Canary) {
  const isBlueGreen = canary === 'alike' && chance.isSo(0.06)
  const isMirrored = canary === 'alike' && !isBlueGreen && chance.isSo(0.12)
  const seconds = (most: number) => `${Math.max(1, Math.round(most))}s`
  const gates = () => ({
    minDuration: seconds(chance.pick(0.01, 0.05) * traffic.seconds),
    minRequests: chance.pick(0, 10, 50),
  })
  const ramp = chance.pick(
    ['1%', '50%'],
    ['5%', '20%', '50%'],
    ['10%'],
    ['20%', '30%', '40%'],
    ['50%'],
    ['80%'],
    ['5%', '95%'],
    ['0.5%', '2%', '10%', '60%'],
  )
  const pause = chance.maybe(0.2, () =>
    chance.pick<object | string>({}, seconds(traffic.seconds / 40)),
  )
  const steps: object[] = isMirrored ? [{ mirror: chance.pick('100%', '30%'), ...gates() }] : []
  for (const weight of ramp) {
    steps.push({ weight, ...gates() })
    if (pause !== undefined && weight === ramp[0]) steps.push({ pause })
  }
  steps.push({ weight: '100%' })
  const holdback = chance.maybe(0.25, () => chance.pick('2%', '4%'))
  const watch = traffic.seconds * chance.pick(0.1, 0.5)
  const interval = chance.pick(1, 2, 5, 30) * Math.ceil(traffic.seconds / 1000)
  const onInconclusive = chance.pick('hold', 'hold', 'rollback', 'promote')
  const hand = canary === 'alike' ? chance.pick<Hand>('none', 'none', 'any', 'worst') : 'none'
  const alpha = chance.pick(0.05, 0.05, 0.2)
  const sample = chance.maybe(0.1, () => '50%')
  const fallback = chance.maybe(0.1, () => 'baseline')
  const parts = {
    idempotent: true,
    split: traffic.keys === null ? undefined : { key: 'header:x-user' },
    observe: given({
      prediction: 'body:/p',
      sample,
      segment:
        traffic.segments.length === 0
          ? undefined
          : { from: 'header:x-tier', values: traffic.segments.map((_, i) => `s${i}`) },
    }),
    rollout: given({
      strategy: isBlueGreen ? 'blue-green' : undefined,
      steps: isBlueGreen ? [{ pause: {} }, { weight: '100%' }] : steps,
      maxDuration: seconds(traffic.seconds * chance.pick(0.7, 1, 3)),
      watch: seconds(watch),
      holdback: isBlueGreen ? '5%' : holdback,
      onInconclusive,
      fallback,
    }),
    analysis: {
      interval: `${interval}s`,
      warmUp: seconds(traffic.seconds * chance.pick(0.001, 0.02)),
      minRequests: chance.pick(0, 50, 500),
      alpha: { rollback: alpha, promote: alpha },
    },
  }
  const features = [
    `alpha ${alpha}`,
    isBlueGreen ? 'blue-green' : `${ramp.length} weights`,
    ...(isBlueGreen ? [] : [`weights to ${ramp.at(-1)}`]),
    ...(isMirrored ? ['mirror step'] : []),
    ...(pause === undefined ? [] : [typeof pause === 'string' ? 'timed pause' : 'approval']),
    ...(holdback === undefined && !isBlueGreen ? [] : ['holdback']),
    ...(sample === undefined ? [] : ['sampled']),
    `${interval > traffic.seconds / 40 ? 'few' : 'many'} looks`,
    `operator ${hand}`,
    `onInconclusive ${onInconclusive}`,
  ]
  return { parts, features, hand }
}

function featuresOf(traffic: Traffic): readonly string[] {
  const { keys, perSecond } = traffic
  const has = (name: string, is: boolean) => (is ? [name] : [])
  return [
    perSecond < 5 ? 'below 5/s' : perSecond < 50 ? '5 to 50/s' : 'above 50/s',
    ...(keys === null
      ? ['no key']
      : [
          'keys',
          `keys ${keys.count}`,
          `skew ${keys.skew}`,
          `fresh ${keys.fresh}`,
          `keys differ ${keys.differ}`,
        ]),
    ...has('waves of rate', traffic.rate.height > 0.3),
    ...has('waves of failures', traffic.failures.height > 0.3),
    ...has('waves of latency', traffic.slowness.height > 0.3),
    ...has('outages', traffic.outages.length > 0),
    ...has('sent again', traffic.again > 0),
    ...has('clients leave', traffic.leaving > 0),
    ...has('answers with 4xx', traffic.refused > 0),
    ...has('deadlines', traffic.deadlines > 0),
    ...has('labels late', traffic.labelSeconds >= 5),
    ...has('labels missing', traffic.unlabelled > 0),
    ...has('failed requests labelled', traffic.labelsFailed),
    ...has('large errors lack labels', traffic.shyErrors),
  ]
}

/** The service; null = its configuration is refused. */
function read(parts: object, metrics: readonly DrawnMetric[]): Service | null {
  const upstreams = ['http://127.0.0.1:9001']
  const { analysis, ...rest } = parts as { analysis: object }
  const svc = {
    match: { path: '/*' },
    variants: { baseline: { version: 'b', upstreams }, canary: { version: 'c', upstreams } },
    ...rest,
    analysis: { ...analysis, metrics: Object.fromEntries(metrics.map((m) => [m.name, m.parts])) },
  }
  const config = { version: 1, gateway: { listen: '127.0.0.1:0' }, services: { svc } }
  // JSON is YAML.
  const result = parseConfig(JSON.stringify(config), { file: null, env: {} })
  return result.ok ? result.config.services[0]! : null
}
