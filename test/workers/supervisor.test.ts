import { connect } from 'node:net'
import { request } from 'undici'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { Config } from '../../src/config/config.ts'
import type { ConfigResult } from '../../src/config/load.ts'
import { Scrapes } from '../../src/workers/scrapes.ts'
import { createOwnCounts } from '../../src/workers/own-counts.ts'
import { Supervisor } from '../../src/workers/supervisor.ts'
import type { WorkerApi } from '../../src/workers/worker-api.ts'
import { freePort } from '../support/free-port.ts'
import { configOf, file } from '../config/problems-of.ts'
import { createFakeWorker, type FakeWorker } from './fake-worker.ts'

/** A configuration whose ports are free ones, unless that of the data is given. */
function config(port = 0): Config {
  const read = configOf(file({}))
  const listen = { host: '127.0.0.1', port: 0 }
  return {
    ...read,
    file: null,
    gateway: {
      ...read.gateway,
      listen: { ...listen, port },
      drain: { waitMs: 0, deadlineMs: 0, streamsMs: 0 },
    },
    admin: { listen, tokens: [] },
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0))
const once = async (isSo: () => boolean) => {
  while (!isSo()) await settled()
}

type World = {
  readonly supervisor: Supervisor
  readonly forked: FakeWorker[]
  readonly slept: number[]
  readonly logs: Record<string, unknown>[]
  /** Lets a second pass for the heartbeat. */
  readonly beat: () => Promise<void>
  /** Lets monotonic time pass. */
  readonly pass: (ms: number) => void
  readonly read: { result: ConfigResult }
}

/** A supervisor over workers without processes: `answers` are those of the nth that is forked, from 1. */
function world(
  t: Test,
  answers: (nth: number) => Partial<WorkerApi> = () => ({}),
  port?: number,
): World {
  const forked: FakeWorker[] = []
  const slept: number[] = []
  const logs: Record<string, unknown>[] = []
  let now = 0
  let beat = () => {}
  const loaded: ConfigResult = { ok: true, config: config(), warnings: [] }
  const read: World['read'] = { result: loaded }
  const log = pino({}, { write: (line: string) => void logs.push(JSON.parse(line) as never) })
  const clock = { now: () => now, monotonic: () => now }
  const supervisor = new Supervisor(config(port), {
    log,
    clock,
    own: createOwnCounts({ clock, log, linesLost: () => 3 }, 2, 128),
    version: '1.2.3',
    workers: 2,
    fork: () => {
      const nth = forked.length + 1
      const worker = createFakeWorker(nth, answers(nth))
      forked.push(worker)
      return worker.process
    },
    sleep: async (ms, signal) => {
      slept.push(ms)
      // Limits of a drain and the like never come; delays pass at once.
      if (ms >= 20_000) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      else {
        await settled()
        now += ms
      }
    },
    every: (_ms, run) => (beat = run),
    readConfig: async () => read.result,
  })
  t.teardown(() => supervisor.close())
  const beatOnce = async () => {
    beat()
    // A question and its answer take a turn each.
    for (let turn = 0; turn < 3; turn += 1) await settled()
  }
  return {
    ...{ supervisor, forked, slept, logs, read, beat: beatOnce },
    pass: (ms) => void (now += ms),
  }
}

