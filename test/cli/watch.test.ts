import t from 'tap'
import type { Test } from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import type { AdminDeps, ReloadStanding } from '../../src/admin/admin-deps.ts'
import type { ServiceStatus } from '../../src/admin/service-status.ts'
import { runCli } from '../../src/cli/program.ts'
import type { Comparison } from '../../src/domain/comparison.ts'
import type { ExperimentView } from '../../src/rollout/experiment-view.ts'
import {
  createFakeDeps,
  fakeDecision,
  fakeMetric,
  fakeState,
  fakeStatus,
  fakeThreshold,
  LOOPBACK,
  NOW,
} from '../admin/fake-deps.ts'
import { createFakeIo, serveAdmin, type FakeIo } from './fake-io.ts'

type Screen = { readonly isTTY: boolean; readonly columns?: number; readonly rows?: number }
const TERMINAL: Screen = { isTTY: true, rows: 50 }
const PIPE: Screen = { isTTY: false }

/** Watches for as many looks as there are steps; each step runs after its look. */
async function watch(
  admin: string,
  argv: readonly string[],
  stdout: Screen,
  steps: readonly ((fake: FakeIo) => unknown)[],
  env: Readonly<Record<string, string>> = { NO_COLOR: '1' },
): Promise<{ exitCode: number; fake: FakeIo }> {
  let looks = 0
  let elapsedMs = 0
  const fake: FakeIo = createFakeIo(['status', '--watch', '--admin', admin, ...argv], {
    env,
    stdout: { ...stdout, write: () => undefined },
    clock: { now: () => NOW + elapsedMs, monotonic: () => elapsedMs },
    sleep: async (ms) => {
      elapsedMs += ms
      await steps[looks]?.(fake)
      looks += 1
      if (looks >= steps.length) fake.signal('SIGINT')
    },
  })
  const exitCode = await runCli(fake.io)
  return { exitCode, fake }
}

const nothing = () => undefined

const ESC = '\u001B'

/** The last block of a terminal, as one sees it. */
function lastFrame(text: string): readonly string[] {
  return text
    .split(new RegExp(`${ESC}\\[\\d+A`))
    .at(-1)!
    .replaceAll(new RegExp(`${ESC}\\[[KJ]`, 'g'), '')
    .trimEnd()
    .split('\n')
}

function statusWith(metrics: NonNullable<ServiceStatus['rollout']>['metrics']): ServiceStatus {
  const status = fakeStatus()
  return { ...status, rollout: { ...status.rollout!, metrics } }
}

function experiment(changes: Partial<ExperimentView>): ExperimentView {
  const state = { revision: 3 } as ExperimentView['state']
  return { state, id: 'x#1', winner: null, comparisons: [], lastDecision: null, ...changes }
}

function comparison(): Comparison {
  const log = { log: 1, threshold: 4 }
  const metrics = [{ report: fakeMetric(), verdict: 'unknown', superiority: log } as const]
  const units = { baseline: 700, challenger: 300 }
  const rest = { expectedShare: 0.3, ratioMismatch: log, etaSeconds: 60 }
  return { variant: 'canary', verdict: 'unknown', metrics, units, ...rest }
}

function serve(t: Test, services: AdminDeps['services'], more: Partial<AdminDeps> = {}) {
  return serveAdmin(t, createFakeDeps({ services, ...more }))
}

t.test('One service is watched with weights as bars and evidence as gauges.', async (t) => {
  const admin = await serve(t, () => [fakeStatus()])
  const { exitCode, fake } = await watch(admin, [], TERMINAL, [nothing, nothing])
  t.equal(exitCode, 0)
  t.equal(fake.listeners(), 0)
  t.same(lastFrame(fake.stdout()), [
    'serin                                                               12:00:01 UTC',
    'credit-risk  progressing  1.4->2.0#1  step 2/4',
    '  variant   version  weight        in flight  requests  errors    p95  healthy',
    '  baseline  1.4      █████░  80 %          3    21,870      42  14 ms      2/2',
    '  canary    2.0      █░░░░░  20 %          3     1,204       3  14 ms      2/2',
    '  metric  baseline  canary         worse │ no worse     verdict',
    '  rmse         3.1    3.02    0 % ░░░░░░░│█████░░ 70 %',
    '  missing   rmse: a rise above 5 % is not excluded yet (upper bound 6.1 %)',
    '  next step in about 2 min',
    '  decision  when      by         action   summary',
    '  #17       61 s ago  evaluator  advance  no harm shown on 1,204 canary request…',
    '  #16       61 s ago  evaluator  start    no harm shown on 1,204 canary request…',
  ])
  t.equal(fake.stdout().split('\u001B[12A').length, 2, 'drawn over the first')
})

