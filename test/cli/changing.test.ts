import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import type { FeedbackReport } from '../../src/admin/admin-deps.ts'
import { runCli } from '../../src/cli/program.ts'
import { readLines } from '../../src/cli/read-lines.ts'
import { MAX_FEEDBACK_LINES } from '../../src/feedback/parse.ts'
import type { ComparisonVerdict } from '../../src/domain/comparison.ts'
import type { RolloutState } from '../../src/domain/rollout-state.ts'
import {
  createFakeDeps,
  fakeMetric,
  fakeState,
  fakeStatus,
  LOOPBACK,
  NOW,
} from '../admin/fake-deps.ts'
import { createFakeIo, run, serveAdmin, toStream } from './fake-io.ts'

const PROMOTED = fakeState({ phase: 'promoted', promotedAt: NOW, weightBp: 10_000 })
const ROLLED_BACK = fakeState({
  phase: 'rolled-back',
  rolledBackAt: NOW,
  rolledBackReason: 'rmse',
  weightBp: 0,
})

t.test('Every verb sends its options, the reason and the revision that was read.', async (t) => {
  const deps = createFakeDeps()
  const admin = await serveAdmin(t, deps)
  const actor = 'operator@loopback'
  for (const [argv, command] of [
    [['promote', '--full', '--reason', 'go'], { verb: 'promote', full: true, note: 'go' }],
    [['promote'], { verb: 'promote', full: false, note: null }],
    [['retry', '--force'], { verb: 'retry', force: true, note: null }],
    [['abort'], { verb: 'abort', note: null }],
    [['pause'], { verb: 'pause', note: null }],
    [['resume'], { verb: 'resume', note: null }],
    [['undo'], { verb: 'undo', note: null }],
  ] as const) {
    const [verb, ...options] = argv
    const { exitCode, stdout } = await run([verb, 'credit-risk', ...options, '--admin', admin])
    t.equal(exitCode, 0)
    t.same(deps.commands.at(-1), {
      service: 'credit-risk',
      command: { ...command, actor },
      ifMatch: 5,
    })
    t.equal(
      stdout,
      'credit-risk: decision 18 (advance): no harm shown on 1,204 canary requests: 5 % to 20 %\n' +
        'credit-risk: progressing, baseline 80 %, canary 20 %\n',
    )
  }
  const json = await run(['pause', 'credit-risk', '-o', 'json', '--admin', admin])
  t.equal(JSON.parse(json.stdout).decision.id, 18)
})

t.test(
  'Weights are set in percent, and nonsense is refused before anything is sent.',
  async (t) => {
    const deps = createFakeDeps()
    const admin = await serveAdmin(t, deps)
    for (const [weights, canaryBp] of [
      [['canary=20'], 2000],
      [['canary=0.5%'], 50],
      [['baseline=30', 'canary=70'], 7000],
    ] as const) {
      const argv = ['weights', 'credit-risk', ...weights, '--reason', 'try', '--admin', admin]
      t.equal((await run(argv)).exitCode, 0)
      t.match(deps.commands.at(-1), {
        command: { verb: 'weights', canaryBp, note: 'try' },
        ifMatch: 5,
      })
    }
    const json = await run(['weights', 'credit-risk', 'canary=1', '-o', 'json', '--admin', admin])
    t.equal(JSON.parse(json.stdout).service.name, 'credit-risk')
    for (const weight of ['canary', 'canary=x', '=5', '20']) {
      const { exitCode, stderr } = await run(['weights', 'credit-risk', weight, '--admin', admin])
      t.equal(exitCode, 1)
      t.match(stderr, /Write it as canary=20/)
    }
    const twice = ['weights', 'credit-risk', 'canary=20', 'canary=2', '--admin', admin]
    t.match(await run(twice), { exitCode: 1, stderr: /Give canary one weight:/ })
    const misspelt = await run(['weights', 'credit-risk', 'cnary=10', '--admin', admin])
    t.equal(misspelt.exitCode, 1)
    t.equal(
      misspelt.stderr,
      'serin: credit-risk has no variant "cnary": did you mean "canary"? (it has: baseline, canary)\n',
    )
    const tooMuch = await run(['weights', 'credit-risk', 'canary=200', '--admin', admin])
    t.equal(tooMuch.exitCode, 1)
    t.match(tooMuch.stderr, /canary must be a number of at most 100 \[SERIN_BAD_REQUEST\]/)
    t.equal(deps.commands.length, 4)
    const { service, ...rest } = fakeStatus(null, 'fixed')
    const variants = [...service.variants, { ...service.variants[1]!, name: 'other' }]
    const services = () => [{ ...rest, service: { ...service, variants } }]
    const several = await serveAdmin(t, createFakeDeps({ services }))
    const other = await run(['weights', 'fixed', 'other=10', '--admin', several])
    t.equal(other.exitCode, 1)
    t.match(other.stderr, /^serin: the weight of "other" stands in the configuration; /)
    const split = variants.filter(({ name }) => name !== 'canary')
    const uncanaried = () => [{ ...rest, service: { ...service, variants: split } }]
    const none = await serveAdmin(t, createFakeDeps({ services: uncanaried }))
    const fixed = await run(['weights', 'fixed', 'other=10', '--admin', none])
    t.equal(fixed.exitCode, 1)
    t.match(fixed.stderr, /^serin: fixed has no canary: the weights of its variants stand in /)
  },
)

