import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import type { MirrorJson } from '../../src/admin/present-mirror.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { freePort } from '../support/free-port.ts'
import { readSample, readService } from './support/admin-api.ts'
import { buildConfig } from './support/config.ts'
import { startSerin, writeConfig } from './support/serin-process.ts'
import { until } from './support/until.ts'

const MODEL = fileURLToPath(new URL('support/mirror-model.js', import.meta.url))
/** The slow copies are held back so long at least. */
const SLOW_MS = 500
/** A copy is given up after this time, in which hundreds of requests are sent on a busy machine too. */
const FIRST_BYTE_MS = 8_000

/** Starts the mirror's model server, and gives ways to signal it. */
async function startModel(t: Test, port: number) {
  const child = spawn(process.execPath, [MODEL, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  await once(child.stdout, 'data')
  return { kill: (signal: NodeJS.Signals) => child.kill(signal), ended }
}

/** A gateway that mirrors all requests of one service to a model server in a process of its own. */
async function startMirrored(t: Test) {
  const live = await startUpstream((_req, res) => res.end('{"p":1}'))
  t.teardown(live.close)
  const port = await freePort()
  const model = await startModel(t, port)
  const folder = t.testdir({})
  const service = {
    match: { path: '/m/*' },
    idempotent: true,
    variants: {
      baseline: { version: '1', upstreams: [live.origin] },
      shadow: {
        version: '2',
        upstreams: [`http://127.0.0.1:${port}`],
        timeout: { firstByte: `${FIRST_BYTE_MS}ms` },
      },
    },
    mirror: [{ to: 'shadow' }],
    observe: { prediction: 'body:/p' },
  }
  const gateway = await startSerin(t, writeConfig(folder, buildConfig(folder, { m: service })))
  const agent = new Agent({ connections: 50 })
  t.teardown(() => agent.close())
  let sent = 0

  /** Sends requests, all at once, none of which may be other than without a mirror. */
  const send = async (count: number, path = '/m/x') => {
    sent += count
    const one = async () => {
      const answer = await request(`${gateway.data}${path}`, {
        method: 'POST',
        body: '{"x":1}',
        dispatcher: agent,
      })
      const text = await answer.body.text()
      return `${answer.statusCode} ${String(answer.headers['x-serin-variant'])} ${text}`
    }
    const answers = await Promise.all(Array.from({ length: count }, one))
    t.same([...new Set(answers)], ['200 baseline {"p":1}'])
  }

  const look = async () => (await readService(gateway.admin, 'm')).mirrors['shadow']!
  const untilMirror = (what: string, isSo: (mirror: MirrorJson) => boolean) =>
    until(what, async () => {
      const mirror = await look()
      return isSo(mirror) ? mirror : null
    })
  return { gateway, port, model, send, look, untilMirror, sent: () => sent }
}

t.test('A mirror may be slow, hang, die and come back: its counters alone show it.', async (t) => {
  t.setTimeout(120_000)
  const { gateway, port, model, send, look, untilMirror, sent } = await startMirrored(t)
  const { admin } = gateway

  await send(50)
  const well = await untilMirror('all copies are answered', ({ pairs }) => pairs === 50)
  t.match(well, { inFlight: 0, results: { ok: 50 }, unread: 0, disagreements: { value: 50 } })
  t.match(well.lastDisagreed.at(-1), { result: 'value', live: 1, mirror: 2 })

  await send(50, '/m/slow')
  await send(50)
  t.ok((await look()).inFlight >= 50, 'nobody waits for the slow copies: they are under way still')
  await delay(SLOW_MS)
  model.kill('SIGUSR2')
  const slow = await untilMirror('slow copies are answered too', ({ pairs }) => pairs === 150)
  t.ok(slow.p99Ms! >= SLOW_MS, `their time is told: ${slow.p99Ms} ms`)

  model.kill('SIGSTOP')
  await send(300)
  const hangs = await untilMirror('each copy waits or is dropped', ({ inFlight, results }) => {
    return inFlight + results.dropped_busy === 300
  })
  t.same(
    [hangs.inFlight, hangs.results.dropped_busy],
    [256, 44],
    'as many copies wait as may; the rest is dropped',
  )
  const given = await untilMirror('they are given up', ({ inFlight }) => inFlight === 0)
  t.match(given.results, { ok: 150, no_answer: 256, dropped_busy: 44 })
  model.kill('SIGCONT')
  await send(10)
  await untilMirror('it answers again', ({ results }) => results.ok === 160)

  model.kill('SIGKILL')
  await model.ended
  await send(50)
  await untilMirror('copies to a dead mirror end', ({ inFlight, results }) => {
    return inFlight === 0 && results.failed + results.dropped_unhealthy === 50
  })
  await until('the checks have found out', async () => {
    return (await readSample(admin, 'serin_upstream_healthy', 'variant="shadow"')) === 0
  })
  const dead = await look()
  await send(10)
  const { lastOkAt } = await untilMirror('no more copies are made', ({ results }) => {
    return results.dropped_unhealthy === dead.results.dropped_unhealthy + 10
  })
  t.equal(lastOkAt, dead.lastOkAt, 'when it last answered is told')

  const next = await startModel(t, port)
  await until('it is well again', async () => {
    return (await readSample(admin, 'serin_upstream_healthy', 'variant="shadow"')) === 1
  })
  await send(10)
  const back = await untilMirror('it answers once more', ({ results }) => results.ok === 170)

  const { ok, no_answer: noAnswer, failed, cancelled, ...dropped } = back.results
  const total = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  t.equal(ok + noAnswer + failed + cancelled + total, sent(), 'every copy is accounted for')
  const count = (...labels: string[]) => readSample(admin, 'serin_requests_total', ...labels)
  await until('every request is counted', async () => {
    return (await count('variant="baseline"', 'outcome="ok"', 'code="200"')) === sent()
  })
  const { variants } = await readService(admin, 'm')
  t.match(variants, { baseline: { requests: sent(), errors: 0 }, shadow: { requests: 0 } })
  const mirrored = (result: string) =>
    readSample(admin, 'serin_mirror_requests_total', 'variant="shadow"', `result="${result}"`)
  t.same(
    [await mirrored('ok'), await mirrored('no_answer'), await mirrored('dropped_busy')],
    [170, 256, 44],
  )

  next.kill('SIGSTOP')
  await send(5)
  await untilMirror('copies hang again', ({ inFlight }) => inFlight === 5)
  const began = performance.now()
  t.match(await gateway.stop(), { code: 0 })
  const ms = performance.now() - began
  t.ok(ms < FIRST_BYTE_MS, `no copy holds up the end: ${ms.toFixed()} ms`)
})