t.test('A watch tells of a file that the gateway did not take, until it is mended.', async (t) => {
  let refused: ReloadStanding['refused'] = null
  let waiting: readonly string[] = []
  const admin = await serve(t, () => [fakeStatus()], {
    lastReload: () => ({ inForceSince: NOW - 3_600_000, waiting, refused }),
  })
  const wait = () => void (waiting = ['services.m: waits'])
  const take = () => void (waiting = [])
  const refuse = () => void (refused = { at: NOW, problems: ['line 3 is wrong', 'another'] })
  const mend = () => void (refused = null)
  const said =
    'the file read at 2027-05-01 12:00:00Z was refused, and the configuration of 2027-05-01 11:00:00Z stays in force: line 3 is wrong; another'

  const screen = (await watch(admin, [], TERMINAL, [refuse, nothing])).fake.stdout()
  const told = lastFrame(screen).slice(1, 4)
  t.match(told[0], /^ {2}gateway {3}the file read at/)
  t.equal(told.map((line) => line.slice(12)).join(' '), said)
  t.notMatch(
    lastFrame((await watch(admin, [], TERMINAL, [mend, nothing])).fake.stdout()),
    /refused/,
  )

  const lines = (await watch(admin, [], PIPE, [refuse, nothing, mend, nothing])).fake.stdout()
  t.same(
    lines.split('\n').filter((line) => line.includes('gateway')),
    [
      `2027-05-01 12:00:01Z  gateway  ${said}`,
      '2027-05-01 12:00:03Z  gateway  the file was read again, and is in force',
    ],
  )

  const held = (await watch(admin, [], PIPE, [wait, nothing, take, nothing])).fake.stdout()
  t.same(
    held.split('\n').filter((line) => line.includes('gateway')),
    [
      '2027-05-01 12:00:01Z  gateway  the configuration of 2027-05-01 11:00:00Z is in force, and the store has not taken up all of it: services.m: waits',
      '2027-05-01 12:00:03Z  gateway  the store has taken up the configuration',
    ],
  )

  const json = (await watch(admin, ['-o', 'json'], PIPE, [refuse, nothing])).fake.stdout()
  t.match(
    json
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [
      { reload: { refused: null } },
      { reload: { refused: { problems: ['line 3 is wrong', 'another'] } } },
    ],
  )
})

t.test('A watch tells of a store that cannot be used, until it is back.', async (t) => {
  let store = 'up'
  const admin = await serve(t, () => [fakeStatus()], {
    ready: () => ({ ready: true, checks: { store } }),
  })
  const go = () => void (store = 'away since noon')
  const comeBack = () => void (store = 'up')
  const screen = (await watch(admin, [], TERMINAL, [go, nothing])).fake.stdout()
  t.equal(lastFrame(screen)[1], '  gateway   the store is away since noon')
  comeBack()
  const lines = (await watch(admin, [], PIPE, [go, nothing, comeBack, nothing])).fake.stdout()
  t.same(
    lines.split('\n').filter((line) => line.includes('gateway')),
    [
      '2027-05-01 12:00:01Z  gateway  the store is away since noon',
      '2027-05-01 12:00:03Z  gateway  the store is back',
    ],
  )
})