t.test('A winner that is shown to be worse is promoted with --force alone.', async (t) => {
  const log = { log: 1, threshold: 4 }
  const compared = (verdict: 'worse' | 'better') => ({
    ...{ variant: verdict, verdict, units: { baseline: 700, challenger: 300 } },
    ...{ expectedShare: 0.3, ratioMismatch: log, etaSeconds: null },
    metrics: [
      { report: fakeMetric(), verdict, superiority: log },
      { report: fakeMetric({ name: 'mae' }), verdict: 'unknown' as const, superiority: log },
    ],
  })
  const experiment = {
    ...{ state: fakeState(), id: 'x#1', winner: null, lastDecision: null },
    comparisons: [compared('worse'), compared('better')],
  }
  const services = () => [{ ...fakeStatus(null, 'ab'), experiment }]
  const deps = createFakeDeps({ services })
  const admin = await serveAdmin(t, deps)
  const promote = (...argv: string[]) => run(['promote', 'ab', ...argv, '--admin', admin])
  const refused = await promote('worse')
  t.equal(refused.exitCode, 3)
  t.equal(
    refused.stderr,
    'serin: worse is shown to be worse than the baseline (rmse): `--force` promotes it all the same\n',
  )
  t.equal(
    (await promote('--variant', 'worse', '--full')).exitCode,
    3,
    'which is about its upstreams',
  )
  t.equal(deps.commands.length, 0)
  for (const argv of [['worse', '--force'], ['better'], ['baseline']]) {
    t.equal((await promote(...argv)).exitCode, 0)
    t.match(deps.commands.at(-1)!.command, { verb: 'promote', full: false, variant: argv[0]! })
  }
})

t.test(
  'A refusal or a stale revision is exit 3, and so is a failure of the gateway.',
  async (t) => {
    for (const code of ['SERIN_REFUSED', 'SERIN_STALE_REVISION', 'SERIN_STORE_FAILED'] as const) {
      const deps = createFakeDeps({ command: async () => ({ ok: false, code, detail: 'not now' }) })
      const admin = await serveAdmin(t, deps)
      const { exitCode, stderr, stdout } = await run(['undo', 'credit-risk', '--admin', admin])
      t.equal(exitCode, 3)
      t.match(stderr, /^serin: not now\. .*\n$/)
      t.ok(stderr.endsWith(`[${code}]\n`))
      t.equal(stdout, '')
    }
    const broken = createFakeDeps({ command: () => Promise.reject(new Error('x')) })
    const failed = await run(['undo', 'credit-risk', '--admin', await serveAdmin(t, broken)])
    t.match(
      failed.stderr,
      /inside the gateway\. The gateway's log/,
      'one stop between two sentences',
    )
    const deps = createFakeDeps()
    const admin = await serveAdmin(t, deps)
    for (const named of [['canary'], ['--variant', 'canary']]) {
      t.equal((await run(['promote', 'fixed', ...named, '--admin', admin])).exitCode, 0)
      t.match(deps.commands.at(-1), { command: { verb: 'promote', variant: 'canary' } })
    }
    const both = ['promote', 'fixed', 'canary', '--variant', 'baseline', '--admin', admin]
    const twice = await run(both)
    t.equal(twice.exitCode, 1, 'who names two winners has one of them wrong')
    t.match(twice.stderr, /^serin: found two winners, canary and --variant baseline: name one\n$/)
    t.equal(deps.commands.length, 2)
  },
)

