import t from 'tap'
import type { ServiceJson } from '../../src/admin/present.ts'
import { postFeedback, readDecisions, readSample, untilService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { createEvenly } from './support/evenly.ts'
import { startLoad, type Answered, type Load } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'

const WINDOW = '4s'
const CONVERSION = { kind: 'conversion', event: 'purchase', maxDecrease: '10%', window: WINDOW }

/** By service: what it is judged by, who may buy, and how many of them do. */
const SCENES = {
  requests: {
    split: { key: undefined },
    metrics: { conversion: CONVERSION },
    buyers: { baseline: 0.5, canary: 0.2 },
  },
  users: {
    split: {},
    metrics: { conversion: { ...CONVERSION, onFailure: 'pause' } },
    buyers: { baseline: 0.5, canary: 0.2 },
  },
  alike: {
    split: {},
    metrics: {
      conversion: { ...CONVERSION, maxDecrease: '50%' },
      revenue: {
        ...{ kind: 'sum', event: 'purchase', field: 'amount', maxDecrease: '50%', cap: 20 },
        ...{ window: WINDOW, mode: 'report' },
      },
    },
    buyers: { baseline: 0.5, canary: 0.5 },
  },
} as const
type Name = keyof typeof SCENES
const NAMES = Object.keys(SCENES) as Name[]

/** Requests of a user, who buys after the first of them or never. */
const PER_USER = 2

let gateway: SerinGateway
const loads = {} as Record<Name, Load>

// All of them in one gateway and at the same time: most of a rollout is waiting.
t.before(async () => {
  const draw = seeded(23)
  const model = await startModel(t, draw, { error: 0, failures: 0 })
  const origins = { baseline: model.origin, canary: model.origin }
  const folder = t.testdir({})
  const services = NAMES.map((name) => {
    const { split, metrics } = SCENES[name]
    const steps = [{ weight: '50%', minDuration: '500ms' }, { weight: '100%' }]
    const more = { path: `/${name}/*`, split, rollout: { steps }, analysis: { metrics } }
    return [name, buildRolloutService(origins, more)] as const
  })
  const config = buildConfig(folder, Object.fromEntries(services))
  gateway = await startSerin(t, writeConfig(folder, config))
  for (const name of NAMES) {
    const { buyers } = SCENES[name]
    const isBuyer = {
      baseline: createEvenly(() => buyers.baseline),
      canary: createEvenly(() => buyers.canary),
    }
    const isKeyed = name !== 'requests'
    const say = ({ requestId, user, isFirst, variant }: Answered): object[] => {
      if (!isFirst || !isBuyer[variant as keyof typeof isBuyer]()) return []
      const whom = isKeyed ? { service: name, key: user } : { requestId }
      return [{ ...whom, event: 'purchase', id: 'o-1', values: { amount: 10 } }]
    }
    loads[name] = startLoad(t, {
      data: () => gateway.data,
      admin: () => gateway.admin,
      path: `/${name}/infer`,
      ...{ concurrency: 8, perSecond: isKeyed ? 150 : 100, draw, say },
      perUser: isKeyed ? PER_USER : 1,
    })
  }
})

t.test('A canary that answers well and sells less is rolled back.', async (t) => {
  const found = await untilService(
    gateway.admin,
    'requests',
    'rolled back',
    ({ phase }) => phase === 'rolled-back',
  )
  await loads.requests.stop()
  t.equal(found.rolledBackReason, 'conversion')
  t.same(found.weights, { baseline: 100, canary: 0 })
  const [last] = await readDecisions(gateway.admin, 'requests')
  t.match(last, { action: 'rollback', reason: 'conversion', actor: 'evaluator' })
  const conversion = find(last!.metrics, 'conversion')
  t.equal(conversion.verdict, 'failed')
  const { log, threshold } = conversion.evidence.harm!
  t.ok(log! >= threshold, `${log} reaches ${threshold}`)
  t.ok(Math.abs(conversion.baseline.value! - 0.5) < 0.1, `${conversion.baseline.value} bought`)
  t.ok(Math.abs(conversion.canary.value! - 0.2) < 0.15, `${conversion.canary.value} bought`)
  const { statuses, labels } = loads.requests.tally
  t.same(Object.keys(statuses), ['200'], 'no request failed')
  t.match(labels, { unmatched: 0, duplicate: 0 })
  const explained = await runSerin(t, ['explain', 'requests'], gateway.admin)
  t.match(explained.stdout, /conversion \(conversion\): shown to be worse/)
})

t.test('With a key users are counted, and their events are theirs by key.', async (t) => {
  const load = loads.users
  const found = await untilService(
    gateway.admin,
    'users',
    'paused',
    ({ phase }) => phase === 'paused',
  )
  await load.stop()
  const [last] = await readDecisions(gateway.admin, 'users')
  t.match(last, { action: 'pause', reason: 'conversion' })
  t.equal(found.phase, 'paused', 'what its onFailure says')
  const conversion = find(last!.metrics, 'conversion')
  t.equal(conversion.verdict, 'failed')
  const judged = conversion.baseline.n + conversion.canary.n
  const users = load.tally.sent / PER_USER
  t.ok(judged > 50 && judged <= users, `${judged} judged of ${users} users`)
  t.ok(Math.abs(conversion.baseline.value! - 0.5) < 0.12, `${conversion.baseline.value} bought`)
  const { joined } = load.tally.labels
  t.ok(joined > 0)
  t.equal(await readSample(gateway.admin, 'serin_feedback_total', '"users"', '"joined"'), joined)
})

t.test('One that sells as much is promoted, on users who bought and others.', async (t) => {
  const waited = await runSerin(t, ['wait', 'alike', '--for', 'promoted'], gateway.admin)
  t.equal(waited.code, 0, waited.stderr)
  const { tally } = loads.alike
  await loads.alike.stop()
  const log = await readDecisions(gateway.admin, 'alike')
  const promoted = log.find(({ action, reason }) => action === 'promote' && reason === 'evidence')!
  const conversion = find(promoted.metrics, 'conversion')
  t.equal(conversion.verdict, 'successful')
  t.ok(conversion.canary.n >= 100, `${conversion.canary.n} canary users judged`)
  const revenue = find(promoted.metrics, 'revenue')
  t.ok(Math.abs(revenue.baseline.value! - 5) < 1, `${revenue.baseline.value} a user`)
  t.ok(Math.abs(revenue.canary.value! - 5) < 1.5, `${revenue.canary.value} a user`)

  const [bought] = tally.acknowledged
  const again = { service: 'alike', requestId: bought, event: 'purchase', values: { amount: 1 } }
  t.match(
    await postFeedback(gateway.admin, [
      { ...again, id: 'o-1' },
      { ...again, requestId: 'nobody' },
      { ...again, service: undefined, requestId: undefined, key: 'nobody' },
      { ...again, id: 'o-2' },
      { ...again, event: 'purchsae' },
    ]),
    {
      joined: 0,
      unmatched: 2,
      late: 2,
      rejected: [{ line: 5, error: /purchsae.*did you mean purchase/ }],
    },
    'the window is over, an id that nobody had, an event that nobody counts',
  )
})

function find(metrics: ServiceJson['metrics'], name: string): ServiceJson['metrics'][number] {
  return metrics.find((metric) => metric.name === name)!
}
