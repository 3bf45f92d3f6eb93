import t, { type Test } from 'tap'
import { once } from 'node:events'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { Agent, request } from 'undici'
import { createAuthority, type Pair } from '../support/certificates.ts'
import { startTlsUpstream } from '../support/tls-upstream.ts'
import { askAdmin } from './support/admin-api.ts'
import { buildConfig } from './support/config.ts'
import { runSerin, startSerin, writeConfig } from './support/serin-process.ts'
import { until } from './support/until.ts'

const authority = createAuthority()

/** A pair in a folder that is replaced whole, as Kubernetes mounts a Secret. */
function mountPair(folder: string, first: Pair) {
  let version = 0
  const mount = ({ cert, key }: Pair) => {
    const name = `..version-${++version}`
    mkdirSync(`${folder}/${name}`)
    writeFileSync(`${folder}/${name}/tls.crt`, cert)
    writeFileSync(`${folder}/${name}/tls.key`, key)
    rmSync(`${folder}/..next`, { force: true })
    symlinkSync(name, `${folder}/..next`)
    renameSync(`${folder}/..next`, `${folder}/..data`)
  }
  mkdirSync(folder)
  mount(first)
  for (const file of ['tls.crt', 'tls.key']) symlinkSync(`..data/${file}`, `${folder}/${file}`)
  return { mount, cert: `${folder}/tls.crt`, key: `${folder}/tls.key` }
}

/** The name in the certificate that a port shows. */
async function shownName(t: Test, port: number): Promise<unknown> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority.cert })
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return subject.CN
}

t.test('Certificates of both sides are renewed while the gateway runs.', async (t) => {
  const folder = t.testdir({ 'ca.pem': authority.cert })
  const model = await startTlsUpstream({
    ...authority.issue('model.test'),
    ...{ requestCert: true, rejectUnauthorized: true, ca: authority.cert },
  })
  t.teardown(model.close)
  const name = (which: string) => authority.issue(which, '127.0.0.1')
  const port = mountPair(`${folder}/port`, name('one'))
  const client = mountPair(`${folder}/client`, name('client-one'))
  const upstreams = [`https://localhost:${model.port}`]
  const tls = {
    ca: 'ca.pem',
    cert: client.cert,
    key: 'client/tls.key',
    servername: 'model.test',
  }
  const variants = { baseline: { version: '1', upstreams, tls } }
  const config = buildConfig(
    folder,
    { m: { match: { path: '/m/*' }, variants } },
    { gateway: { tls: { cert: 'port/tls.crt', key: port.key } } },
  )
  const file = writeConfig(folder, config)
  const checked = await runSerin(t, ['check', '-c', file])
  t.equal(checked.code, 0, checked.stderr)
  const gateway = await startSerin(t, file)
  t.match(gateway.data, /^https:\/\/127\.0\.0\.1:\d+$/)
  const dataPort = Number(new URL(gateway.data).port)
  const dispatcher = new Agent({ connect: { ca: authority.cert } })
  t.teardown(() => dispatcher.destroy())
  const ask = async (path: string) => {
    const answer = await request(`${gateway.data}${path}`, { dispatcher })
    return `${answer.statusCode} ${await answer.body.text()}`
  }
  const clients = () => model.connections.map((connection) => connection.client)
  t.equal(await ask('/m/x'), '200 fine')
  t.match(await ask('/-/ready'), /^200/)
  t.same(new Set(clients()), new Set(['client-one']))

  port.mount(name('two'))
  await until('the new one is shown', async () => (await shownName(t, dataPort)) === 'two')
  const reloaded = await until('and logged', () => {
    return gateway.logs().find(({ msg }) => msg === 'reloaded') ?? null
  })
  t.same(reloaded['changes'], ['gateway.tls: a new certificate'])
  t.equal(await ask('/m/x'), '200 fine', 'connections from before go on')

  client.mount(name('client-two'))
  await until('the upstream sees the new one', async () => {
    t.equal(await ask('/m/x'), '200 fine')
    return clients().at(-1) === 'client-two'
  })
  await until('and that is logged', () => {
    const last = gateway.logs().findLast(({ msg }) => msg === 'reloaded')
    return String(last?.['changes']) === 'service m: new certificates of baseline'
  })

  port.mount({ cert: name('three').cert, key: name('four').key })
  const refused = await until('a broken pair is refused', () => {
    return gateway.logs().find(({ msg }) => String(msg).startsWith('refused to reload')) ?? null
  })
  t.match(refused['problems'], [/gateway\.tls\.key: .*tls\.key is not the key of the first cert/])
  const reload = () => askAdmin(gateway.admin, '/api/v1/reload', { method: 'POST', body: {} })
  t.equal((await reload()).status, 422)
  t.equal(await shownName(t, dataPort), 'two', 'the old certificate stays')
  t.equal((await runSerin(t, ['check', '-c', file])).code, 1)

  port.mount(name('five'))
  await until('the next good one is taken', async () => (await shownName(t, dataPort)) === 'five')
  const other = { cert: client.cert, key: client.key }
  writeConfig(folder, { ...config, gateway: { ...(config['gateway'] as object), tls: other } })
  t.match((await reload()).json(), { problems: ['gateway.tls: a change needs a restart'] })
  t.equal((await gateway.stop()).code, 0)
})