t.test('A command that changes nothing says so.', async (t) => {
  const status = fakeStatus()
  const admin = await serveAdmin(
    t,
    createFakeDeps({ command: async () => ({ ok: true, decision: null, pending: null, status }) }),
  )
  const { stdout } = await run(['pause', 'credit-risk', '--admin', admin])
  t.match(stdout, /^credit-risk: nothing to change\n/)
  const lost =
    /^credit-risk: nothing to change, so that no decision has the reason: it stands in the log of the gateway alone\n/
  const soak = ['--reason', 'soak', '--admin', admin]
  t.match((await run(['pause', 'credit-risk', ...soak])).stdout, lost)
  t.match((await run(['weights', 'credit-risk', 'canary=5', ...soak])).stdout, lost)
})

t.test('An abort that the store does not have yet is done, and says so.', async (t) => {
  const status = fakeStatus(ROLLED_BACK)
  const pending = '2.0 gets nothing from this gateway: that is stored when the store is back'
  const admin = await serveAdmin(
    t,
    createFakeDeps({ command: async () => ({ ok: true, decision: null, pending, status }) }),
  )
  const { exitCode, stdout } = await run(['abort', 'credit-risk', '--admin', admin])
  t.equal(exitCode, 0)
  t.equal(stdout, `credit-risk: ${pending}\ncredit-risk: rolled-back, baseline 100 %, canary 0 %\n`)
})

