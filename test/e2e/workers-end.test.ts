import t from 'tap'
import { writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { createAuthority, type Pair } from '../support/certificates.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { askAdmin } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startSerin, writeConfig } from './support/serin-process.ts'
import { BY_HAND, pidOf, startTwo } from './support/two-workers.ts'
import { until } from './support/until.ts'

t.test('SIGTERM drains all workers; without its supervisor no worker lives on.', async (t) => {
  const held: ServerResponse[] = []
  const holding = createServer((_req, res) => void held.push(res))
  await new Promise<void>((resolve) => holding.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => holding.close(resolve).closeAllConnections()))
  const { port } = holding.address() as AddressInfo
  const slow = {
    match: { path: '/slow' },
    variants: { baseline: { version: '1', upstreams: [`http://127.0.0.1:${port}`] } },
  }
  // Long enough for all that is asked before the port is closed, however busy the machine is.
  const drain = { wait: '4s', deadline: '60s', streams: '60s' }
  const { serin } = await startTwo(t, { services: { slow }, gateway: { drain } })
  const agents = [1, 2, 3, 4].map(() => new Agent({ connections: 1 }))
  t.teardown(() => Promise.all(agents.map((agent) => agent.close())))
  const inFlight = agents.map((dispatcher) => request(`${serin.data}/slow`, { dispatcher }))
  await until('both workers have two requests in flight', () => held.length === 4)
  const ready = async () => (await request(`${serin.data}/-/ready`)).statusCode
  t.equal(await ready(), 200)
  serin.kill('SIGTERM')
  await until('readiness goes first', async () => (await ready()) === 503)
  t.equal((await askAdmin(serin.admin, '/readyz')).status, 503)
  await until('no new connections are taken', () =>
    ready().then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
    ),
  )
  for (const res of held) res.end('answered')
  for (const answer of await Promise.all(inFlight)) {
    t.equal(answer.statusCode, 200)
    t.equal(await answer.body.text(), 'answered')
  }
  const ended = await serin.ended
  t.equal(ended.code, 0)
  t.equal(ended.stderr, '')

  const { serin: other } = await startTwo(t)
  const workers = [pidOf(other, 1), pidOf(other, 2)]
  other.kill('SIGKILL')
  await other.ended
  await until('its workers have ended', () => workers.every((pid) => !isRunning(pid)))
})

t.test('Workers speak TLS, take over a renewed certificate, and drain.', async (t) => {
  const folder = t.testdir({ tls: {} })
  const authority = createAuthority()
  const write = (pair: Pair) => {
    writeFileSync(`${folder}/tls/cert.pem`, pair.cert)
    writeFileSync(`${folder}/tls/key.pem`, pair.key)
  }
  write(authority.issue('localhost'))
  const upstream = await startUpstream((_req, res) => void res.end('fine'))
  t.teardown(upstream.close)
  const variants = { baseline: { version: '1', upstreams: [upstream.origin] } }
  const tls = { cert: `${folder}/tls/cert.pem`, key: `${folder}/tls/key.pem` }
  const config = buildConfig(
    folder,
    { m: { match: { path: '/m/*' }, variants } },
    { gateway: { workers: 2, tls } },
  )
  const serin = await startSerin(t, writeConfig(folder, config))
  t.match(serin.data, /^https:/)
  const connect = { ca: authority.cert, servername: 'localhost' }
  // Kept open: idle connections are no reason not to end.
  const askBoth = async (servername: string) => {
    for (let i = 0; i < 2; i++) {
      const dispatcher = new Agent({ connections: 1, connect: { ...connect, servername } })
      t.teardown(() => dispatcher.destroy())
      const answer = await request(`${serin.data}/m/x`, { dispatcher })
      t.equal(await answer.body.text(), 'fine')
    }
  }
  await askBoth('localhost')
  write(authority.issue('renewed'))
  await until('both have the new one', async () => {
    await askBoth('renewed').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ERR_TLS_CERT_ALTNAME_INVALID') throw error
    })
    return serin.logs().some(({ changes }) => String(changes).includes('a new certificate'))
  })
  await askBoth('renewed')
  const ended = await serin.stop()
  t.equal(ended.code, 0)
  t.equal(ended.stderr, '')
})

t.test('What keeps a worker from starting is told as by one process.', async (t) => {
  const folder = t.testdir({ data: 'a file' })
  const upstream = await startUpstream((_req, res) => void res.end())
  t.teardown(upstream.close)
  const origins = { baseline: upstream.origin, canary: upstream.origin }
  const service = buildRolloutService(origins, { rollout: BY_HAND })
  const endOf = async (workers: number) => {
    const file = writeConfig(folder, buildConfig(folder, { m: service }, { gateway: { workers } }))
    const failure: Error = await startSerin(t, file).then(
      () => new Error('it started'),
      (error: Error) => error,
    )
    return JSON.parse(failure.message.slice('the gateway ended: '.length)) as {
      code: number
      stderr: string
    }
  }
  const [one, two] = [await endOf(1), await endOf(2)]
  t.equal(one.code, 1)
  t.match(one.stderr, /^serin: cannot start: /)
  t.equal(two.code, one.code)
  t.equal(two.stderr, one.stderr)
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