t.test('The first worker starts alone, then the others; a drain ends all.', async (t) => {
  // Nobody else is given it once nobody listens there.
  const { supervisor, forked } = world(t, undefined, await freePort())
  const { data, admin } = await supervisor.listen()
  t.match(data, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.match(admin, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.equal(forked.length, 2)
  await supervisor.drain()
  for (const { asked } of forked) t.same(asked, ['start', 'drain', 'close'])
  await t.rejects(request(data!), { code: 'ECONNREFUSED' })
})

t.test('What keeps the first worker from starting is why nothing starts.', async (t) => {
  const taken = Object.assign(new Error('no store'), { code: 'SERIN_STORE_FAILED' })
  const { supervisor, forked } = world(t, () => ({ start: () => Promise.reject(taken) }))
  await t.rejects(supervisor.listen(), { message: 'no store', code: 'SERIN_STORE_FAILED' })
  t.equal(forked.length, 1)
})

t.test('A worker that hangs is killed and replaced; one that answers late is not.', async (t) => {
  let hangs = false
  const answer: (() => void)[] = []
  const { supervisor, forked, logs, beat } = world(t, (nth) =>
    nth === 2
      ? { beat: () => new Promise((resolve) => (hangs ? answer.push(resolve) : resolve())) }
      : {},
  )
  await supervisor.listen()
  for (let n = 0; n < 12; n += 1) await beat()
  hangs = true
  for (let n = 0; n < 9; n += 1) await beat()
  answer.splice(0).forEach((tell) => tell())
  await settled()
  await settled()
  for (let n = 0; n < 10; n += 1) await beat()
  t.same(logs, [], 'it has answered in between')
  t.equal(forked.length, 2)
  await beat()
  await once(() => forked.length === 3 && forked[2]!.asked.includes('start'))
  t.match(logs, [
    { worker: 2, msg: 'worker 2 has not answered for 10 s: it is killed' },
    { worker: 2, msg: 'worker 2 was ended by SIGKILL: another one takes its place' },
  ])
  for (let n = 0; n < 12; n += 1) await beat()
  t.equal(forked.length, 3, 'the new one answers')
})

t.test(
  'A worker that ends is replaced at once, with a growing delay where that does not last.',
  async (t) => {
    const { supervisor, forked, slept, logs, pass } = world(t)
    await supervisor.listen()
    await forked[1]!.supervisor.ask('leads', true)
    forked[1]!.end({ code: null, signal: 'SIGSEGV' })
    await once(() => forked.length === 3 && forked[2]!.asked.includes('start'))
    t.same(slept, [], 'the first time at once')
    t.match(logs, [
      { worker: 2, msg: 'worker 2 was ended by SIGSEGV: another one takes its place' },
    ])
    t.ok(forked[0]!.asked.includes('succeed'), 'another one may decide')

    for (const [i, expected] of [1000, 2000, 4000].entries()) {
      const known = forked.length
      await settled()
      forked.at(-1)!.end({ code: 1, signal: null })
      await once(() => forked.length > known && forked.at(-1)!.asked.includes('start'))
      t.equal(slept[i], expected)
    }
    await settled()
    pass(10_000)
    const before = slept.length
    forked.at(-1)!.end({ code: 1, signal: null })
    await once(() => forked.length === 7)
    t.equal(slept.length, before, 'at once again after it has run for a while')
  },
)

t.test('When no worker can start any more the supervisor gives up.', async (t) => {
  const { supervisor, forked } = world(t, (nth) =>
    nth <= 2 ? {} : { start: () => Promise.reject(new Error('the store is gone')) },
  )
  await supervisor.listen()
  for (const worker of [...forked]) worker.end({ code: 1, signal: null })
  await t.rejects(supervisor.failed, { message: 'the store is gone' })
})

t.test(
  'Connections to the data port go to each worker in turn, the admin port to the one that decides.',
  async (t) => {
    const { supervisor, forked } = world(t)
    const { data, admin } = await supervisor.listen()
    const connect = (url: string | null) => request(url!, { reset: true }).catch(() => null)
    await forked[1]!.supervisor.ask('leads', true)
    const [a, b] = forked as [FakeWorker, FakeWorker]
    const count = (worker: FakeWorker, port: string) =>
      worker.taken.filter(({ to }) => to === port).length
    for (let i = 0; i < 6; i++) void connect(data)
    await once(() => count(a, 'data') + count(b, 'data') === 6)
    t.equal(count(a, 'data'), 3)
    for (let i = 0; i < 3; i++) void connect(admin)
    await once(() => count(b, 'admin') === 3)
    t.equal(count(a, 'admin'), 0)
    await a.supervisor.ask('leads', true)
    await b.supervisor.ask('leads', false)
    void connect(admin)
    await once(() => count(a, 'admin') === 1)
    await a.supervisor.ask('leads', false)
    void connect(admin)
    await once(() => count(a, 'admin') + count(b, 'admin') === 5)
    t.pass('without one that decides any of them answers, after a moment')
    for (const { socket } of [...a.taken, ...b.taken]) socket.destroy()
  },
)

t.test(
  'A connection waits for a successor where all workers have ended, whoever decides.',
  async (t) => {
    let begin = () => {}
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const { supervisor, forked, pass } = world(t, (nth) =>
      nth <= 2 ? {} : { start: () => begun.then(() => ({ holder: `host:${nth}` })) },
    )
    const { data } = await supervisor.listen()
    // None of them has ever decided: it is another machine that does.
    pass(60_000)
    for (const worker of [...forked]) worker.end({ code: 1, signal: null })
    await once(() => forked.length === 3)
    const client = connect(Number(new URL(data!).port), '127.0.0.1')
    t.teardown(() => client.destroy())
    let isCut = false
    client.once('close', () => (isCut = true)).on('error', () => {})
    await new Promise((resolve) => client.once('connect', resolve))
    await settled()
    begin()
    await once(() => isCut || forked[2]!.taken.length === 1)
    t.notOk(isCut)
    for (const { socket } of forked[2]!.taken) socket.destroy()
  },
)

t.test('Without any worker the admin port says 503.', async (t) => {
  const { supervisor, forked } = world(t, (nth) =>
    nth <= 2 ? {} : { start: () => new Promise(() => {}) },
  )
  const { data, admin } = await supervisor.listen()
  for (const worker of [...forked]) worker.end({ code: 1, signal: null })
  await once(() => forked.length === 3)
  const answer = await request(`${admin}/readyz`)
  t.equal(answer.statusCode, 503)
  t.match(await answer.body.json(), { status: 503, code: 'SERIN_NO_WORKER' })
  // The end, or a reset where the request had already come.
  await t.rejects(request(data!), { code: /^(UND_ERR_SOCKET|ECONNRESET|EPIPE)$/ })
})

const TAKEN_BY_2 = { ok: true, changes: ['taken by 2'], waiting: ['waits in 2'] }

t.test('A reload is checked by all before it is taken by any.', async (t) => {
  let refusal: string | null = null
  let failsToTake = 0
  const { supervisor, forked, read, logs } = world(t, (nth) => ({
    prepare: async () =>
      nth === 2 && refusal !== null ? { ok: false, problems: [refusal] } : { ok: true },
    take: async () => {
      if (nth === failsToTake) throw new Error('a mistake')
      return { changes: [`taken by ${nth}`], waiting: [`waits in ${nth}`] }
    },
  }))
  await supervisor.listen()
  const [a, b] = forked as [FakeWorker, FakeWorker]
  await b.supervisor.ask('leads', true)
  const clear = () => [a, b].forEach(({ asked }) => asked.splice(0))
  clear()
  t.same(await a.supervisor.ask('reload'), TAKEN_BY_2)
  t.same(
    [a.asked, b.asked],
    [
      ['prepare', 'take'],
      ['prepare', 'take'],
    ],
  )

  refusal = '2.0 serves 100 %'
  clear()
  t.same(await supervisor.reload(), { ok: false, problems: [refusal] })
  t.same([a.asked, b.asked], [['prepare', 'discard'], ['prepare']])

  refusal = 'found 2'
  read.result = { ok: false, problems: [] }
  clear()
  t.same(await supervisor.reload(), { ok: false, problems: [refusal] })
  t.same([a.asked, b.asked], [['prepare', 'discard'], ['prepare']], 'all hear of a bad file')

  refusal = null
  read.result = { ok: true, config: config(), warnings: [] }
  failsToTake = 1
  t.same(await supervisor.reload(), TAKEN_BY_2)
  await once(() => forked.length === 3)
  t.match(
    logs.map(({ msg }) => msg),
    [/did not take/, /was ended by SIGKILL/],
    'and is replaced',
  )

  failsToTake = 2
  clear()
  t.same(
    await supervisor.reload(),
    { ok: true, changes: ['taken by 3'], waiting: ['waits in 3'] },
    'nor does one that decides keep the others from it',
  )
  await once(() => forked.length === 4)
})

t.test(
  'Workers hear of each other what they count; who does not answer is left out.',
  async (t) => {
    const totals = (value: number) => [
      {
        ...{ name: 'requests', head: '# HELP requests r\n# TYPE requests counter' },
        ...{ type: 'counter', aggregator: 'sum', series: ['requests'], values: [value] },
      },
    ]
    let isBroken = false
    const scrapes = new Map<number, Scrapes>()
    const parts = async function* (nth: number) {
      yield totals(nth * 4)
      yield totals(nth * 6)
    }
    const { supervisor, forked } = world(t, (nth) => ({
      snapshot: (scrape) => {
        if (!scrapes.has(nth)) scrapes.set(nth, new Scrapes())
        return scrapes.get(nth)!.next(scrape, () => parts(nth))
      },
      figures: async (service) => {
        if (isBroken) throw new Error('no figures')
        return {
          [`${service} of ${nth}`]: {
            variants: {},
            mirrors: {},
            rules: [],
            keys: { requests: 0, missing: 0 },
          },
        }
      },
    }))
    await supervisor.listen()
    const [a, b] = forked as [FakeWorker, FakeWorker]
    t.same(await a.supervisor.ask('figures', 'm'), [
      { 'm of 2': { variants: {}, mirrors: {}, rules: [], keys: { requests: 0, missing: 0 } } },
    ])
    isBroken = true
    t.same(await a.supervisor.ask('figures', 'm'), [])
    t.match((await a.supervisor.ask('metrics')).body, /^requests 30$/m)
    t.same(await a.supervisor.ask('workers'), { 'worker 1': 'serving', 'worker 2': 'serving' })
    b.end({ code: 1, signal: null })
    await once(() => forked.length === 3 && forked[2]!.asked.includes('start'))
    await settled()
    // 10 of the first, 20 of the one that ended, 30 of the third.
    t.match((await a.supervisor.ask('metrics')).body, /^requests 60$/m)
  },
)

t.test('An abort that one worker could not store is given to the others.', async (t) => {
  const given: unknown[] = []
  let isBroken = false
  const { supervisor, forked } = world(t, (nth) => ({
    abort: async (...order) => {
      given.push([nth, ...order])
      if (isBroken) throw new Error('it ended')
    },
  }))
  await supervisor.listen()
  const order = { verb: 'abort', actor: 'ops', note: null } as const
  await forked[0]!.supervisor.ask('abort', 'm', order)
  t.strictSame(given, [[2, 'm', order]])
  isBroken = true
  await forked[1]!.supervisor.ask('abort', 'm', order)
  t.strictSame(given[1], [1, 'm', order], 'one that fails keeps nobody back')
})

t.test('Workers that end before they are drained are named, and not replaced.', async (t) => {
  const { supervisor, forked } = world(t, () => ({ drain: () => new Promise(() => {}) }))
  await supervisor.listen()
  const drained = supervisor.drain()
  await once(() => forked.every(({ asked }) => asked.includes('drain')))
  t.same(await forked[0]!.supervisor.ask('workers'), {
    'worker 1': 'draining',
    'worker 2': 'draining',
  })
  forked[0]!.end({ code: null, signal: 'SIGSEGV' })
  forked[1]!.process.kill()
  await t.rejects(drained, {
    message: 'not drained: worker 1 was ended by SIGSEGV, worker 2 was ended by SIGKILL',
  })
  t.equal(forked.length, 2, 'nobody is replaced then')
})