t.test('Waiting ends well with the awaited end and exit 4 with another one.', async (t) => {
  const wait = async (states: RolloutState[], end: string, ...argv: string[]) => {
    const at = (index: number) => fakeStatus(states[Math.min(index, states.length - 1)]!)
    let reads = 0
    const admin = await serveAdmin(t, createFakeDeps({ service: () => at(reads++) }))
    return run(['wait', 'credit-risk', '--for', end, ...argv, '--admin', admin])
  }
  const promoted = await wait([fakeState(), fakeState(), PROMOTED], 'promoted')
  t.equal(promoted.exitCode, 0)
  t.equal(promoted.stdout, 'credit-risk: promoted, baseline 0 %, canary 100 %\n')
  t.equal((await wait([ROLLED_BACK], 'rolled-back')).exitCode, 0)
  const other = await wait([fakeState(), ROLLED_BACK], 'promoted')
  t.equal(other.exitCode, 4)
  t.match(other.stderr, /credit-risk is rolled-back: no harm/)
  t.equal((await wait([PROMOTED], 'rolled-back')).exitCode, 4)
  const again = await wait([fakeState(), fakeState({ attempt: 2 })], 'promoted')
  t.equal(again.exitCode, 4)
  t.match(again.stderr, /another rollout began \(1.4->2.0#2 instead of 1.4->2.0#1\)/)
  const slow = await wait([fakeState()], 'promoted', '--timeout', '90s')
  t.equal(slow.exitCode, 5)
  t.equal(
    slow.stderr,
    'serin: credit-risk is still progressing after the timeout; `serin status credit-risk` says what is missing\n',
  )
  t.equal((await wait([fakeState()], 'promoted', '--timeout', 'soon')).exitCode, 1)
  t.equal((await wait([fakeState()], 'done')).exitCode, 1)
})

t.test('A pipeline waits for a pause that somebody has to end.', async (t) => {
  const paused = (pausedBy: 'approval' | 'timer' | 'metric', rest: object) =>
    fakeState({ phase: 'paused', pausedBy, pausedAt: 0, pausedMetric: null, ...rest } as never)
  const approval = paused('approval', { resumeAt: null })
  const timed = paused('timer', { resumeAt: 1 })
  const broken = paused('metric', { resumeAt: null, pausedMetric: 'rmse' })
  const wait = async (states: RolloutState[], end: string, ...argv: string[]) => {
    let reads = 0
    const service = () => fakeStatus(states[Math.min(reads++, states.length - 1)]!)
    const admin = await serveAdmin(t, createFakeDeps({ service }))
    return run(['wait', 'credit-risk', '--for', end, ...argv, '--admin', admin])
  }
  const waited = await wait([fakeState(), timed, approval], 'paused')
  t.equal(waited.exitCode, 0)
  t.match(
    waited.stdout,
    /^credit-risk: paused until somebody approves, baseline \d+ %, canary \d+ %; `serin promote credit-risk` approves\n$/,
  )
  t.match((await wait([broken], 'paused')).stdout, /paused because of rmse, .*`serin resume cr/)
  const ended = await wait([timed, PROMOTED], 'paused', '-o', 'json')
  t.equal(ended.exitCode, 4)
  t.match(JSON.parse(ended.stdout), { error: { exitCode: 4, phase: 'promoted' } })
  t.equal((await wait([timed], 'paused', '--timeout', '3s')).exitCode, 5, 'it goes on by itself')
  const json = await wait([approval], 'paused', '-o', 'json')
  t.match(JSON.parse(json.stdout), { name: 'credit-risk', pause: { by: 'approval', until: null } })
  const slow = await wait([approval], 'promoted', '--timeout', '3s')
  t.equal(slow.exitCode, 5)
  t.match(slow.stderr, /still paused after the timeout; it waits for somebody: `serin promote cr/)
})

t.test('Waiting outlasts a gateway that has not reached its store yet.', async (t) => {
  const unread = { ...fakeStatus(), rollout: null }
  const wait = async (seen: readonly ReturnType<typeof fakeStatus>[], ...argv: string[]) => {
    let reads = 0
    const service = () => seen[Math.min(reads++, seen.length - 1)]!
    const admin = await serveAdmin(t, createFakeDeps({ service }))
    return run(['wait', 'credit-risk', '--for', 'promoted', ...argv, '--admin', admin])
  }
  const promoted = fakeStatus(PROMOTED)
  t.equal((await wait([fakeStatus(), unread, promoted])).exitCode, 0, 'after a restart')
  t.equal((await wait([unread, unread, promoted])).exitCode, 0, 'and from the beginning on')
  const never = await wait([unread], '--timeout', '3s')
  t.equal(never.exitCode, 5)
  t.match(never.stderr, /^serin: credit-risk is still not read yet after the timeout; /)
})

t.test('A pipeline waits until each challenger of a fixed split has a verdict.', async (t) => {
  const log = { log: 1, threshold: 4 }
  const seen = (verdicts: readonly ComparisonVerdict[], change: object = {}, required = true) => ({
    ...fakeStatus(null, 'ab'),
    experiment: {
      ...{ state: fakeState(), id: 'x#1', winner: null, lastDecision: null },
      comparisons: verdicts.map((verdict, i) => ({
        ...{ variant: 'bc'[i]!, verdict, units: { baseline: 700, challenger: 300 } },
        ...{ expectedShare: 0.3, ratioMismatch: log, etaSeconds: null },
        metrics: [{ report: fakeMetric({ required }), verdict, superiority: log }],
      })),
      ...change,
    },
  })
  const wait = async (states: ReturnType<typeof seen>[], ...argv: string[]) => {
    let reads = 0
    const service = () => states[Math.min(reads++, states.length - 1)]!
    const admin = await serveAdmin(t, createFakeDeps({ service }))
    return run(['wait', 'ab', '--for', 'verdict', ...argv, '--admin', admin])
  }
  const open = seen(['worse', 'unknown'])
  const waited = await wait([open, seen(['worse', 'better'])])
  t.equal(waited.exitCode, 0)
  t.equal(waited.stdout, 'ab: b worse, c better\n')
  const slow = await wait([open], '--timeout', '3s')
  t.equal(slow.exitCode, 5)
  t.match(slow.stderr, /ab is still open \(b worse, c not known yet\) after the timeout; `serin st/)
  for (const [end, said] of [
    [seen(['worse', 'unknown'], { id: 'x#2' }), /another experiment began \(x#2 instead of x#1\)/],
    [seen(['worse', 'unknown'], { winner: 'b' }), /b has all of the traffic/],
  ] as const) {
    const other = await wait([open, end])
    t.equal(other.exitCode, 4)
    t.match(other.stderr, said)
  }
  const [b] = open.experiment.comparisons
  const skewed = { comparisons: [{ ...b!, ratioMismatch: { log: 9, threshold: 4 } }] }
  const mismatched = await wait([seen([], skewed)])
  t.equal(mismatched.exitCode, 4)
  t.match(mismatched.stderr, /not shared out between b and the baseline as drawn/)
  const shown = await wait([seen(['unknown'], {}, false)])
  t.equal(shown.exitCode, 3)
  t.match(shown.stderr, /has no metric that decides: there is no verdict to wait for/)
  t.match(await wait([seen([])]), { exitCode: 3, stderr: /compares nothing/ })
  const admin = await serveAdmin(t, createFakeDeps())
  const rollout = await run(['wait', 'credit-risk', '--for', 'verdict', '--admin', admin])
  t.equal(rollout.exitCode, 3)
  t.match(rollout.stderr, /has a rollout, not a fixed split/)
})

t.test('Waiting for a service without a rollout is refused; Ctrl-C ends a wait.', async (t) => {
  const admin = await serveAdmin(t, createFakeDeps())
  const fixed = await run(['wait', 'fixed', '--for', 'promoted', '--admin', admin])
  t.equal(fixed.exitCode, 3)
  t.match(fixed.stderr, /has no rollout to wait for/)
  const fake = createFakeIo(['wait', 'credit-risk', '--for', 'promoted', '--admin', admin], {
    sleep: async () => fake.signal('SIGINT'),
  })
  t.equal(await runCli(fake.io), 5)
  t.equal(fake.listeners(), 0)
})

t.test('Waiting outlasts a restart of the gateway, but not its end.', async (t) => {
  const deps = createFakeDeps()
  const first = createAdminServer(deps, LOOPBACK)
  const admin = await first.listen({ host: '127.0.0.1', port: 0 })
  const port = Number(new URL(admin).port)
  let sleeps = 0
  const back = createFakeIo(['wait', 'credit-risk', '--for', 'promoted', '--admin', admin], {
    sleep: async () => {
      sleeps += 1
      if (sleeps === 1) await first.close()
      if (sleeps !== 3) return
      const second = createAdminServer(
        createFakeDeps({ services: () => [fakeStatus(PROMOTED)] }),
        LOOPBACK,
      )
      t.teardown(() => second.close())
      await second.listen({ host: '127.0.0.1', port })
    },
  })
  t.equal(await runCli(back.io), 0)

  const gone = createAdminServer(deps, LOOPBACK)
  const url = await gone.listen({ host: '127.0.0.1', port: 0 })
  const never = await run(['wait', 'credit-risk', '--for', 'promoted', '--admin', url], {
    sleep: () => gone.close(),
  })
  t.equal(never.exitCode, 2)
})

t.test('Reload prints what changed, and every problem of a refused file.', async (t) => {
  const admin = await serveAdmin(t, createFakeDeps())
  t.equal((await run(['reload', '--admin', admin])).stdout, 'credit-risk: timeouts changed\n')
  t.same(JSON.parse((await run(['reload', '-o', 'json', '--admin', admin])).stdout), {
    changes: ['credit-risk: timeouts changed'],
    waiting: [],
  })
  const waiting = ['services.m: its rollout waits']
  const away = await serveAdmin(
    t,
    createFakeDeps({ reload: async () => ({ ok: true, changes: ['one'], waiting }) }),
  )
  t.equal(
    (await run(['reload', '--admin', away])).stdout,
    'one\nin force, and waits for the store: services.m: its rollout waits\n',
  )
  const same = await serveAdmin(
    t,
    createFakeDeps({ reload: async () => ({ ok: true, changes: [], waiting: [] }) }),
  )
  t.equal((await run(['reload', '--admin', same])).stdout, 'nothing has changed\n')
  const problems = ['a.yaml:1:1: one', 'a.yaml:2:1: two']
  const bad = await serveAdmin(t, createFakeDeps({ reload: async () => ({ ok: false, problems }) }))
  const { exitCode, stderr } = await run(['reload', '--admin', bad])
  t.equal(exitCode, 1)
  t.match(stderr, /\[SERIN_CONFIG_INVALID\]\n {2}a.yaml:1:1: one\n {2}a.yaml:2:1: two\n/)
})

/** A label join that rejects lines with `bad`, and keeps the bodies. */
function feedbackDeps() {
  const bodies: string[] = []
  const deps = createFakeDeps({
    feedback: async (body): Promise<FeedbackReport> => {
      bodies.push(body)
      const lines = body.split('\n').slice(0, -1)
      const rejected = lines.flatMap((line, index) =>
        line.includes('bad') ? [{ line: index + 1, error: 'label is not a number' }] : [],
      )
      const joined = lines.filter((line) => line !== '').length - rejected.length
      const unscored = lines.filter((line) => line.includes('"label":-1')).length
      return { joined, unmatched: 0, late: 0, duplicate: 0, unscored, rejected }
    },
  })
  return { deps, bodies }
}

t.test('Feedback from the standard input is posted as it is and counted.', async (t) => {
  const { deps, bodies } = feedbackDeps()
  const admin = await serveAdmin(t, deps)
  const stdin = toStream(['{"requestId":"a","la', 'bel":1}\n{"requestId":"b","label":2}'])
  const { exitCode, stdout } = await run(['feedback', '-', '--admin', admin], { stdin })
  t.equal(exitCode, 0)
  t.equal(stdout, 'joined 2, unmatched 0, late 0, duplicate 0, rejected 0\n')
  t.same(bodies, ['{"requestId":"a","label":1}\n{"requestId":"b","label":2}\n'])
})

t.test('Feedback of which nothing finds its request is told of on stderr.', async (t) => {
  const none = { joined: 0, unmatched: 0, late: 0, duplicate: 0, unscored: 0, rejected: [] }
  const send = async (report: Partial<FeedbackReport>) => {
    const deps = createFakeDeps({ feedback: async () => ({ ...none, ...report }) })
    const admin = await serveAdmin(t, deps)
    const stdin = toStream(['{"requestId":"a","label":1}'])
    return run(['feedback', '-', '--admin', admin], { stdin })
  }
  const lost = await send({ unmatched: 1200 })
  t.equal(lost.exitCode, 0)
  t.match(lost.stderr, /^serin: nobody knows a request or a key of these 1,200 lines, so none/)
  for (const found of [{ joined: 1 }, { late: 1 }, { duplicate: 1 }])
    t.equal((await send({ unmatched: 1200, ...found })).stderr, '')
  const one = await send({ unmatched: 1 })
  t.match(one.stderr, /^serin: nobody knows a request or a key of the line, so it does not count/)
  t.equal((await send({})).stderr, 'serin: there was no line in it, so nothing was sent\n')
})

t.test('Labels that a metric cannot score are told of.', async (t) => {
  const { deps } = feedbackDeps()
  const admin = await serveAdmin(t, deps)
  const stdin = toStream(['{"requestId":"a","label":-1}\n{"requestId":"b","label":1}'])
  const { exitCode, stdout } = await run(['feedback', '-', '--admin', admin], { stdin })
  t.equal(exitCode, 0)
  t.match(
    stdout,
    /rejected 0\n {2}1 labels cannot be scored by a metric: serin status says which\n$/,
  )
})

t.test(
  'A long file goes in batches, with the lines of the whole file in the report; rejected lines are exit 1.',
  async (t) => {
    const { deps, bodies } = feedbackDeps()
    const admin = await serveAdmin(t, deps)
    const lines = Array.from({ length: 10_000 }, (_, index) =>
      JSON.stringify({ requestId: `request-${index}`, label: index % 400 === 399 ? 'bad' : index }),
    )
    const file = join(t.testdir({}), 'labels.ndjson')
    writeFileSync(file, lines.join('\r\n'))
    const { exitCode, stdout } = await run(['feedback', file, '--admin', admin])
    t.equal(exitCode, 1)
    t.ok(bodies.length > 1)
    t.match(
      stdout,
      /^joined 9,975, .* rejected 25\n {2}line 400: label is not a number\n {2}line 800:/,
    )
    t.match(stdout, / {2}line 8000: .*\n {2}… and 5 more\n$/)
    const json = JSON.parse((await run(['feedback', file, '-o', 'json', '--admin', admin])).stdout)
    t.equal(json.rejected[24].line, 10_000)
  },
)

t.test('Lines that are short go in batches that the API takes.', async (t) => {
  const { deps, bodies } = feedbackDeps()
  const admin = await serveAdmin(t, deps)
  const stdin = toStream(['{"key":"a","label":1}\n'.repeat(10_001)])
  const { stdout } = await run(['feedback', '-', '--admin', admin], { stdin })
  t.match(stdout, /^joined 10,001,/)
  t.same(
    bodies.map((body) => body.split('\n').length - 1),
    [MAX_FEEDBACK_LINES, 1],
  )
})

t.test('Feedback of which nothing can be read is reported line by line.', async (t) => {
  const { deps } = feedbackDeps()
  const admin = await serveAdmin(t, deps)
  const stdin = toStream(['bad\n'])
  const { exitCode, stdout } = await run(['feedback', '-', '--admin', admin], { stdin })
  t.equal(exitCode, 1)
  t.match(stdout, /rejected 1\n {2}line 1: label is not a number\n/)
})

t.test(
  'Feedback that is compressed, or no UTF-8, is told so, and nothing of it is sent.',
  async (t) => {
    const { deps, bodies } = feedbackDeps()
    const admin = await serveAdmin(t, deps)
    const file = join(t.testdir({}), 'labels.gz')
    for (const [form, told] of [
      [
        gzipSync('{}\n'),
        /labels\.gz is compressed \(gzip\), .*: gunzip -c .*labels\.gz \| serin feedback -\n$/,
      ],
      [
        Buffer.from('\ufeff{}\n', 'utf16le'),
        /is UTF-16, and nothing of it was sent: iconv -f UTF-16 -t UTF-8 /,
      ],
    ] as const) {
      writeFileSync(file, form)
      const { exitCode, stderr } = await run(['feedback', file, '--admin', admin])
      t.equal(exitCode, 1)
      t.match(stderr, told)
    }
    const piped = await run(['feedback', '-', '--admin', admin], {
      stdin: toStream([Buffer.from([0x28, 0xb5, 0x2f, 0xfd])]),
    })
    t.match(piped.stderr, /^serin: the standard input is compressed \(zstd\), .*: zstd -dc FILE \|/)
    t.same(bodies, [])
  },
)

t.test('A line without an end is not held whole.', async (t) => {
  const piece = 'x'.repeat(1000)
  let given = 0
  const chunks = async function* () {
    for (; given < 100; given++) yield piece
    yield `${piece}\nlast`
  }
  const lines: string[] = []
  for await (const line of readLines(chunks(), 2500)) lines.push(line)
  t.same(
    lines.map(({ length }) => length),
    [4000, 4],
  )
  t.equal(given, 100)
})

t.test(
  'An empty input sends nothing; a missing file and a failing gateway are told.',
  async (t) => {
    const { deps, bodies } = feedbackDeps()
    const admin = await serveAdmin(t, deps)
    t.equal((await run(['feedback', '-', '--admin', admin])).exitCode, 0)
    t.equal(
      (await run(['feedback', '-', '--admin', admin], { stdin: toStream(['\n\n']) })).exitCode,
      0,
    )
    t.same(bodies, [])
    const missing = await run(['feedback', join(t.testdir({}), 'none'), '--admin', admin])
    t.equal(missing.exitCode, 1)
    t.match(missing.stderr, /cannot read .*none: there is no such file; give/)
    const failing = await serveAdmin(
      t,
      createFakeDeps({
        feedback: async () => {
          throw Object.assign(new Error('disk full'), { code: 'SERIN_STORE_FAILED' })
        },
      }),
    )
    const lost = await run(['feedback', '-', '--admin', failing], { stdin: toStream(['{}\n']) })
    t.equal(lost.exitCode, 3)
    t.match(lost.stderr, /disk full\. .* \[SERIN_STORE_FAILED\] \(0 lines were sent before\)/)
  },
)
