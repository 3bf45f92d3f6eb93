import t, { type Test } from 'tap'
import { createServer, type ServerResponse } from 'node:http'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { createAuthority, type Pair } from '../support/certificates.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { askAdmin, command, readSample, readService, untilService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'
import { until } from './support/until.ts'

/** A rollout that begins when told to, and stays at 20 %. */
const BY_HAND = {
  start: 'manual',
  steps: [{ weight: '20%', minDuration: '1h' }, { weight: '100%' }],
}

type Setup = { readonly services?: object; readonly gateway?: object }

async function startTwo(t: Test, { services = {}, gateway = {} }: Setup = {}) {
  const folder = t.testdir({})
  const draw = seeded(7)
  const baseline = await startModel(t, draw, { error: 1, failures: 0 })
  const canary = await startModel(t, draw, { error: 1, failures: 0 })
  const configAt = (minRequests: number) =>
    buildConfig(
      folder,
      {
        m: buildRolloutService(
          { baseline: baseline.origin, canary: canary.origin },
          {
            rollout: BY_HAND,
            analysis: {
              minRequests,
              metrics: { errors: { kind: 'error-rate', maxIncrease: '50%' } },
            },
          },
        ),
        ...services,
      },
      { gateway: { workers: 2, ...gateway } },
    )
  const file = writeConfig(folder, configAt(100))
  const serin = await startSerin(t, file)
  await until('one decides', async () => (await readSample(serin.admin, 'serin_leader')) === 1)
  return { folder, draw, serin, configAt }
}

/** By name, what each worker does. */
async function readWorkers({ admin }: SerinGateway): Promise<Readonly<Record<string, string>>> {
  const { checks } = (await askAdmin(admin, '/readyz')).json<{ checks: Record<string, string> }>()
  return Object.fromEntries(Object.entries(checks).filter(([name]) => name.startsWith('worker ')))
}

/** The process of a worker, by its newest log line. */
function pidOf(serin: SerinGateway, worker: number): number {
  const line = serin.logs().findLast((l) => l['worker'] === worker && l['pid'] !== serin.pid)
  return line!['pid'] as number
}

const leadingOf = (workers: Readonly<Record<string, string>>) =>
  Object.entries(workers).find(([, does]) => does === 'serving, decides')?.[0] ?? null

/** Requests on a connection each, which stays open; gives the variants that answered. */
async function askOnConnections(t: Test, data: string, count: number): Promise<readonly string[]> {
  const variants: string[] = []
  for (let i = 0; i < count; i++) {
    const agent = new Agent({ connections: 1 })
    t.teardown(() => agent.close())
    const answer = await request(`${data}/m/x`, { dispatcher: agent })
    await answer.body.dump()
    t.equal(answer.statusCode, 200)
    variants.push(String(answer.headers['x-serin-variant']))
  }
  return variants
}

