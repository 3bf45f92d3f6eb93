import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { askAdmin, command, readSample, readService, untilService } from './support/admin-api.ts'
import { startLoad } from './support/load.ts'
import { writeConfig, type SerinGateway } from './support/serin-process.ts'
import { pidOf, startTwo } from './support/two-workers.ts'
import { until } from './support/until.ts'

/** By name, what each worker does. */
async function readWorkers({ admin }: SerinGateway): Promise<Readonly<Record<string, string>>> {
  const { checks } = (await askAdmin(admin, '/readyz')).json<{ checks: Record<string, string> }>()
  return Object.fromEntries(Object.entries(checks).filter(([name]) => name.startsWith('worker ')))
}

const leadingOf = (workers: Readonly<Record<string, string>>) =>
  Object.entries(workers).find(([, does]) => does === 'serving, decides')?.[0] ?? null

/** Requests on a connection each, which stays open, two of each user; gives the variants that answered. */
async function askOnConnections(t: Test, data: string, count: number): Promise<readonly string[]> {
  const variants: string[] = []
  for (let i = 0; i < count; i++) {
    const agent = new Agent({ connections: 1 })
    t.teardown(() => agent.close())
    const headers = { 'x-user-id': `user-${Math.floor(i / 2)}` }
    const answer = await request(`${data}/m/x`, { dispatcher: agent, headers })
    await answer.body.dump()
    t.equal(answer.statusCode, 200)
    variants.push(String(answer.headers['x-serin-variant']))
  }
  return variants
}

/** The answers of every other connection, which went to the same worker. */
const of = (answers: readonly string[], turn: number) => answers.filter((_, i) => i % 2 === turn)

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
    perSecond: 200,
    draw,
  })
  await until('some requests are sent', () => load.tally.sent > 250)
  await load.stop()
  t.same(Object.keys(load.tally.statuses), ['200'])
  t.same(load.tally.broken, {})
  const sent = load.tally.statuses[200]!
  const counted = () => readSample(admin, 'serin_requests_total', 'variant="baseline"', '"ok"')
  await until('all are counted', async () => (await counted()) >= sent)
  t.equal(await counted(), sent, 'the exposition is the sum of both')
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
    const isAlike = of(answers, 0).join() === of(answers, 1).join()
    return isAlike && answers.includes('canary') ? answers : null
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
  // Each new connection goes to the next worker: whichever answers knows it.
  for (const _ of [1, 2]) {
    t.match((await askAdmin(admin, '/api/v1/reload')).json(), {
      refused: { problems: [/gateway: is missing/, /services: is missing/] },
    })
  }
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
    // A connection that was kept with the dead one is of no use.
    const leading = leadingOf(await readWorkers(serin).catch(() => ({})))
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
  const canaries = of(answers, 0).filter((variant) => variant === 'canary').length
  t.ok(canaries > 0 && canaries < 30, `${canaries} of 40 at 20 %`)
  t.same(of(answers, 1), of(answers, 0), 'and the other worker gives each user the same')
  t.match(await command(admin, 'm', 'abort'), { decision: { action: 'rollback' } })
  t.equal((await serin.stop()).code, 0)
})