t.test('The reason that somebody gave is not cut off a watched decision.', async (t) => {
  const decisions = [fakeDecision({ actor: 'ops', action: 'pause', note: 'lunch' })]
  const admin = await serve(t, () => [fakeStatus()], { decisions: async () => decisions })
  const { fake } = await watch(admin, [], TERMINAL, [nothing])
  t.equal(
    lastFrame(fake.stdout()).at(-1),
    '  #17       60 s ago  ops  pause   lunch: no harm shown on 1,204 canary request…',
  )
})

t.test('A gauge tells harm from proof, and what has no evidence is told in words.', async (t) => {
  const none = { harm: null, nonInferiority: null, stepNonInferiority: null, stepHarm: null }
  const limit = { max: 500, min: null, ticksBeyond: 0, baselineBeyond: false, tooFew: false }
  const shown = { ...none, harm: { log: 5, threshold: 4.6 } }
  const proved = { ...none, nonInferiority: { log: 3, threshold: 3 } }
  const ruledOut = { ...none, nonInferiority: { log: -Infinity, threshold: 3 } }
  const status = statusWith([
    fakeMetric({ name: 'harmed', evidence: shown, verdict: 'failed' }),
    fakeMetric({ name: 'proved', evidence: proved, verdict: 'successful' }),
    fakeMetric({ name: 'against', evidence: ruledOut }),
    fakeMetric({ name: 'capped', kind: 'latency', evidence: none, limit, ratio: null }),
    fakeMetric({ name: 'counted', evidence: none, ratio: null, threshold: fakeThreshold() }),
  ])
  const admin = await serve(t, () => [status])
  const plain = lastFrame((await watch(admin, [], TERMINAL, [nothing])).fake.stdout())
  const gauges = plain.slice(6, 11).map((line) => line.slice(30))
  t.same(gauges, [
    '100 % ███████│······· -      failed',
    '    - ·······│███████ 100 %  successful',
    '    - ·······│░░░░░░░ 0 %',
    'limit 500 ms',
    '3 ok, 1 failed',
  ])
  const coloured = (await watch(admin, [], TERMINAL, [nothing], {})).fake.stdout()
  t.match(coloured, '\u001B[31m100 % ███████')
  t.match(coloured, '\u001B[32m    - ·······│███████')
  t.match(coloured, '\u001B[1mcredit-risk')
})

t.test('Several services are a table with a line each, alarming ones by their harm.', async (t) => {
  const named = (name: string, status: ServiceStatus) => ({
    ...status,
    service: { ...status.service, name },
  })
  const harm = { ...fakeMetric().evidence, harm: { log: 3, threshold: 4 } }
  const fixed = fakeStatus(null, 'fixed')
  const services: readonly ServiceStatus[] = [
    named('good', fakeStatus()),
    named('bad', statusWith([fakeMetric(), fakeMetric({ name: 'errors', evidence: harm })])),
    named('unread', { ...fakeStatus(), rollout: null }),
    fixed,
    named('abn', { ...fixed, experiment: experiment({ comparisons: [comparison()] }) }),
    named('won', { ...fixed, experiment: experiment({ winner: 'canary' }) }),
  ]
  const admin = await serve(t, () => services, { decisions: async () => [] })
  const frame = lastFrame((await watch(admin, [], TERMINAL, [nothing])).fake.stdout())
  t.same(frame, [
    'serin  6 services                                                   12:00:00 UTC',
    '  service  phase          step  canary           evidence             next',
    '  good     progressing    2/4   ██░░░░░░░░ 20 %  rmse no worse 70 %  2 min',
    '  bad      progressing    2/4   ██░░░░░░░░ 20 %  errors worse 75 %   2 min',
    '  unread   not read yet   -     ██░░░░░░░░ 20 %  -                       -',
    '  fixed    fixed weights  -     █░░░░░░░░░ 10 %  -                       -',
    '  abn      experiment     -     █░░░░░░░░░ 10 %  -                       -',
    '  won      canary won     -     █░░░░░░░░░ 10 %  -                       -',
  ])
})

