import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { parse, stringify } from 'yaml'
import type { ServiceJson } from '../../../src/admin/present.ts'
import { buildDemoConfig } from '../../../src/demo/build-demo-config.ts'
import { buildPace } from '../../../src/demo/scenario.ts'
import { untilService } from '../../e2e/support/admin-api.ts'
import { buildConfig, type ServiceParts } from '../../e2e/support/config.ts'
import { createEvenly } from '../../e2e/support/evenly.ts'
import { startLoad, type Answered, type Load } from '../../e2e/support/load.ts'
import { startModel } from '../../e2e/support/model-server.ts'
import { seeded } from '../../e2e/support/seeded.ts'
import { startSerin, writeConfig, type SerinGateway } from '../../e2e/support/serin-process.ts'
import { startUpstream } from '../../support/fake-upstream.ts'
import { fencedBlocks } from '../markdown-pages.ts'

type Tree = Record<string, unknown>
type ServiceTree = Tree & Record<'split' | 'analysis' | 'rollout' | 'variants', Tree>

/** A gateway with the services that the pages speak of, each on its way to the state that its page shows. */
export type World = {
  readonly gateway: SerinGateway
  /** The services, as the file has them. */
  readonly services: Readonly<Record<string, ServiceParts>>
  /** Resolves when what its page shows has come; then nobody asks the service any more. */
  readonly settled: Readonly<Record<'price' | 'mpg-skewed' | 'ranking', Promise<void>>>
  /** From now on there are requests for `house-prices`. */
  readonly askForHousePrices: () => Load
  /** From now on nearly all requests to the next version of `house-prices` fail. */
  readonly failHousePrices: () => void
}

const SECRET = 'sixteen--letters'

/** What the demo's configuration has, whose figures the pages show. */
export const DEMO_CONFIG = buildDemoConfig({
  ...{ dataPort: 8080, adminPort: 9090, storeFolder: './data', pace: buildPace(true) },
  upstreams: [{ service: 'mpg-skewed', baselinePort: 8001, canaryPort: 8002 }],
})

/** Starts it, with traffic: the canaries of `price` and `mpg-skewed` err far more, `small` of `ranking` sells far less. */
export async function startWorld(t: Test): Promise<World> {
  const draw = seeded(11)
  const [good, bad] = [
    await startModel(t, draw, { error: 4, failures: 0 }),
    await startModel(t, draw, { error: 11, failures: 0 }),
  ]
  const house = await startHouse(t)
  const services: Record<string, ServiceParts> = {
    price: priceOf(),
    'mpg-skewed': skewedOf(),
    ranking: rankingOf(),
    m: experimentOf(),
    'house-prices': patient(serviceOf(exampleOf('blue-green.yaml'), 'house-prices')),
    'credit-risk': serviceOf(parse(yamlOf('README.md')) as Tree, 'credit-risk'),
    'resnet-18': serviceOf(exampleOf('quick-start-torchserve.yaml'), 'resnet-18'),
  }
  // What the second variants are, where they are not as good as the first.
  const others: Readonly<Record<string, { readonly origin: string }>> = {
    ...{ price: bad, 'mpg-skewed': bad, 'house-prices': house },
  }
  for (const [name, service] of Object.entries(services)) {
    const { variants } = service as ServiceTree
    for (const [at, variant] of Object.values(variants as Record<string, Tree>).entries()) {
      const { origin } = at === 1 ? (others[name] ?? good) : good
      variant['upstreams'] = [origin]
    }
  }
  const folder = t.testdir({})
  const gateway = await startSerin(t, writeConfig(folder, buildConfig(folder, services)), {
    SERIN_OVERRIDE_SECRET: SECRET,
  })
  return { gateway, services, ...startTraffic(t, gateway, draw), failHousePrices: house.fail }
}

/** Starts what is asked of the services, by ever new users, until each has come to what its page shows. */
function startTraffic(
  t: Test,
  gateway: SerinGateway,
  draw: () => number,
): Pick<World, 'settled' | 'askForHousePrices'> {
  const load = (path: string, perSecond: number, say?: (answered: Answered) => readonly object[]) =>
    startLoad(t, {
      ...{ data: () => gateway.data, admin: () => gateway.admin, path, concurrency: 4, perSecond },
      ...(say === undefined ? {} : { say }),
      draw,
    })
  const settle = async (service: string, asked: Load, isSo: (s: ServiceJson) => boolean) => {
    await untilService(gateway.admin, service, 'has come to what its page shows', isSo)
    await asked.stop()
  }
  const isRolledBack = ({ phase }: ServiceJson) => phase === 'rolled-back'
  const isSmallWorse = ({ comparisons }: ServiceJson) =>
    comparisons.some(({ variant, verdict }) => variant === 'small' && verdict === 'worse')
  const [isBuyer, isBuyerOfSmall] = [createEvenly(() => 0.95), createEvenly(() => 0.6)]
  const buy = ({ requestId, variant }: Answered) =>
    (variant === 'small' ? isBuyerOfSmall : isBuyer)() ? [{ requestId, event: 'purchase' }] : []
  return {
    settled: {
      price: settle('price', load('/predict', 150), isRolledBack),
      'mpg-skewed': settle('mpg-skewed', load('/v2/models/mpg-skewed/infer', 150), isRolledBack),
      ranking: settle('ranking', load('/rank/infer', 150, buy), isSmallWorse),
    },
    askForHousePrices: () => load('/v2/models/house-prices/infer', 100, () => []),
  }
}

