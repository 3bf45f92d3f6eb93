import { renameSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import { askAdmin, readSample, untilService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig } from './support/serin-process.ts'
import { until } from './support/until.ts'

t.test(
  'A store folder that is moved away is a store that is away, and back when it is back.',
  async (t) => {
    const folder = t.testdir({})
    const model = await startModel(t, seeded(3), { error: 4, failures: 0 })
    const origins = { baseline: model.origin, canary: model.origin }
    const config = buildConfig(folder, { model: buildRolloutService(origins) })
    const gateway = await startSerin(t, writeConfig(folder, config))
    const isUp = () => readSample(gateway.admin, 'serin_store_up')
    const infer = async (requestId: string) => {
      const headers = { 'content-type': 'application/json', 'x-request-id': requestId }
      const body = JSON.stringify({ x: 3 })
      const answer = await request(`${gateway.data}/m/infer`, { method: 'POST', headers, body })
      await answer.body.dump()
      return answer.statusCode
    }
    const label = async (requestId: string) => {
      const body = { service: 'model', requestId, label: 1 }
      return askAdmin(gateway.admin, '/api/v1/feedback', { method: 'POST', body })
    }
    // Else there would be nothing to pause.
    const isBegun = ({ phase }: { readonly phase: string | null }) => phase === 'progressing'
    await untilService(gateway.admin, 'model', 'progressing', isBegun)
    t.equal(await isUp(), 1)

    const data = join(folder, 'data')
    renameSync(data, join(folder, 'elsewhere'))
    await until('it is noticed', async () => (await isUp()) === 0)
    const ready = await askAdmin(gateway.admin, '/readyz')
    t.equal(ready.status, 200, 'requests go on')
    const { store } = ready.json<{ checks: { store: string } }>().checks
    t.match(
      store,
      /^away since .* \(.*data\.mdb is gone: the store's folder was removed or replaced/,
    )
    t.equal(await infer('r-1'), 200)
    const refused = await label('r-1')
    t.equal(refused.status, 503)
    t.match(refused.text, /data\.mdb is gone/)
    const order = (verb: string) =>
      askAdmin(gateway.admin, `/api/v1/services/model/${verb}`, { method: 'POST', body: {} })
    t.equal((await order('pause')).status, 503)

    renameSync(join(folder, 'elsewhere'), data)
    await until('it is back', async () => (await isUp()) === 1)
    t.equal(await infer('r-2'), 200)
    t.match((await label('r-2')).json(), { joined: 1 })
    t.match(await gateway.stop(), { code: 0 })
  },
)
