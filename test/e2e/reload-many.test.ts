import t from 'tap'
import { startUpstream } from '../support/fake-upstream.ts'
import { askAdmin, readService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig } from './support/serin-process.ts'

const SERVICES = 150

t.test('A reload of many services holds no request up, and is answered by who ends.', async (t) => {
  const folder = t.testdir({})
  const upstream = await startUpstream((_req, res) => void res.end('{}'))
  t.teardown(upstream.close)
  const origins = { baseline: upstream.origin, canary: upstream.origin }
  const configAt = (weight: number) => {
    const service = buildRolloutService(origins, {
      rollout: { steps: [{ weight: `${weight}%`, minDuration: '1h' }, { weight: '100%' }] },
    })
    const names = Array.from({ length: SERVICES }, (_, n) => `m${n}`)
    return buildConfig(
      folder,
      Object.fromEntries(
        names.map((name) => [name, { ...service, match: { path: `/${name}/*` } }]),
      ),
    )
  }
  const file = writeConfig(folder, configAt(10))
  const gateway = await startSerin(t, file)
  const { admin } = gateway
  const load = startLoad(t, {
    ...{ data: () => gateway.data, path: '/m7/infer' },
    ...{ concurrency: 1, draw: seeded(5) },
  })
  const reload = () => askAdmin(admin, '/api/v1/reload', { method: 'POST', body: {} })

  writeConfig(folder, configAt(20))
  const before = load.tally.sent
  const first = await reload()
  // One after the other: on one thread a handful would be answered before the file is read and after it.
  const meanwhile = load.tally.sent - before
  t.equal(first.status, 200, first.text)
  t.ok(meanwhile > 50, `${meanwhile} requests meanwhile`)
  t.match(await readService(admin, `m${SERVICES - 1}`), { name: `m${SERVICES - 1}` })
  await load.stop()
  t.same(load.tally.broken, {})
  t.same(Object.keys(load.tally.statuses), ['200'])

  writeConfig(folder, configAt(30))
  const last = reload()
  // It has come in before the signal: both are in order on one connection of one process.
  await askAdmin(admin, '/healthz')
  const [answer, ended] = await Promise.all([last, gateway.stop()])
  t.equal(answer.status, 200, answer.text)
  t.match(ended, { code: 0, stderr: '' })
})
