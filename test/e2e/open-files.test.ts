import { request } from 'undici'
import t from 'tap'
import { PROGRAM } from '../support/program.ts'
import { RawConnection } from '../support/raw-client.ts'
import { askAdmin } from './support/admin-api.ts'
import { buildConfig, buildFixedService } from './support/config.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig } from './support/serin-process.ts'
import { until } from './support/until.ts'

const FEW =
  'few files may be open: raise the limit (ulimit -n, LimitNOFILE), or lower gateway.limits.inFlight'

t.test('More clients than files leave the gateway and its admin port at work.', async (t) => {
  const folder = t.testdir({})
  const draw = seeded(8)
  const models = [await startModel(t, draw, { error: 1, failures: 0 })]
  models.push(await startModel(t, draw, { error: 1, failures: 0 }))
  const origins = { baseline: models[0]!.origin, canary: models[1]!.origin }
  const config = buildConfig(folder, {
    m: buildFixedService(origins, { weights: { canary: '50%' } }),
  })
  const shell = ['sh', '-c', 'ulimit -n 128 && exec "$0" "$@"'] as const
  const gateway = await startSerin(t, writeConfig(folder, config), {}, [
    ...shell,
    process.execPath,
    PROGRAM,
  ])
  const logged = (msg: string) => gateway.logs().filter((line) => line.msg === msg)
  t.match(logged(FEW), [{ openFiles: 128, wanted: 9192 }])

  const { port } = new URL(gateway.data)
  const clients = Array.from({ length: 150 }, () => new RawConnection(Number(port)))
  t.teardown(() => clients.forEach((client) => client.close()))
  const open = () => clients.filter(({ isClosed }) => !isClosed)
  await until('the others are closed', () => open().length <= 32)
  t.equal((await askAdmin(gateway.admin, '/healthz')).status, 200)
  const asked = open()
  t.equal(asked.length, 32)
  for (const client of asked) {
    client.send('POST /m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"x": 50}')
  }
  for (const client of asked) t.match(await client.receive('\r\n\r\n'), /^HTTP\/1\.1 200 /)
  t.equal(logged('connections of clients are closed at once: too many are open').length, 1)
  t.same(logged('an upstream is not well'), [])

  // They are kept for more requests, and nobody else gets in: until somebody asks.
  const late = await until('a new client finds room', async () => {
    const client = new RawConnection(Number(port))
    t.teardown(() => client.close())
    client.send('POST /m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"x": 50}')
    const head = await client.receive('\r\n\r\n').catch(() => '')
    return head.startsWith('HTTP/1.1 200 ') ? client : null
  })
  t.ok(late)
  t.ok(
    asked.every(({ isClosed }) => isClosed),
    'those that were idle made it',
  )

  const scraped = await askAdmin(gateway.admin, '/metrics')
  const [, dropped] = /^serin_connections_dropped_total (\d+)$/m.exec(scraped.text)!
  t.ok(Number(dropped) >= 118, `${dropped} are counted`)

  for (const client of clients) client.close()
  await until('connections are taken again', () =>
    request(`${gateway.data}/m/x`, { method: 'POST', body: '{"x": 50}' }).then(
      async ({ statusCode, body }) => {
        await body.dump()
        return statusCode === 200
      },
      () => false,
    ),
  )
  t.equal((await gateway.stop()).code, 0)
})