t.test('Two workers share the ports, the figures, commands and reloads.', async (t) => {
  const { serin, draw, folder, configAt } = await startTwo(t)
  const { admin, data } = serin
  t.same(await readWorkers(serin), { 'worker 1': 'serving, decides', 'worker 2': 'serving' })
  t.match((await askAdmin(admin, '/healthz')).json(), {
    status: 'ok',
    workers: { 'worker 2': 'serving' },
  })

  const load = startLoad(t, {
    data: () => data,
    admin: () => admin,
    path: '/m/infer',
    concurrency: 8,
    perSecond: 300,
    draw,
  })
  await until('some requests are sent', () => load.tally.sent > 300)
  await load.stop()
  t.same(Object.keys(load.tally.statuses), ['200'])
  t.same(load.tally.broken, {})
  const sent = load.tally.statuses[200]!
  const counted = await readSample(admin, 'serin_requests_total', 'variant="baseline"', '"ok"')
  t.equal(counted, sent, 'the exposition is the sum of both')
  t.equal(await readSample(admin, 'serin_request_duration_seconds_count', 'baseline'), sent)
  const { variants } = await readService(admin, 'm')
  t.equal(variants['baseline']!.requests, sent, 'and so is what the API shows')
  t.ok(variants['baseline']!.p99Ms! >= variants['baseline']!.p50Ms!)
  t.ok(load.tally.labels.joined + load.tally.labels.unmatched > 200, 'feedback is taken')
  t.equal(load.tally.feedbackFailures, 0)
  t.equal(await readSample(admin, 'serin_variant_weight', 'variant="baseline"'), 1, 'not their sum')
  t.equal(await readSample(admin, 'serin_build_info'), 1)

  // Each new connection goes to the next worker: these meet both, and so do the weights.
  await command(admin, 'm', 'promote')
  const seen = await until('both split by the new weight', async () => {
    const answers = await askOnConnections(t, data, 80)
    const of = (turn: number) => answers.filter((_, i) => i % 2 === turn)
    return [0, 1].every((turn) => of(turn).includes('canary')) ? answers : null
  })
  t.ok(seen.filter((variant) => variant === 'baseline').length > 20)
  await command(admin, 'm', 'abort')
  await until('no worker sends anything to the canary', async () =>
    (await askOnConnections(t, data, 80)).every((variant) => variant === 'baseline'),
  )

  const reload = () => askAdmin(admin, '/api/v1/reload', { method: 'POST', body: {} })
  const changes = (answer: Awaited<ReturnType<typeof reload>>) =>
    answer.json<{ changes: string[] }>().changes
  // Without the watch being quicker: the changed file is named by whichever comes first.
  writeConfig(folder, configAt(200))
  const answer = await reload()
  t.equal(answer.status, 200, answer.text)
  t.ok(changes(answer).length > 0)
  writeConfig(folder, 'version: 2\n')
  t.equal((await reload()).status, 422)
  t.equal(await readSample(admin, 'serin_config_reload_success'), 0)
  writeConfig(folder, { ...configAt(200), feedback: { retention: '1d' } })
  t.match((await reload()).json(), { problems: ['feedback.retention: a change needs a restart'] })
  const three = configAt(200)
  writeConfig(folder, { ...three, gateway: { ...(three['gateway'] as object), workers: 3 } })
  t.match((await reload()).json(), { problems: ['gateway.workers: a change needs a restart'] })
  writeConfig(folder, configAt(300))
  serin.kill('SIGHUP')
  await until('SIGHUP reloads', async () => {
    const isGood = (await readSample(admin, 'serin_config_reload_success')) === 1
    return isGood && (await askAdmin(admin, '/api/v1/config')).text.includes('"minRequests":300')
  })
  const ended = await serin.stop()
  t.equal(ended.code, 0)
  t.equal(ended.stderr, '')
  const numbers = new Set(serin.logs().map((line) => line['worker']))
  t.ok(numbers.has(1) && numbers.has(2), 'log lines carry the number of their worker')
})

t.test('A worker that is killed loses what it had in flight, and is replaced.', async (t) => {
  const { serin, draw } = await startTwo(t)
  const { admin, data } = serin
  await command(admin, 'm', 'promote')
  const load = startLoad(t, {
    data: () => data,
    path: '/m/x',
    concurrency: 8,
    perSecond: 200,
    draw,
  })
  await until('some requests are sent', () => load.tally.sent > 100)
  const total = () => readSample(admin, 'serin_request_duration_seconds_count', 'baseline')
  const counted = await total()
  const first = leadingOf(await readWorkers(serin))!
  const number = Number(first.split(' ')[1])
  const killed = pidOf(serin, number)
  process.kill(killed, 'SIGKILL')
  const second = await until('the other one decides', async () => {
    const leading = leadingOf(await readWorkers(serin))
    return leading === first ? null : leading
  })
  t.not(second, first)
  t.ok((await total()) >= counted, 'what was counted stays in the sums')
  await until('it is replaced', async () => (await readWorkers(serin))[first] === 'serving')
  t.not(pidOf(serin, number), killed)
  const told = serin.logs().find(({ msg }) => String(msg).startsWith(first))
  t.equal(told?.msg, `${first} was ended by SIGKILL: another one takes its place`)

  const afterwards = load.tally.sent
  await until('traffic goes on', () => load.tally.sent > afterwards + 100)
  await load.stop()
  t.same(Object.keys(load.tally.statuses), ['200'])
  const broken = Object.values(load.tally.broken).reduce((sum, n) => sum + n, 0)
  t.ok(broken <= 8, `${broken} requests lost of at most 8 in flight`)

  await untilService(admin, 'm', 'the weight is the old one', (s) => s.weights['canary'] === 20)
  const answers = await askOnConnections(t, data, 80)
  for (const turn of [0, 1]) {
    const canaries = answers.filter((variant, i) => i % 2 === turn && variant === 'canary')
    t.ok(canaries.length > 0 && canaries.length < 30, `${canaries.length} of 40 at 20 %`)
  }
  t.match(await command(admin, 'm', 'abort'), { decision: { action: 'rollback' } })
  t.equal((await serin.stop()).code, 0)
})

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
  const drain = { wait: '1s', deadline: '60s', streams: '60s' }
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