t.test('Each challenger of an experiment has gauges of its own.', async (t) => {
  const fixed = fakeStatus(null, 'abn')
  const services = () => [{ ...fixed, experiment: experiment({ comparisons: [comparison()] }) }]
  const admin = await serve(t, services, { decisions: async () => [] })
  const frame = lastFrame((await watch(admin, [], TERMINAL, [nothing])).fake.stdout())
  t.same(frame.slice(1, 2).concat(frame.slice(5)), [
    'abn  experiment  x#1',
    '  canary  not known yet  (300 against 700 of the baseline, known in about 60 s)',
    '  metric  baseline  canary         worse │ no worse     verdict',
    '  rmse         3.1    3.02    0 % ░░░░░░░│█████░░ 70 %  not known yet',
  ])
})

t.test('A live view fits into its terminal: 80 columns, fewer, and few rows.', async (t) => {
  const long = 'a-service-with-a-name-that-is-rather-long-for-a-terminal'
  const status = fakeStatus()
  const services = () => [{ ...status, service: { ...status.service, name: long } }, fakeStatus()]
  const admin = await serve(t, services)
  for (const columns of [80, 60, 40]) {
    for (const argv of [[], ['credit-risk']]) {
      const { fake } = await watch(admin, argv, { ...TERMINAL, columns }, [nothing])
      for (const line of lastFrame(fake.stdout())) t.ok(line.length <= columns, line)
    }
  }
  const low = await watch(admin, ['credit-risk'], { isTTY: true, rows: 5 }, [nothing, nothing])
  t.match(low.fake.stdout(), `${ESC}[4A`)
  t.match(lastFrame(low.fake.stdout()).at(-1)!, /^… 9 more lines$/)
})

t.test('A terminal that does not know its size is taken for 80 by 24.', async (t) => {
  const admin = await serve(t, () => [fakeStatus()])
  const { fake } = await watch(admin, [], { isTTY: true, columns: 0, rows: 0 }, [nothing])
  t.equal(lastFrame(fake.stdout()).length, 12)
})

t.test('Elsewhere than on a terminal there is a line for each change, and no other.', async (t) => {
  let status = fakeStatus()
  let decisions = [fakeDecision()]
  const later = fakeDecision({ id: 18, at: NOW, action: 'pause', actor: 'ops', summary: 'look' })
  const steps = [
    nothing,
    () => {
      const state = fakeState({ revision: 6, weightBp: 3000 })
      decisions = [later, ...decisions]
      const rollout = { ...status.rollout!, state, lastDecision: later }
      status = { ...status, weightsBp: { baseline: 7000, canary: 3000 }, rollout }
    },
    () => {
      const metrics = [fakeMetric({ verdict: 'successful' })]
      status = { ...status, rollout: { ...status.rollout!, metrics } }
    },
    () => {
      const paused = {
        phase: 'paused',
        pausedBy: 'override',
        pausedMetric: null,
        pausedAt: NOW,
      } as const
      status = {
        ...status,
        rollout: {
          ...status.rollout!,
          state: fakeState({ ...paused, resumeAt: null, weightBp: 3000 }),
        },
      }
    },
    nothing,
  ]
  const admin = await serve(t, () => [status], {
    decisions: async (_service, { after }) => decisions.filter(({ id }) => id > after),
  })
  const { fake } = await watch(admin, [], PIPE, steps)
  t.equal(
    fake.stdout(),
    `2027-05-01 12:00:00Z  credit-risk  progressing  1.4->2.0#1  step 2/4  baseline 80 %, canary 20 %
2027-05-01 12:00:00Z  credit-risk  #18 pause by ops: look (progressing, baseline 80 %, canary 20 %)
2027-05-01 12:00:03Z  credit-risk  rmse: inconclusive -> successful
2027-05-01 12:00:04Z  credit-risk  paused  1.4->2.0#1  step 2/4  baseline 70 %, canary 30 %  paused because somebody set the weight
`,
  )
})

