import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Config } from '../../src/config/config.ts'
import { buildFirstConfig } from '../../src/cli/first-config.ts'
import type { GatewayDeps, RunningGateway } from '../../src/running-gateway.ts'
import { runCli } from '../../src/cli/program.ts'
import { createFakeIo, type FakeIo } from './fake-io.ts'

const FIRST = buildFirstConfig(
  {
    service: 'a',
    baseline: 'http://127.0.0.1:1',
    canary: 'http://127.0.0.1:2',
    path: '/a/*',
    key: null,
    judge: 'errors-latency',
    prediction: '/outputs/0/data/0',
    event: 'purchase',
    window: '1m',
  },
  { weights: [5, 20, 50, 100], maxDuration: null, forecast: '' },
)

type Started = {
  readonly fake: FakeIo
  readonly file: string
  readonly calls: string[]
  readonly exitCode: Promise<number>
  /** Resolves when the gateway listens. */
  readonly listening: Promise<GatewayDeps>
  readonly logs: () => Record<string, unknown>[]
}

/** Runs `serve` over a gateway that only tells what was called. */
function start(t: Test, changes: Partial<RunningGateway> = {}, failure?: Error): Started {
  const file = join(t.testdir({}), 'serin.yaml')
  writeFileSync(file, FIRST)
  const calls: string[] = []
  let listen: (deps: GatewayDeps) => void
  const listening = new Promise<GatewayDeps>((resolve) => (listen = resolve))
  const fake = createFakeIo(['serve', '-c', file], {
    loadGateway: async () => ({
      createGateway: async (config: Config, deps: GatewayDeps) => {
        if (failure !== undefined) throw failure
        calls.push(`create ${config.services[0]?.name}`)
        return {
          listen: async () => {
            calls.push('listen')
            listen(deps)
            return { data: 'http://127.0.0.1:8080', admin: 'http://127.0.0.1:9090' }
          },
          reload: async () => {
            calls.push('reload')
            return { ok: true, changes: ['one'], waiting: [] }
          },
          drain: async () => void calls.push('drain'),
          close: async () => void calls.push('close'),
          ...changes,
        }
      },
    }),
  })
  const logs = () =>
    fake
      .stdout()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { fake, file, calls, exitCode: runCli(fake.io), listening, logs }
}

t.test('Serve listens, drains on SIGTERM or SIGINT, closes and ends with 0.', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { fake, file, calls, exitCode, listening, logs } = start(t)
    const deps = await listening
    t.ok(deps.draw() < 1)
    t.not(deps.newRequestId(), deps.newRequestId())
    const take = async () => ({ changes: ['one'], waiting: [] })
    const discard = () => t.fail('nothing is to be discarded')
    t.same(await deps.reload(async ({ ok }) => ({ ok: ok as true, take, discard })), {
      ok: true,
      changes: ['one'],
      waiting: [],
    })
    writeFileSync(file, 'version: 2\n')
    t.match(
      await deps.reload(async (loaded) => {
        t.match(loaded, { ok: false, problems: [{ file }] })
        return { ok: false, problems: ['no'] }
      }),
      { ok: false, problems: ['no'] },
    )
    fake.signal(signal)
    t.equal(await exitCode, 0)
    t.same(calls, ['create a', 'listen', 'drain', 'close'])
    t.equal(fake.listeners(), 0)
    t.match(
      logs().map(({ msg }) => msg),
      ['the configuration deserves a second look', 'listening'],
    )
    t.match(
      logs().find(({ msg }) => msg === 'listening'),
      {
        data: 'http://127.0.0.1:8080',
        admin: 'http://127.0.0.1:9090',
        configHash: /^[0-9a-f]{12}$/,
      },
    )
    t.equal(fake.stderr(), '')
  }
})

t.test('A second signal ends the process at once.', async (t) => {
  let release: () => void = () => undefined
  const started = start(t, { drain: () => new Promise((resolve) => (release = resolve)) })
  await started.listening
  started.fake.signal('SIGTERM')
  started.fake.signal('SIGINT')
  started.fake.signal('SIGTERM')
  t.same(started.fake.exits, [130, 143])
  await new Promise(setImmediate)
  release()
  t.equal(await started.exitCode, 0)
})