/** A file with one of these services, its settings changed; throws where there is nothing to change. */
export function changedFile({ services }: World, name: string, was: string, is: string): string {
  const text = stringify({
    ...{ version: 1, gateway: { listen: '127.0.0.1:8080' } },
    services: { [name]: services[name] },
  })
  if (!text.includes(was)) throw new Error(`${name} has no ${was}`)
  return text.replaceAll(was, is)
}

/** Sends one request of `user`, and gives the id of its answer. */
export async function askOnce(data: string, path: string, user: string): Promise<string> {
  const answer = await fetch(`${data}${path}`, {
    ...{ method: 'POST', body: '{"x":1}' },
    headers: { 'content-type': 'application/json', 'x-user-id': user },
  })
  await answer.arrayBuffer()
  return answer.headers.get('x-request-id')!
}

/** The first YAML block of a page. */
export function yamlOf(page: string): string {
  return fencedBlocks().find((block) => block.page === page && block.language === 'yaml')!.text
}

/** A model server that is well all the time, and may be made to fail nearly all requests. */
async function startHouse(t: Test) {
  const isFailure = createEvenly(() => share)
  let share = 0
  const upstream = await startUpstream((_req, res, { url }) => {
    upstream.seen.length = 0
    const status = url !== '/v2/health/ready' && isFailure() ? 500 : 200
    res.writeHead(status, { 'content-type': 'application/json' }).end('{"outputs":[{"data":[1]}]}')
  })
  t.teardown(upstream.close)
  return { origin: upstream.origin, fail: () => void (share = 0.9) }
}

function exampleOf(name: string): Tree {
  return parse(readFileSync(`config/examples/${name}`, 'utf8')) as Tree
}

function serviceOf(config: Tree, name: string): ServiceTree {
  return (config['services'] as Record<string, ServiceTree>)[name]!
}

/** The same steps, a second each. */
function quick(service: ServiceTree): ServiceTree {
  const { rollout, analysis } = service
  for (const step of rollout['steps'] as Tree[]) {
    if ('minDuration' in step) step['minDuration'] = '1s'
  }
  Object.assign(analysis, { interval: '500ms', warmUp: '500ms' })
  return patient(service)
}

/** Neither a label that is late nor a slow answer decides where a machine is busy. */
function patient(service: ServiceTree): ServiceTree {
  for (const metric of Object.values(service.analysis['metrics'] as Record<string, Tree>)) {
    if (metric['kind'] === 'rmse') metric['labelWindow'] = '5s'
    if (metric['kind'] === 'latency') metric['max'] = '60s'
  }
  return service
}

/** The service of the first canary, at the second of its rollouts. */
function priceOf(): ServiceTree {
  const service = quick(serviceOf(parse(yamlOf('docs/first-canary.md')) as Tree, 'price'))
  const [baseline, canary] = Object.values(service.variants as Record<string, Tree>)
  baseline!['version'] = '2.0'
  canary!['version'] = '3.0'
  return { ...service, observe: { prediction: 'body:/outputs/0/data/0' } } as ServiceTree
}

/** The demo's service at its last step, which no version leaves without proof. */
function skewedOf(): ServiceTree {
  const service = quick(serviceOf(parse(DEMO_CONFIG) as Tree, 'mpg-skewed'))
  service.rollout['steps'] = (service.rollout['steps'] as Tree[]).slice(-2)
  return service
}

/** The example, judged by what its page shows. */
function rankingOf(): ServiceTree {
  const service = serviceOf(exampleOf('abn.yaml'), 'ranking')
  const { errors, conversion } = service.analysis['metrics'] as Record<string, Tree>
  const metrics = { errors, conversion: { ...conversion, window: '1s' } }
  return {
    ...service,
    split: { ...service.split, key: 'header:x-user-id' },
    analysis: { interval: '500ms', warmUp: 0, metrics },
  } as ServiceTree
}

function experimentOf(): ServiceParts {
  const variant = (version: string) => ({ version, upstreams: [] })
  return {
    match: { path: '/m/*' },
    variants: { baseline: variant('1'), small: variant('2-small'), large: variant('2-large') },
    observe: { prediction: 'body:/outputs/0/data/0' },
    ...(parse(yamlOf('docs/ab-testing.md')) as Tree),
  }
}
