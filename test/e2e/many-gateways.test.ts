import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { startRedis } from '../support/redis-server.ts'
import { readDecisions, readSample, readService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad, type Load } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { skipWithout } from './support/programs.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'
import { until } from './support/until.ts'

t.test('e2e/many gateways on one directory', async (t) => {
  const { start, configAt } = await prepare(t)
  const store = `lmdb:${join(t.testdir(), 'data')}`
  await testShares(t, () => start(configAt(store)))
})

t.test('e2e/many gateways on one Redis', skipWithout('redis-server'), async (t) => {
  const redis = await startRedis(t, t.testdir())
  const { start, configAt } = await prepare(t)
  await testShares(t, () => start(configAt(`redis://127.0.0.1:${redis.port}/0`)))
})

/** Half of the traffic goes through each of two gateways; labels go to the other one. */
async function testShares(t: Test, start: () => Promise<SerinGateway>): Promise<void> {
  const first = await start()
  await until('it decides', async () => (await readSample(first.admin, 'serin_leader')) === 1)
  const second = await start()
  const loads = [loadOn(t, first, second), loadOn(t, second, first)]
  const judged = await until('both are judged', async () => {
    const n = await judgedOf(first)
    return n.errors > 1500 && n.rmse > 500 ? n : null
  })
  await stopAll(loads)
  const sent = loads.map(({ tally }) => tally.statuses[200] ?? 0)
  t.ok(Math.min(...sent) > 300, `requests: ${sent.join(', ')}`)
  // All that was sent before the warm-up and the first publication is missing, and nothing else.
  const whole = await until('all is folded', async () => {
    const n = await judgedOf(first)
    return n.errors > 0.8 * (sent[0]! + sent[1]!) ? n : null
  })
  t.ok(whole.errors <= sent[0]! + sent[1]!, `${whole.errors} of ${sent.join(' + ')} requests`)
  t.ok(judged.rmse <= whole.errors)
  t.equal((await readDecisions(first.admin, 'm')).filter((d) => d.action === 'rollback').length, 0)
  for (const { tally } of loads) {
    // What comes within the 50 ms in which predictions are written is not matched.
    t.ok(tally.labels.joined > 0.8 * tally.statuses[200]!, `joined: ${tally.labels.joined}`)
    t.strictSame([tally.labels.late, tally.labels.duplicate], [0, 0], JSON.stringify(tally.labels))
  }
}

async function judgedOf({ admin }: SerinGateway): Promise<{ errors: number; rmse: number }> {
  const { metrics } = await readService(admin, 'm')
  const n = (name: string) => {
    const found = metrics!.find((m) => m.name === name)!
    return (found.baseline?.n ?? 0) + (found.canary?.n ?? 0)
  }
  return { errors: n('errors'), rmse: n('rmse') }
}

async function stopAll(loads: readonly Load[]): Promise<void> {
  await Promise.all(loads.map((load) => load.stop()))
}

function loadOn(t: Test, to: SerinGateway, labels: SerinGateway): Load {
  return startLoad(t, {
    data: () => to.data,
    admin: () => labels.admin,
    path: '/m/infer',
    concurrency: 4,
    perSecond: 150,
    draw: seeded(to.pid),
  })
}

async function prepare(t: Test) {
  const draw = seeded(1)
  const model = { error: 2, failures: 0.01 }
  const [baseline, canary] = [await startModel(t, draw, model), await startModel(t, draw, model)]
  const service = buildRolloutService(
    { baseline: baseline.origin, canary: canary.origin },
    {
      split: { key: undefined },
      rollout: { steps: [{ weight: '30%', minDuration: '10m' }, { weight: '100%' }] },
      analysis: {
        warmUp: 0,
        metrics: {
          errors: { kind: 'error-rate', maxIncrease: '0%', floor: '20%' },
          rmse: { kind: 'rmse', maxIncrease: '50%', labelWindow: '3s', minLabels: 100, cap: 50 },
        },
      },
    },
  )
  let folders = 0
  return {
    configAt: (store: string) => {
      const folder = join(t.testdirName, `gateway-${(folders += 1)}`)
      mkdirSync(folder, { recursive: true })
      return writeConfig(folder, buildConfig(folder, { m: service }, { store }))
    },
    start: (file: string) => startSerin(t, file),
  }
}