t.test('SIGHUP reloads; a bad file or a refusal is logged and changes nothing.', async (t) => {
  let answer: () => Awaited<ReturnType<RunningGateway['reload']>> = () => ({
    ok: true,
    changes: ['x'],
    waiting: ['y'],
  })
  const { fake, exitCode, listening, logs } = start(t, { reload: async () => answer() })
  await listening
  const hangUp = async (count: number) => {
    fake.signal('SIGHUP')
    while (logs().filter(({ msg }) => /reload/.test(String(msg))).length < count) {
      await delay(1)
    }
    return logs().at(-1)
  }
  t.match(await hangUp(1), { msg: 'reloaded', changes: ['x'], waiting: ['y'] })
  answer = () => ({ ok: false, problems: ['2.0 serves 100 %'] })
  t.match(await hangUp(2), { level: 50, msg: /^refused to reload/, problems: ['2.0 serves 100 %'] })
  answer = () => {
    throw new Error('store gone')
  }
  t.match(await hangUp(3), { msg: /^failed to reload/, err: { message: 'store gone' } })
  fake.signal('SIGTERM')
  t.equal(await exitCode, 0)
})

t.test('What keeps the gateway from starting is one line and exit 1.', async (t) => {
  const taken = (code: string, port: number) =>
    Object.assign(new Error('listen failed'), { code, port, address: '127.0.0.1' })
  for (const [error, line] of [
    [
      taken('EADDRINUSE', 8080),
      'port 8080 of 127.0.0.1 is taken by another process: end it, or choose another port (gateway.listen)',
    ],
    [
      taken('EADDRINUSE', 9090),
      'port 9090 of 127.0.0.1 is taken by another process: end it, or choose another port (admin.listen)',
    ],
    [
      taken('EACCES', 80),
      'may not listen on port 80 of 127.0.0.1: take one above 1023 (gateway.listen)',
    ],
  ] as const) {
    const { fake, calls, exitCode } = start(t, { listen: () => Promise.reject(error) })
    t.equal(await exitCode, 1)
    t.equal(fake.stderr(), `serin: ${line}\n`)
    t.same(calls, ['create a', 'close'])
    t.equal(fake.listeners(), 0)
  }
  const store = Object.assign(new Error('./data cannot be written'), { code: 'SERIN_STORE_FAILED' })
  const { fake, exitCode } = start(t, {}, store)
  t.equal(await exitCode, 1)
  t.equal(fake.stderr(), 'serin: cannot start: ./data cannot be written\n')
})

t.test(
  'With several workers a supervisor serves; when it cannot go on, serve ends with 1.',
  async (t) => {
    for (const [setting, cores, expected] of [
      ['3', 1, 3],
      ['auto', 2, 2],
    ] as const) {
      const file = join(t.testdir({}), 'serin.yaml')
      writeFileSync(file, FIRST.replace('gateway:\n', `gateway:\n  workers: ${setting}\n`))
      const calls: string[] = []
      let fail: (error: Error) => void
      class FakeSupervisor {
        readonly failed = new Promise<never>((_, reject) => (fail = reject))
        readonly listen = async () => {
          calls.push('listen')
          setImmediate(() => fail(new Error('no worker can be started')))
          return { data: 'http://127.0.0.1:8080', admin: 'http://127.0.0.1:9090' }
        }
        readonly close = async () => void calls.push('close')

        constructor(config: Config, { workers }: { readonly workers: number }) {
          calls.push(`${workers} workers of ${config.services[0]!.name}`)
        }
      }
      const fake = createFakeIo(['serve', '-c', file], {
        cores,
        loadSupervisor: async () =>
          ({
            Supervisor: FakeSupervisor,
            createOwnCounts: () => null,
            forkWorker: () => t.fail('not here'),
          }) as never,
      })
      t.equal(await runCli(fake.io), 1)
      t.equal(fake.stderr(), 'serin: cannot start: no worker can be started\n')
      t.same(calls, [`${expected} workers of a`, 'listen', 'close'])
      t.equal(fake.listeners(), 0)
    }
  },
)

t.test('A wrong configuration starts nothing.', async (t) => {
  const file = join(t.testdir({ 'serin.yaml': 'version: 2\n' }), 'serin.yaml')
  const fake = createFakeIo(['serve', '-c', file])
  t.equal(await runCli(fake.io), 1)
  t.match(fake.stderr(), /^serin: .*serin\.yaml has/)
})
