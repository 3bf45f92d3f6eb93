import t from 'tap'
import type { ServiceJson } from '../../src/admin/present.ts'
import { command, readDecisions, untilService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad, type Load } from './support/load.ts'
import { startModel, type TestModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'

/** A rollout that stays at 50 %. */
const ENDLESS = { steps: [{ weight: '50%', minDuration: '10m' }, { weight: '100%' }] }

/** As in docs/first-canary.md before it had a latency: nothing of it sees that answers do not come. */
const METRICS = {
  errors: { kind: 'error-rate', maxIncrease: '0%', floor: '5%', max: '10%' },
  rmse: { kind: 'rmse', maxIncrease: '20%', labelWindow: '2s', minLabels: 100, cap: 40 },
}

const NAMES = ['canary', 'baseline'] as const
type Name = (typeof NAMES)[number]

let gateway: SerinGateway
const loads = {} as Record<Name, Load>
const models = {} as Record<Name, { readonly baseline: TestModel; readonly canary: TestModel }>

/** Waits until both variants have answered so many requests of a service. */
const served = (name: Name, requests: number) =>
  untilService(gateway.admin, name, `${requests} requests`, ({ variants }: ServiceJson) =>
    ['baseline', 'canary'].every((variant) => variants[variant]!.requests >= requests),
  )

t.before(async () => {
  const draw = seeded(29)
  const services: Record<string, object> = {}
  for (const name of NAMES) {
    const model = () => startModel(t, draw, { error: 1, failures: 0 })
    const [baseline, canary] = [await model(), await model()]
    models[name] = { baseline, canary }
    const origins = { baseline: baseline.origin, canary: canary.origin }
    const analysis = { metrics: METRICS }
    services[name] = buildRolloutService(origins, {
      path: `/${name}/*`,
      rollout: ENDLESS,
      analysis,
    })
  }
  const folder = t.testdir({})
  gateway = await startSerin(t, writeConfig(folder, buildConfig(folder, services as never)))
  for (const name of NAMES) {
    loads[name] = startLoad(t, {
      ...{ data: () => gateway.data, admin: () => gateway.admin, path: `/${name}/infer`, draw },
      ...{ concurrency: 120, perSecond: 100, patienceMs: 1000 },
    })
  }
})

t.test('A canary that hangs loses its clients, and is rolled back within seconds.', async (t) => {
  await served('canary', 40)
  models.canary.canary.behaviour.hangs = true
  const found = await untilService(
    gateway.admin,
    'canary',
    'rolled back',
    ({ phase }) => phase === 'rolled-back',
  )
  t.equal(found.rolledBackReason, 'breaker')
  const [decision] = await readDecisions(gateway.admin, 'canary')
  t.match(
    decision!.summary,
    /^Rolled back by the breaker \(outside α\): \d+ of \d+ of 2\.0's last attempts failed, or their clients left before an answer \(\d+ did\), against \d+ of \d+ of the baseline's\./,
  )
  await loads.canary.stop()
})

t.test('A baseline that hangs pauses, and is forgiven once it is resumed.', async (t) => {
  await served('baseline', 40)
  const { behaviour } = models.baseline.baseline
  behaviour.hangs = true
  const paused = await untilService(
    gateway.admin,
    'baseline',
    'paused',
    ({ phase }) => phase === 'paused',
  )
  await loads.baseline.stop()
  t.match(paused.pause, { by: 'baseline' })
  behaviour.hangs = false
  await command(gateway.admin, 'baseline', 'resume')
  const requests = paused.variants['baseline']!.requests + 30
  const { stop } = startLoad(t, {
    ...{ data: () => gateway.data, path: '/baseline/infer', draw: seeded(31) },
    ...{ concurrency: 4, perSecond: 100 },
  })
  await served('baseline', requests)
  await stop()
  t.match(await readDecisions(gateway.admin, 'baseline'), [{ action: 'resume' }])
})
