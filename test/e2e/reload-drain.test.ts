import t, { type Test } from 'tap'
import { createServer as createHttpServer, type ServerResponse } from 'node:http'
import { request } from 'undici'
import type { ReloadStandingJson } from '../../src/admin/present-reload.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { askAdmin, command, readSample, readService, untilService } from './support/admin-api.ts'
import { buildConfig, buildFixedService, buildRolloutService } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig } from './support/serin-process.ts'
import { until } from './support/until.ts'

const TOKEN = 'a-token-that-is-long-enough'

/** A model server that takes a moment for each answer, so that every reload meets requests in flight. */
async function startSlowModel(t: Test): Promise<string> {
  const upstream = await startUpstream((_req, res) => void setTimeout(() => res.end('{}'), 30))
  t.teardown(upstream.close)
  return upstream.origin
}

t.test('Reloads under load lose no request; a bad file changes nothing.', async (t) => {
  const folder = t.testdir({})
  const first = { baseline: await startSlowModel(t), canary: await startSlowModel(t) }
  const second = { baseline: await startSlowModel(t), canary: await startSlowModel(t) }
  const configAt = (canary: number, origins = first, admin = {}) =>
    buildConfig(
      folder,
      { m: buildFixedService(origins, { weights: { canary: `${canary}%` } }) },
      { admin },
    )
  const file = writeConfig(folder, configAt(10))
  const gateway = await startSerin(t, file)
  const { admin } = gateway
  const load = startLoad(t, {
    data: () => gateway.data,
    path: '/m/infer',
    concurrency: 16,
    perSecond: 200,
    draw: seeded(5),
  })
  const weightIs = (canary: number) =>
    untilService(admin, 'm', `canary at ${canary} %`, ({ weights }) => weights['canary'] === canary)
  const reload = (headers = {}) =>
    askAdmin(admin, '/api/v1/reload', { method: 'POST', body: {}, headers })
  const isReloadGood = () => readSample(admin, 'serin_config_reload_success')

  writeConfig(folder, configAt(20, second))
  await weightIs(20)
  t.pass('a changed file is taken over by itself')

  writeConfig(folder, configAt(30))
  gateway.kill('SIGHUP')
  await weightIs(30)
  t.pass('SIGHUP takes it over')

  for (const [index, weight] of [40, 50, 60].entries()) {
    writeConfig(folder, configAt(weight, index % 2 === 0 ? second : first))
    const answer = await reload()
    t.equal(answer.status, 200, answer.text)
    t.equal((await readService(admin, 'm')).weights['canary'], weight)
  }
  t.equal(await isReloadGood(), 1)

  writeConfig(folder, 'version: 2\nservices:\n  m:\n    mach: {}\n')
  const refused = await reload()
  t.equal(refused.status, 422)
  const { code, problems } = refused.json<{ code: string; problems: string[] }>()
  t.equal(code, 'SERIN_CONFIG_INVALID')
  for (const line of [/serin\.yaml:1:10: version: found 2/, /:4:5: .*unknown key "mach"/]) {
    t.ok(
      problems.some((problem) => line.test(problem)),
      `${line} in ${problems.join('\n')}`,
    )
  }
  gateway.kill('SIGHUP')
  const logged = await until('the refusal is logged', () => {
    // A file that was read while it was being written is refused as well, for another reason.
    const isThis = (line: Readonly<Record<string, unknown>>) =>
      JSON.stringify(line['problems']) === JSON.stringify(problems)
    const refusals = gateway.logs().filter(({ msg }) => String(msg).startsWith('refused to reload'))
    return refusals.find(isThis) ?? null
  })
  t.ok(logged)
  t.equal(await isReloadGood(), 0)
  const standing = (await askAdmin(admin, '/api/v1/reload')).json<ReloadStandingJson>()
  t.same(standing.refused?.problems, problems)
  t.ok(standing.inForceSince < standing.refused!.at)
  t.equal((await readService(admin, 'm')).weights['canary'], 60, 'the old configuration stays')

  const restart = { ...configAt(70), feedback: { retention: '1d' } }
  writeConfig(folder, restart)
  t.match((await reload()).json(), { problems: ['feedback.retention: a change needs a restart'] })

  const tokens = [{ name: 'ops', token: TOKEN, scopes: ['read', 'operate'] }]
  const headers = { authorization: `Bearer ${TOKEN}` }
  writeConfig(folder, configAt(80, second, { tokens }))
  // With the token: the watch may be quicker.
  t.equal((await reload(headers)).status, 200)
  t.equal((await askAdmin(admin, '/api/v1/services')).status, 401, 'new tokens are asked for')
  const mine = await askAdmin(admin, '/api/v1/services/m', { headers })
  t.match(mine.json(), { weights: { canary: 80 } })
  const mended = (await askAdmin(admin, '/api/v1/reload', { headers })).json<ReloadStandingJson>()
  t.equal(mended.refused, null)
  t.ok(mended.inForceSince > standing.refused!.at)

  await until('there was a load', () => load.tally.sent > 100)
  await load.stop()
  t.same(Object.keys(load.tally.statuses), ['200'])
  t.same(load.tally.broken, {})

  const post = async () => {
    const answer = await request(`${gateway.data}/m/infer`, {
      method: 'POST',
      body: 'x'.repeat(99),
    })
    await answer.body.dump()
    return answer.statusCode
  }
  t.equal(await post(), 200)
  const tight = configAt(80, second, { tokens })
  const limits = { body: '98B' }
  writeConfig(folder, { ...tight, gateway: { ...(tight['gateway'] as object), limits } })
  await until('a smaller limit of bodies holds at once', async () => (await post()) === 413)
  const reloaded = await until('the reload is logged', () => {
    const line = gateway.logs().findLast(({ msg }) => msg === 'reloaded')
    return String(line?.['changes']).includes('gateway') ? line! : null
  })
  t.match(reloaded['changes'], ['gateway.limits.body: nothing → "98B"', /^configuration /])
})

