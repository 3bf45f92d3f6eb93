import t from 'tap'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  command,
  readDecisions,
  readSample,
  readService,
  untilService,
} from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig } from './support/serin-process.ts'
import { until } from './support/until.ts'

t.test('A copy of a stopped store brings the rollout back at its step.', async (t) => {
  const draw = seeded(12)
  const folder = t.testdir({})
  const model = await startModel(t, draw, { error: 4, failures: 0 })
  const origins = { baseline: model.origin, canary: model.origin }
  const steps = [
    { weight: '20%', minDuration: '500ms' },
    { weight: '50%', minDuration: '1h' },
  ]
  const service = buildRolloutService(origins, {
    rollout: { steps: [...steps, { weight: '100%' }] },
    analysis: { metrics: { errors: { kind: 'error-rate', maxIncrease: '0%', floor: '5%' } } },
  })
  const file = writeConfig(folder, buildConfig(folder, { model: service }))
  const first = await startSerin(t, file)
  const load = startLoad(t, {
    ...{ data: () => first.data, path: '/m/infer' },
    ...{ concurrency: 4, perSecond: 400, draw },
  })
  await untilService(first.admin, 'model', 'the second step', (s) => s.weights['canary'] === 50)
  await load.stop()
  t.match(await first.stop(), { code: 0 })
  const [data, backup] = [join(folder, 'data'), join(folder, 'backup')]
  cpSync(data, backup, { recursive: true })

  const second = await startSerin(t, file)
  const log = await readDecisions(second.admin, 'model')
  // A command is for the gateway that decides, which this one does a moment after its start.
  await until('it decides', async () => (await readSample(second.admin, 'serin_leader')) === 1)
  await command(second.admin, 'model', 'abort', { reason: 'after the backup' })
  await second.stop()
  rmSync(data, { recursive: true })
  cpSync(backup, data, { recursive: true })

  const third = await startSerin(t, file)
  t.match(await readService(third.admin, 'model'), {
    phase: 'progressing',
    weights: { canary: 50 },
  })
  t.same(await readDecisions(third.admin, 'model'), log)
  await third.stop()

  await t.test('and an empty one begins at the beginning', async (t) => {
    rmSync(data, { recursive: true })
    const fourth = await startSerin(t, file)
    const decisions = await untilService(
      fourth.admin,
      'model',
      'it starts',
      (s) => s.phase === 'progressing',
    )
    t.match(decisions, { weights: { canary: 20 } })
    await fourth.stop()
  })
})