t.test('Services that come and go are told in lines.', async (t) => {
  let services = [fakeStatus(null, 'fixed')]
  const admin = await serve(t, () => services, { decisions: async () => [] })
  const { fake } = await watch(admin, [], PIPE, [() => (services = [fakeStatus()])])
  t.match(
    fake.stdout(),
    /^2027-05-01 12:00:00Z {2}fixed {2}fixed weights {2}baseline 90 %, canary 10 %\n$/,
  )
  services = [fakeStatus(null, 'fixed')]
  const both = await watch(admin, [], PIPE, [() => (services = [fakeStatus()]), nothing])
  t.match(both.fake.stdout(), /credit-risk {2}progressing .*\n.*fixed {2}is configured no more\n$/)
  services = []
  const empty = await watch(admin, [], TERMINAL, [nothing])
  t.match(lastFrame(empty.fake.stdout())[0], /^serin {2}0 services/)
})

t.test('Lines of JSON are printed at each look.', async (t) => {
  const admin = await serve(t, () => [fakeStatus()])
  const { fake } = await watch(admin, ['-o', 'json'], PIPE, [nothing, nothing])
  const lines = fake.stdout().trim().split('\n')
  t.same(
    lines.map((line) => JSON.parse(line).services[0].name),
    ['credit-risk', 'credit-risk'],
  )
})

t.test('A gateway that goes away and comes back is waited for, and both are told.', async (t) => {
  for (const [stdout, argv] of [
    [TERMINAL, []],
    [PIPE, []],
    [PIPE, ['-o', 'json']],
  ] as const) {
    let app = createAdminServer(createFakeDeps(), LOOPBACK)
    const admin = await app.listen({ host: '127.0.0.1', port: 0 })
    const seen: string[] = []
    const note = (fake: FakeIo) => void seen.push(lastFrame(fake.stdout()).join('\n'))
    const steps = [
      () => app.close(),
      note,
      note,
      async () => {
        app = createAdminServer(createFakeDeps(), LOOPBACK)
        await app.listen({ host: '127.0.0.1', port: Number(new URL(admin).port) })
      },
      note,
      ...Array.from({ length: 10 }, () => nothing),
      note,
    ]
    const { exitCode, fake } = await watch(admin, argv, stdout, steps)
    await app.close()
    t.equal(exitCode, 0)
    if (stdout.isTTY) {
      const flat = seen.map((text) => text.replaceAll(/\s+/g, ' '))
      t.match(flat[1], /gateway gone for 1 s and asked again every second; .* \(cannot reach/)
      t.match(flat[1], /credit-risk +progressing/, 'what was known stays')
      t.match(flat[2], /gateway back after 3 s serv/)
      t.notMatch(flat[3], /gateway/)
    } else if (argv.length === 0) {
      const told = fake
        .stdout()
        .split('\n')
        .filter((line) => line.includes('gateway  '))
      t.equal(told.length, 2)
      t.match(
        told[0],
        /^2027-05-01 12:00:01Z {2}gateway {2}gone, and asked again every second: cannot/,
      )
      t.match(told[1], /gateway {2}back after 3 s$/)
    } else {
      t.match(fake.stderr(), /^serin: gateway gone, .*\nserin: gateway back after 3 s\n$/)
    }
  }
})

t.test('A gateway that never answered is not waited for.', async (t) => {
  const app = createAdminServer(createFakeDeps(), LOOPBACK)
  const admin = await app.listen({ host: '127.0.0.1', port: 0 })
  await app.close()
  const { exitCode, fake } = await watch(admin, [], TERMINAL, [nothing])
  t.equal(exitCode, 2)
  t.match(fake.stderr(), /cannot reach the gateway/)
  t.equal(fake.listeners(), 0)
})

t.test('Ctrl-C ends a watch at once, even while the gateway owes an answer.', async (t) => {
  const { createServer } = await import('node:http')
  const asked: (() => void)[] = []
  const server = createServer(() => asked.forEach((tell) => tell()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const fake = createFakeIo(['status', '--watch', '--admin', `http://127.0.0.1:${port}`])
  asked.push(() => fake.signal('SIGINT'))
  t.equal(await runCli(fake.io), 0)
  t.equal(fake.stdout(), '')
})