t.test('SIGTERM answers what is in flight, and another process takes over.', async (t) => {
  const folder = t.testdir({})
  const draw = seeded(6)
  const models = [await startModel(t, draw, { error: 1, failures: 0 })]
  models.push(await startModel(t, draw, { error: 1, failures: 0 }))
  const held: ServerResponse[] = []
  const holding = createHttpServer((_req, res) => void held.push(res))
  await new Promise<void>((resolve) => holding.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => holding.close(resolve).closeAllConnections()))
  const { port } = holding.address() as { port: number }
  const rollout = buildRolloutService(
    { baseline: models[0]!.origin, canary: models[1]!.origin },
    {
      rollout: {
        start: 'manual',
        steps: [{ weight: '20%', minDuration: '1h' }, { weight: '100%' }],
      },
    },
  )
  const slow = {
    match: { path: '/slow' },
    variants: { baseline: { version: '1', upstreams: [`http://127.0.0.1:${port}`] } },
  }
  // Long enough for all that is asked before the port is closed, however busy the machine is.
  const drain = { wait: '5s', deadline: '60s', streams: '60s' }
  const config = buildConfig(folder, { m: rollout, slow }, { gateway: { drain } })
  const file = writeConfig(folder, config)
  const old = await startSerin(t, file)
  await until(
    'the first one decides',
    async () => (await readSample(old.admin, 'serin_leader')) === 1,
  )
  const next = await startSerin(t, file)
  await command(old.admin, 'm', 'promote')
  await untilService(next.admin, 'm', 'the second one follows', (s) => s.weights['canary'] === 20)
  t.equal(await readSample(next.admin, 'serin_leader'), 0)
  await command(next.admin, 'm', 'pause')
  t.equal((await readService(old.admin, 'm')).phase, 'paused', 'who decides is told')

  const load = startLoad(t, {
    data: () => old.data,
    path: '/m/x',
    concurrency: 8,
    perSecond: 200,
    draw,
  })
  const inFlight = Array.from({ length: 10 }, () => request(`${old.data}/slow`))
  await until('ten requests are in flight', () => held.length === 10)
  const ready = async () => (await request(`${old.data}/-/ready`)).statusCode
  t.equal(await ready(), 200)
  old.kill('SIGTERM')
  await until('readiness goes first', async () => (await ready()) === 503)
  t.equal((await askAdmin(old.admin, '/readyz')).status, 503)
  const late = await request(`${old.data}/m/x`)
  t.equal(late.statusCode, 200, 'requests are still answered while balancers look elsewhere')
  await late.body.dump()
  await load.stop()
  t.same(Object.keys(load.tally.statuses), ['200'])
  t.same(load.tally.broken, {}, 'whoever heeds readiness loses nothing')

  await until('no new connections are taken', async () => {
    try {
      await ready()
      return false
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
    }
  })
  for (const res of held) res.end('answered')
  for (const answer of await Promise.all(inFlight)) {
    t.equal(answer.statusCode, 200)
    t.equal(await answer.body.text(), 'answered')
  }
  const ended = await old.ended
  t.equal(ended.code, 0)
  t.equal(ended.stderr, '')

  await until(
    'the second one decides',
    async () => (await readSample(next.admin, 'serin_leader')) === 1,
  )
  const answer = await command(next.admin, 'm', 'abort', { reason: 'the end' })
  t.match(answer, { decision: { id: 4, action: 'rollback', note: 'the end' } })
  t.equal((await next.stop()).code, 0)
})
