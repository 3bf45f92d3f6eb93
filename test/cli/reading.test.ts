import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { ServiceStatus } from '../../src/admin/service-status.ts'
import {
  createFakeDeps,
  fakeDecision,
  fakeMetric,
  fakeMirror,
  fakeState,
  fakeThreshold,
  fakeStatus,
  LOOPBACK,
  NOW,
} from '../admin/fake-deps.ts'
import { fakeExperimentLog } from '../admin/fake-experiments.ts'
import { run, serveAdmin } from './fake-io.ts'

/** An address on which nothing listens: its port was just given back. */
async function closedUrl(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length))

/** A limit that the canary has broken at 100 %, where nothing is compared any more. */
const BROKEN = {
  ...{ max: 0.2, min: null, ticksBeyond: 3, baselineBeyond: false, tooFew: false },
  ...{ baseline: { value: null, n: 0 }, canary: { value: 0.74, n: 412 } },
} as const

t.test(
  'Status shows phase, step, weights, figures, verdicts, what is missing and the ETA.',
  async (t) => {
    const admin = await serveAdmin(t, createFakeDeps())
    const { exitCode, stdout, stderr } = await run(['status', '--admin', admin])
    t.equal(exitCode, 0)
    t.equal(stderr, '')
    t.equal(
      stdout,
      `credit-risk  progressing  1.4->2.0#1  step 2/4
  since start  version  weight  in flight  requests  errors    p95  healthy
  baseline     1.4        80 %          3    21,870      42  14 ms      2/2
  canary       2.0        20 %          3     1,204       3  14 ms      2/2
  door      turned away since start: baseline 7, canary 7 (maxInFlight, queue)
  this attempt  verdict       baseline  canary  worse│ok        ratio (interval)
  rmse          inconclusive       3.1    3.02    0│70 %  0.974 (0.921 to 1.061)
  missing   rmse: a rise above 5 % is not excluded yet (upper bound 6.1 %)
  next step in about 2 min
  last      #17 60 s ago by evaluator: no harm shown on 1,204 canary requests:
            5 % to 20 %

fixed  fixed weights
  since start  version  weight  in flight  requests  errors    p95  healthy
  baseline     1.4        90 %          3    21,870      42  14 ms      2/2
  canary       2.0        10 %          3     1,204       3  14 ms      2/2
  door      turned away since start: baseline 7, canary 7 (maxInFlight, queue)
`,
    )
    t.ok(widest(stdout) <= 80)
  },
)

t.test(
  'Status begins with a file that the gateway did not take, until it is mended.',
  async (t) => {
    const show = async (
      problems: readonly string[] | null,
      argv: string[] = [],
      waiting: readonly string[] = [],
    ) => {
      const refused = problems === null ? null : { at: NOW - 120_000, problems }
      const lastReload = () => ({ inForceSince: NOW - 3_600_000, waiting, refused })
      const admin = await serveAdmin(t, createFakeDeps({ lastReload }))
      return run(['status', ...argv, '--admin', admin])
    }
    const first = 'serin.yaml:3:1: stoer: unknown key "stoer": did you mean "store"?'
    const shown = (await show([first, 'another'])).stdout
    t.ok(widest(shown) <= 80)
    t.equal(
      shown.slice(0, shown.indexOf('credit-risk')),
      `the file read at 2027-05-01 11:58:00Z was refused, and the configuration of
2027-05-01 11:00:00Z stays in force:
  ${first}
  another

`,
    )
    t.match((await show(['one'], ['fixed'])).stdout, /stays in force:\n {2}one\n\nfixed/)
    const many = Array.from({ length: 12 }, (_, i) => `mistake ${i + 1}`)
    t.match(
      (await show(many)).stdout,
      /\n {2}mistake 10\n {2}and 2 more: `serin check`\n\ncredit-risk/,
    )
    t.match(
      (await show(['one'], [], ['services.a: waits'])).stdout,
      /^the file read at[^:]+:[^:]+:[^:]+:[^:]+:\d\dZ stays in force:\n {2}one\n\nthe configuration of/,
      'before what the store has not taken up',
    )
    t.notMatch((await show(null)).stdout, /refused/)

    const json = JSON.parse((await show(['one', 'two'], ['-o', 'json'])).stdout)
    t.same(json.reload, {
      inForceSince: '2027-05-01T11:00:00.000Z',
      waiting: [],
      refused: { at: '2027-05-01T11:58:00.000Z', problems: ['one', 'two'] },
    })
    t.equal(JSON.parse((await show(null, ['-o', 'json'])).stdout).reload.refused, null)
    t.match(
      (await show(null, [], ['services.a: waits', 'services.b: too'])).stdout.replaceAll('\n', ' '),
      /^the configuration of 2027-05-01 11:00:00Z is in force, and the store has not taken up all of it: services.a: waits; services.b: too {2}credit-risk/,
    )
    const named = await show(['one'], ['fixed', '-o', 'json'])
    t.equal(JSON.parse(named.stdout).name, 'fixed')
    t.match(
      named.stderr,
      /^serin: the file read at .* was refused, and the .* stays in force: one\n$/,
    )
    t.equal((await show(null, ['fixed', '-o', 'json'])).stderr, '')
  },
)

t.test('Status begins with a store that cannot be used, since when and what to do.', async (t) => {
  const show = async (checks: Readonly<Record<string, string>>) => {
    const ready = () => ({ ready: true, checks })
    const admin = await serveAdmin(t, createFakeDeps({ ready }))
    return (await run(['status', '--admin', admin])).stdout
  }
  t.match(
    await show({ store: 'away since 2027: the last weights are served' }),
    /^the store is away since 2027: the last weights are served\n\ncredit-risk/,
  )
  const ready = () => ({ ready: true, checks: { store: 'away since 2027' } })
  const admin = await serveAdmin(t, createFakeDeps({ ready }))
  const one = await run(['status', 'fixed', '-o', 'json', '--admin', admin])
  t.equal(JSON.parse(one.stdout).name, 'fixed')
  t.equal(one.stderr, 'serin: the store is away since 2027\n')
  t.match(await show({ store: 'up' }), /^credit-risk/)
  t.match(await show({}), /^credit-risk/, 'who may not read the checks is told nothing')
})

t.test('Status of a process that follows names the one that decides.', async (t) => {
  const show = async (changes: Partial<ServiceStatus>) => {
    const idle = fakeState({ phase: 'idle', idleReason: 'canary-not-ready' })
    const missing = ['the canary is not ready: none of its upstreams can be reached']
    const status = fakeStatus(idle)
    const rollout = { ...status.rollout!, missing }
    const services = () => [{ ...status, rollout, ...changes }]
    const admin = await serveAdmin(t, createFakeDeps({ services }))
    const { stdout } = await run(['status', 'credit-risk', '--admin', admin])
    return stdout.replaceAll(/\s+/g, ' ')
  }
  const by = { lead: 'elsewhere', holder: 'gw-2:4711:0a1b2c3d', differs: false } as const
  const same = await show({ deciding: by })
  t.match(
    same,
    /note process 4711 on gw-2 decides on this store: this one follows its weights and hands commands on to it/,
  )
  t.notMatch(same, /--admin/, 'an earlier version does not say where it is')
  const where = { ...by, holder: 'gw-2:4711:0a1b2c3d@gw-2%3A9090' }
  t.match(
    await show({ deciding: where }),
    /process 4711 on gw-2 decides .* its status has the evidence: `serin status credit-risk --admin http:\/\/gw-2:9090`/,
  )
  t.match(
    await show({ deciding: { ...where, holder: 'gw-2:4711:a@127.0.0.1%3A9090', differs: true } }),
    /is evidence: `serin status credit-risk --admin http:\/\/127\.0\.0\.1:9090` on gw-2\. Give both the same file and reload; where they have it, their versions of serin differ/,
  )
  t.match(same, /missing the canary is not ready/, 'as the one that decides sees it')
  t.match(same, /next step in about 2 min/)
  const other = await show({ deciding: { ...by, differs: true } })
  t.match(
    other,
    /note process 4711 on gw-2 decides on this store, by another configuration of this service: the baseline alone is served here, and nothing that is served here is evidence/,
  )
  t.notMatch(other, /because|missing|last #/)
  const unnamed = { ...by, holder: null, differs: true }
  t.match(
    await show({ deciding: unnamed, rollout: fakeStatus().rollout }),
    /another process decides on this store, by another configuration of this service: nothing that/,
  )
  const nobody = await show({ deciding: { ...by, lead: 'unknown' } })
  t.notMatch(nobody, /next step|note/, 'nothing moves')
})

t.test('Status tells why a rollout stands still, and what is not known yet.', async (t) => {
  const show = async (status: ServiceStatus, argv: string[] = []) => {
    const admin = await serveAdmin(t, createFakeDeps({ services: () => [status] }))
    return (await run(['status', 'credit-risk', ...argv, '--admin', admin])).stdout
  }
  const at = { pausedAt: NOW, resumeAt: null } as const
  const paused = { phase: 'paused', pausedBy: 'metric', pausedMetric: 'rmse', ...at } as const
  t.match(
    (await show(fakeStatus(fakeState(paused)))).replaceAll(/\s+/g, ' '),
    'because the metric rmse failed, and the canary keeps its 20 % of the requests; `serin abort credit-risk` gives everybody the baseline; `serin resume credit-risk` goes on with the canary, and rmse only reports for the rest of the attempt',
  )
  const sick = { ...paused, pausedBy: 'baseline', pausedMetric: null } as const
  t.match(
    (await show(fakeStatus(fakeState(sick)))).replaceAll(/\s+/g, ' '),
    'because the baseline is sick, and the canary keeps its 20 % of the requests; it does not go on by itself: `serin resume credit-risk` once the baseline is well again; where the canary is well, `serin promote credit-risk --full` gives it everybody (`abort` gives everybody the sick baseline)',
  )
  const timed = { ...paused, pausedBy: 'timer', pausedMetric: null, resumeAt: NOW } as const
  t.match(
    await show(fakeStatus(fakeState(timed))),
    /because {3}its\s+steps\s+have\s+a\s+pause\s+here\s+until\s+2027-05-01\s+12:00:00Z;\s+`serin\s+promote\s+credit-risk`\s+ends\s+it\s+now/,
  )
  const manual = fakeState({ phase: 'idle', idleReason: 'manual-start' })
  t.match(await show(fakeStatus(manual)), /because {3}waits for `serin promote`/)
  const unready = fakeState({ phase: 'idle', idleReason: 'canary-not-ready' })
  t.match(await show(fakeStatus(unready)), /the canary was not healthy yet/)
  const watching = fakeState({ phase: 'watching', watchUntil: NOW })
  t.match(await show(fakeStatus(watching)), /watched until 2027-05-01 12:00:00Z/)
  const replicas = { contributing: 3, differing: [] }
  const shared = await show({ ...fakeStatus(), replicas })
  t.match(shared, /evidence  from the requests of 3 processes\n/)
  const held = fakeState({ phase: 'watching', watchUntil: NOW, weightBp: 9500 })
  t.match(await show(fakeStatus(held)), /watched until 2027-05-01 12:00:00Z, 5 % held back\n/)
  const approval = { ...paused, pausedBy: 'approval', pausedMetric: null } as const
  const blueGreen = (phase: typeof timed | typeof paused | typeof approval) => {
    const found = fakeStatus(fakeState({ ...phase, weightBp: 0 }))
    const rollout = { ...found.service.rollout!, strategy: 'blue-green' as const }
    return show({ ...found, service: { ...found.service, rollout } })
  }
  t.match(
    await blueGreen(approval),
    /1\.4->2\.0#1 {2}blue-green\n {2}because {3}preview, reached by the override alone, until `serin promote`\n/,
  )
  t.match(
    await blueGreen(timed),
    /preview, reached by the override alone, until\s+2027-05-01\s+12:00/,
  )
  t.match(await blueGreen(paused), /because {3}the metric rmse failed; `serin abort/)
  const back = fakeState({ phase: 'rolled-back', rolledBackAt: NOW, rolledBackReason: 'breaker' })
  t.match(
    await show(fakeStatus(back)),
    /^credit-risk {2}rolled-back {2}1.4->2.0#1\n {2}because {3}too\s+many\s+requests\s+to\s+the\s+canary\s+had\s+no\s+good\s+answer\s+\(the\s+breaker\);\s+the\s+baseline\s+serves\s+everything\.\s+`serin\s+explain\s+credit-risk`\s+says\s+more;\s+`serin\s+retry\s+credit-risk`\s+\(from\s+2027-05-01\s+13:00:00Z\s+on,\s+before\s+that\s+with\s+`--force`\)\s+begins\s+another\s+attempt\n/,
  )
  t.match(await show({ ...fakeStatus(), rollout: null }), /^credit-risk {2}rollout not read yet\n/)

  const status = fakeStatus()
  const metrics = [
    fakeMetric({
      name: 'slow',
      kind: 'latency',
      verdict: 'failed',
      baseline: { value: null, n: 0 },
      ratio: null,
      limit: { max: 500, min: null, ticksBeyond: 3, baselineBeyond: false, tooFew: false },
    }),
    fakeMetric({ name: 'errors', kind: 'error-rate', verdict: 'failed', limit: BROKEN }),
    fakeMetric({ name: 'none', verdict: 'error', ratio: null }),
    fakeMetric({ name: 'counted', ratio: null, threshold: fakeThreshold() }),
    fakeMetric({
      name: 'open',
      verdict: 'successful',
      ratio: { estimate: NaN, lower: -Infinity, upper: Infinity, method: 'exact' },
    }),
  ]
  const down = { ...status.variants['canary']!, p95Ms: null, healthy: 0, rejected: 0, left: 1_040 }
  const bare = await show({
    ...status,
    variants: { ...status.variants, canary: down },
    rollout: {
      ...status.rollout!,
      metrics,
      missing: ['one', 'two'],
      etaSeconds: null,
      lastDecision: null,
    },
  })
  t.match(bare, /canary .* - {6}0\/2\n {2}door {6}turned away since start: baseline 7 \(/)
  t.match(bare, /\n {2}left {6}before an answer since start: canary 1,040\n/)
  t.match(bare, /slow +failed .* - .* limit 500 ms\n/)
  t.match(bare, /errors +failed .* limit 20 %: 74 % \(n 412\)\n/)
  t.match(bare, /none +error .* -\n/)
  t.match(bare, /counted +inconclusive .* 3 ok, 1 failed\n/)
  t.match(bare, /open .* - \(0 to ∞\)\n {2}missing {3}one\n {12}two\n/)
  t.notMatch(bare, /next step|last/)
  const lastDecision = fakeDecision({ actor: 'ops', summary: 'ops paused.', note: 'lunch' })
  const reasoned = await show({ ...status, rollout: { ...status.rollout!, lastDecision } })
  t.match(reasoned, /last {6}#17 60 s ago by ops: ops paused\. Given reason: lunch\n/)
})

t.test('Status says how far the evidence of each metric is, and what is not asked.', async (t) => {
  const none = { harm: null, nonInferiority: null, stepNonInferiority: null, stepHarm: null }
  const harm = { log: 4.5999, threshold: 4.6 }
  const nonInferiority = { log: 3, threshold: 3 }
  const ruledOut = { log: -Infinity, threshold: 3 }
  const evidences = {
    both: { ...none, harm, nonInferiority: ruledOut },
    harm: { ...none, harm },
    proof: { ...none, nonInferiority },
    none,
  }
  const metrics = Object.entries(evidences).map(([name, evidence]) =>
    fakeMetric({ name, evidence }),
  )
  const status = fakeStatus()
  const services = () => [{ ...status, rollout: { ...status.rollout!, metrics } }]
  const admin = await serveAdmin(t, createFakeDeps({ services }))
  const { stdout } = await run(['status', '--admin', admin])
  const lines = stdout.split('\n')
  const head = lines.findIndex((line) => line.startsWith('  this attempt'))
  t.same(
    lines.slice(head, head + 5).map((line) => line.slice(48, 56)),
    ['worse│ok', '  99│0 %', '  99 %│-', ' -│100 %', '       -'],
  )
})

t.test('Status shows what mirrors do, and that one has never answered.', async (t) => {
  const results = { ...fakeMirror().results, ok: 0 }
  const dead = { results, lastOkAt: null, pairs: 0, p95Ms: null }
  const mirrors = { shadow: fakeMirror(), dead: fakeMirror(dead) }
  const services = () => [{ ...fakeStatus(null, 'fixed'), mirrors }]
  const admin = await serveAdmin(t, createFakeDeps({ services }))
  const { stdout } = await run(['status', 'fixed', '--admin', admin])
  t.equal(
    stdout.slice(stdout.indexOf('  mirror')),
    `  mirror   sent     ok  last ok  dropped  pairs  disagree    p95
  shadow  1,250  1,200  3 s ago       30  1,000    34.5 %  14 ms
  dead       50      0  never         30      0         -      -
`,
  )
})

t.test(
  'Status is coloured and cut on a terminal only, and not coloured under NO_COLOR.',
  async (t) => {
    const admin = await serveAdmin(t, createFakeDeps())
    const argv = ['status', '--admin', admin]
    const stdout = { write: () => undefined, isTTY: true, columns: 50 }
    t.match((await run(argv, { stdout })).stdout, '\u001B[1mcredit-risk')
    const plain = await run(argv, { stdout, env: { NO_COLOR: '1' } })
    t.notOk(plain.stdout.includes('\u001B'))
    t.ok(widest(plain.stdout) <= 50, plain.stdout)
    t.match(plain.stdout, /…/)
    const long = 'a-metric-whose-name-alone-takes-much-of-a-line-of-a-terminal'
    const status = fakeStatus()
    const rollout = { ...status.rollout!, metrics: [fakeMetric({ name: long })] }
    const wide = await serveAdmin(t, createFakeDeps({ services: () => [{ ...status, rollout }] }))
    const piped = await run(['status', '--admin', wide])
    const whole = / {2}0\.974 \(0\.921 to 1\.061\)\n/
    t.match(piped.stdout, whole, 'off a terminal nothing is cut')
    const at = { ...stdout, columns: 140 }
    const roomy = await run(['status', '--admin', wide], { stdout: at, env: { NO_COLOR: '1' } })
    t.match(roomy.stdout, whole, 'nor on one that has room for it')
  },
)

t.test('Read commands print JSON on request.', async (t) => {
  const admin = await serveAdmin(t, createFakeDeps())
  const json = async (...argv: string[]) =>
    JSON.parse((await run([...argv, '-o', 'json', '--admin', admin])).stdout)
  t.equal((await json('status')).services.length, 2)
  t.equal((await json('status', 'credit-risk')).name, 'credit-risk')
  t.same(await json('weights', 'credit-risk'), { baseline: 80, canary: 20 })
  t.equal((await json('decisions', 'credit-risk')).decisions[0].id, 17)
  t.equal((await json('explain', 'credit-risk')).id, 17)
})

t.test('No services is said so.', async (t) => {
  const admin = await serveAdmin(t, createFakeDeps({ services: () => [] }))
  t.equal((await run(['status', '--admin', admin])).stdout, 'no services are configured\n')
})

t.test('Weights are shown where none are given.', async (t) => {
  const admin = await serveAdmin(t, createFakeDeps())
  const { stdout } = await run(['weights', 'fixed', '--admin', admin])
  t.equal(stdout, 'baseline 90 %, canary 10 %\n')
})

t.test('Weights are told to the basis point: almost all is not all.', async (t) => {
  const weightsBp = { baseline: 9995, canary: 5 }
  const services = () => [{ ...fakeStatus(), weightsBp }]
  const admin = await serveAdmin(t, createFakeDeps({ services }))
  const weights = await run(['weights', 'credit-risk', '--admin', admin])
  t.equal(weights.stdout, 'baseline 99.95 %, canary 0.05 %\n')
  t.match((await run(['status', '--admin', admin])).stdout, / 99\.95 % .*\n.* 0\.05 % /)
})

t.test('Experiments that have ended are listed with what they had come to.', async (t) => {
  const decisions = async () => fakeExperimentLog('fixed', NOW)
  const admin = await serveAdmin(t, createFakeDeps({ decisions }))
  const { stdout } = await run(['experiments', 'fixed', '--admin', admin])
  t.equal(
    stdout.slice(0, stdout.indexOf('\n\n')),
    `3.1 vs 3.2-small vs 3.2-large#2  2027-04-22 12:00:00Z to 2027-04-30 12:00:00Z
  ended by  #4 by ana: b (3.2-small) gets all of the traffic
  because   half of the cost
  b  better  (10,911 against 21,870 of the baseline)
   metric     verdict  baseline  challenger  ratio (interval)
   rmse       better        3.1        3.02  0.974 (0.921 to 1.061)
   no-answer  -             3.1        3.02  0.974 (0.921 to 1.061)
  c  not known yet  (10,911 against 21,870 of the baseline)
   metric     verdict        baseline  challenger  ratio (interval)
   rmse       not known yet       3.1        3.02  0.974 (0.921 to 1.061)
   no-answer  -                   3.1        3.02  0.974 (0.921 to 1.061)`,
  )
  t.match(
    stdout,
    /\n\n3\.0 vs .*\n {2}ended by {2}#1 by configuration: 3\.0 vs 3\.1-small vs 3\.1-large#1 has/,
  )
  const empty = await serveAdmin(t, createFakeDeps())
  t.equal(
    (await run(['experiments', 'fixed', '--admin', empty])).stdout,
    'no experiment of fixed has ended yet (`serin status fixed` shows what is compared now)\n',
  )
})

t.test('Decisions are listed newest first, within a page.', async (t) => {
  const deps = createFakeDeps()
  const admin = await serveAdmin(t, deps)
  const { stdout } = await run(['decisions', 'credit-risk', '--admin', admin])
  t.match(
    stdout,
    /^#17 {2}2027-05-01 11:59:00Z {2}advance {2}gates-open {2}evaluator\n {12}no harm shown/,
  )
  t.match(stdout, /\n#16 {2}/)
  const note = 'the price list changed'
  const paused = fakeDecision({ action: 'pause', summary: 'ops paused at 20 %.', note })
  const reasoned = await serveAdmin(t, createFakeDeps({ decisions: async () => [paused] }))
  t.match(
    (await run(['decisions', 'credit-risk', '--admin', reasoned])).stdout,
    'ops paused at 20 %. Given reason: the price list changed',
  )
  const page = ['--after', '16', '--limit', '1']
  t.notMatch((await run(['decisions', 'credit-risk', ...page, '--admin', admin])).stdout, /#16/)
  t.equal((await run(['decisions', 'credit-risk', '--limit', '0', '--admin', admin])).exitCode, 1)
  const empty = await serveAdmin(t, createFakeDeps({ decisions: async () => [] }))
  t.equal((await run(['decisions', 'credit-risk', '--admin', empty])).stdout, 'no decisions yet\n')
  const none = await run(['explain', 'credit-risk', '--admin', empty])
  t.equal(none.exitCode, 1)
  t.equal(
    none.stderr,
    'serin: service "credit-risk" has no decisions yet; the first is made when a rollout begins (`serin status credit-risk`)\n',
  )
})

t.test('A decision is explained in sentences with its numbers.', async (t) => {
  const rolledBack = fakeDecision({
    action: 'rollback',
    reason: 'rmse',
    actor: 'evaluator',
    note: null,
    summary: 'Rolled back by rmse: 3.6 on the canary against 3.1.',
    to: { phase: 'rolled-back', step: 0, weights: { baseline: 100, canary: 0 } },
    metrics: [
      fakeMetric({
        verdict: 'failed',
        ratio: { estimate: 1.16, lower: 1.08, upper: 1.25, method: 'asymptotic' },
        evidence: {
          harm: { log: 5.2, threshold: Math.log(60) },
          nonInferiority: { log: -Infinity, threshold: 3 },
          stepNonInferiority: null,
          stepHarm: null,
        },
      }),
    ],
  })
  const admin = await serveAdmin(t, createFakeDeps({ decision: async () => rolledBack }))
  const { stdout, exitCode } = await run(['explain', 'credit-risk', '17', '--admin', admin])
  t.equal(exitCode, 0)
  t.equal(
    stdout,
    `Decision 17 of credit-risk (1.4->2.0#1): the canary was rolled back.
Rolled back by rmse: 3.6 on the canary against 3.1.

When: 2027-05-01T11:59:00.000Z, under configuration 0123456789ab.
Who: the evaluator, from the evidence.
Why: the metric rmse failed.
From: progressing, step 1, baseline 95 %, canary 5 %.
To: rolled-back, baseline 100 %, canary 0 %.

rmse (rmse): shown to be worse.
  The baseline has 3.1 (n = 21,870), the canary 3.02 (n = 1,150).
  Canary over baseline is 1.16: the canary is between 8 % and 25 % higher (an
  approximation, for reading only). It is taken weight by weight and lies within
  its interval; the two values above are of all weights.
  Evidence that the canary is more than 5 % worse: e^5.2 ≈ 181 : 1; 60 : 1 is
  needed: shown.
  Evidence that it is no more than 5 % worse: none at all; 20 : 1 is needed.

Next: 2.0 stays rolled back. Configure a new version, or try this one again with
\`serin retry credit-risk\`.
`,
  )
})

t.test(
  'An explanation does not say that nothing moved where a configuration moved it.',
  async (t) => {
    const dropped = fakeDecision({
      ...{ action: 'hold', reason: 'rolled-back-before', actor: 'configuration' },
      from: { phase: 'progressing', step: 2, weights: { baseline: 50, canary: 50 } },
      to: { phase: 'rolled-back', step: 0, weights: { baseline: 100, canary: 0 } },
    })
    const held = { ...dropped, from: dropped.to }
    for (const [decision, what] of [
      [dropped, 'the configuration moved the weights'],
      [held, 'nothing was moved'],
    ] as const) {
      const admin = await serveAdmin(t, createFakeDeps({ decision: async () => decision }))
      const { stdout } = await run(['explain', 'credit-risk', '17', '--admin', admin])
      t.match(stdout, `(1.4->2.0#1): ${what}.`)
      t.match(stdout, 'Why: the configuration names a version that was rolled back before.')
    }
  },
)

t.test(
  'An explanation tells slow or failed requests, what is guarded above a cap, and labels without a score.',
  async (t) => {
    const decision = fakeDecision({
      metrics: [
        fakeMetric({ kind: 'latency', name: 'latency', slow: { baseline: 0.04, canary: 0.12 } }),
        fakeMetric({ kind: 'above-cap', name: 'rmse/above-cap@gold' }),
        fakeMetric({ name: 'loss/label-missing', unscored: { labels: 412, of: 825 } }),
      ],
    })
    const admin = await serveAdmin(t, createFakeDeps({ decision: async () => decision }))
    const { stdout } = await run(['explain', 'credit-risk', '17', '--admin', admin])
    const told = stdout.replace(/\s+/g, ' ')
    t.match(
      told,
      "Slow or failed in this attempt: 12 % of the canary's requests against 4 % of the baseline's.",
    )
    t.match(
      told,
      "A request is slow above the baseline's quantile as it was at its time (now 3.1 ms), one of the canary above 5 % more (now 3.26 ms).",
    )
    t.match(told, "the baseline's go back before this attempt.")
    t.match(told, 'It guards rmse: the share of values above its cap, which its mean cannot see.')
    t.match(told, 'It fails where the two shares lie 0.5 percentage points apart, or')
    t.match(told, 'A larger `cap` of rmse leaves fewer values above it.')
    t.match(told, '412 of 825 labels cannot be scored: log-loss takes a label of 0 or 1')
  },
)

t.test('An explanation names operators, their reasons, guards and limits.', async (t) => {
  const limited = (changes: object) =>
    fakeMetric({
      required: false,
      ratio: null,
      kind: 'latency',
      limit: {
        max: 500,
        min: null,
        ticksBeyond: 0,
        baselineBeyond: false,
        tooFew: false,
        ...changes,
      },
    })
  const open = { estimate: NaN, lower: 0, upper: Infinity, method: 'asymptotic' } as const
  const decision = fakeDecision({
    actor: 'ops',
    note: 'seen on the graph',
    metrics: [
      limited({}),
      limited({ tooFew: true }),
      limited({ ticksBeyond: 3 }),
      limited({ ticksBeyond: 2, baselineBeyond: true }),
      limited({ ticksBeyond: 1, byChance: true }),
      limited({
        ticksBeyond: 1,
        byChance: true,
        countsAs: 36,
        baseline: { value: 90, n: 900 },
        canary: { value: 600, n: 2000 },
      }),
      fakeMetric({ kind: 'error-rate', verdict: 'failed', limit: BROKEN }),
      fakeMetric({ verdict: 'successful', ratio: open }),
      fakeMetric({ verdict: 'error', ratio: { ...open, lower: 0.9, upper: 1.02 } }),
    ],
  })
  const admin = await serveAdmin(t, createFakeDeps({ decision: async () => decision }))
  // The line breaks are those of 80 columns: of no interest here.
  const stdout = (await run(['explain', 'credit-risk', '17', '--admin', admin])).stdout.replace(
    /\s+/g,
    ' ',
  )
  t.match(stdout, /Who: ops\./)
  t.match(stdout, /Given reason: seen on the graph/)
  t.match(stdout, /latency, only reported\): nothing is shown yet/)
  t.match(stdout, /The limit is 500 ms; it is kept\./)
  t.match(stdout, /too few samples/)
  t.match(stdout, /broken at 3 looks in a row\./)
  t.match(stdout, /broken at 2 looks in a row, and the baseline is beyond it too\./)
  t.match(
    stdout,
    'what is beyond it may be so by chance: no look counts, and the step is not left.',
  )
  t.match(
    stdout,
    'by chance (2,000 requests count as 36, since they are of few keys or depend on the key): no look counts',
  )
  t.match(
    stdout,
    'The limit is 20 %; it was broken at 3 looks in a row. Held against it, from the step alone: the baseline has no data (n = 0), the canary 74 % (n = 412).',
  )
  t.match(stdout, /shown to be no worse\./)
  t.match(stdout, /is not known yet: nothing is excluded yet \(an approximation/)
  t.match(stdout, /could not be read/)
  t.match(stdout, /a rise of 2 % or more and a fall of 10 % or more are excluded/)
  t.match(stdout, /e\^2\.1 ≈ 8\.17 : 1; 20 : 1 is needed: not shown/)
})

t.test(
  'An explanation says what is compared, what was counted and why nothing was read.',
  async (t) => {
    const gauge = { ratio: null, kind: 'prometheus', outsideAlpha: true } as const
    const beyond = { max: 0.9, min: null, ticksBeyond: 0, baselineBeyond: false, tooFew: true }
    const { terms, ...counted } = fakeThreshold()
    const ended = { count: 9, failureLimit: null, consecutiveSuccessLimit: 5 }
    const decision = fakeDecision({
      reason: 'error',
      metrics: [
        fakeMetric({
          ...gauge,
          name: 'gpu',
          verdict: 'error',
          limit: beyond,
          error: 'canary: answered 503',
        }),
        fakeMetric({ ...gauge, verdict: 'successful', threshold: fakeThreshold() }),
        fakeMetric({
          ...gauge,
          verdict: 'failed',
          threshold: { ...counted, over: true, terms: { ...terms, ...ended } },
        }),
        fakeMetric({ ...gauge, verdict: 'inconclusive' }),
        fakeMetric({ ...gauge, verdict: 'successful', limit: beyond }),
        fakeMetric({ ...gauge, verdict: 'failed', limit: beyond }),
      ],
    })
    const admin = await serveAdmin(t, createFakeDeps({ decision: async () => decision }))
    const told = await run(['explain', 'credit-risk', '17', '--admin', admin])
    const stdout = told.stdout.replace(/\s+/g, ' ')
    const outside = 'Compared, not tested: outside the guarantee α.'
    t.match(stdout, 'Why: a metric could not be read where it is asked for.')
    t.match(
      stdout,
      `gpu (prometheus): could not be read, which is never counted as failure. ${outside}`,
    )
    t.match(stdout, 'Why it could not be read: canary: answered 503.')
    t.match(stdout, `its measurements are as they may be. ${outside}`)
    t.match(stdout, `its measurements are not as they may be. ${outside}`)
    t.match(stdout, `within its limits. ${outside}`)
    t.match(stdout, `beyond its limits. ${outside}`)
    t.match(stdout, `nothing can be said yet. ${outside}`)
    t.match(stdout, 'Each measurement, every 30s, may show at most 0.9.')
    t.match(
      stdout,
      'Measurements of this step: 3 successful, 1 failed, 0 inconclusive, 2 error (failureLimit 1, inconclusiveLimit 0, consecutiveErrorLimit 4).',
    )
    t.match(
      stdout,
      'failureLimit -1, inconclusiveLimit 0, consecutiveErrorLimit 4, consecutiveSuccessLimit 5, count 9). No more are taken.',
    )
    const json = (await run(['explain', 'credit-risk', '17', '-o', 'json', '--admin', admin]))
      .stdout
    t.match(JSON.parse(json), {
      metrics: [
        { error: 'canary: answered 503', threshold: null, outsideAlpha: true },
        { threshold: { terms: { intervalSeconds: 30, failureLimit: 1 }, counts: { error: 2 } } },
      ],
    })
  },
)

t.test('An explanation of drift draws its bins, and status its PSI.', async (t) => {
  const drift = {
    psi: 0.234,
    minPsi: 0.1,
    ks: 0.3,
    w1: 0.9,
    edges: [1, 2],
    baseline: [0.5, 0.25, 0.25],
    canary: [0.2, 0.3, 0.5],
  }
  const shown = { kind: 'drift', name: 'drift', ratio: null, required: false } as const
  const evidence = { ...fakeMetric().evidence, harm: { log: 5, threshold: 4.6 } }
  const flagged = fakeMetric({ ...shown, verdict: 'failed', evidence, drift })
  const unknown = fakeMetric({ ...shown, name: 'age', required: true, drift: null })
  const usual = fakeStatus()
  const deps = createFakeDeps({
    decisions: async () => [fakeDecision({ metrics: [flagged, unknown] })],
    services: () => [{ ...usual, rollout: { ...usual.rollout!, metrics: [flagged, unknown] } }],
  })
  const admin = await serveAdmin(t, deps)
  const { stdout } = await run(['explain', 'credit-risk', '--admin', admin])
  t.ok(
    stdout.includes(`
drift (drift, only reported, outside of the rollback α): a shift is flagged.
  Values: n = 21,870 and 1,150.
  PSI 0.234 (from 0.1 on it counts), KS 0.3, W1 0.9.
  Shares of the baseline and the canary by value:
    up to 1: 50 %, 20 %
    1 to 2: 25 %, 30 %
    above 2: 25 %, 50 %
  Evidence of a shift: e^5.0 ≈ 148 : 1; 99 : 1 is needed: shown.

age (drift, outside of the rollback α): no shift is flagged.
  Values: n = 21,870 and 1,150.
  The bins are not known yet.
`),
    stdout,
  )
  const status = (await run(['status', '--admin', admin])).stdout
  t.match(status, /drift +failed .*PSI 0\.234/)
  const json = JSON.parse((await run(['status', '-o', 'json', '--admin', admin])).stdout)
  t.match(json.services[0].metrics, [{ name: 'drift', segment: null, drift }, { drift: null }])
})

t.test('The gateway and the token come from options or the environment.', async (t) => {
  const tokens = [
    { name: 'ops', token: 'right', scopes: ['read'] as const, services: null, expiresAt: null },
  ]
  const admin = await serveAdmin(t, createFakeDeps(), { ...LOOPBACK, tokens })
  t.equal(
    (await run(['status'], { env: { SERIN_ADMIN: admin, SERIN_TOKEN: 'right' } })).exitCode,
    0,
  )
  t.equal((await run(['status', '--admin', `${admin}/`, '--token', 'right'])).exitCode, 0)
  const none = await run(['status'], { env: { SERIN_ADMIN: admin, SERIN_TOKEN: '' } })
  t.equal(none.exitCode, 3)
  t.match(none.stderr, /send a token .*SERIN_TOKEN, or give --token \[SERIN_UNAUTHENTICATED\]/)
  const ended = await run(['status'], { env: { SERIN_ADMIN: admin, SERIN_TOKEN: 'right\n' } })
  t.equal(ended.exitCode, 1)
  t.match(ended.stderr, /^serin: the token has a blank, a line end or another character that no/)
  const forbidden = await run(['reload', '--admin', admin, '--token', 'right'])
  t.equal(forbidden.exitCode, 3)
  t.match(forbidden.stderr, /this needs operate\. .*\[SERIN_FORBIDDEN\]/)
})

t.test('A gateway that cannot be reached is exit 2, with what to do.', async (t) => {
  const url = await closedUrl()
  const { exitCode, stderr, stdout } = await run(['status', '--admin', url])
  t.equal(exitCode, 2)
  t.equal(stdout, '')
  t.equal(
    stderr,
    `serin: cannot reach the gateway at ${url} (ECONNREFUSED): is \`serin serve\` running? Point to another one with --admin URL or SERIN_ADMIN.\n`,
  )
})

t.test('Something else on the port is exit 2, and a bad URL or service is exit 1.', async (t) => {
  const server = createServer((_req, res) => res.end('<html>'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void server.close())
  const { port } = server.address() as AddressInfo
  const other = await run(['status', '--admin', `http://127.0.0.1:${port}`])
  t.equal(other.exitCode, 2)
  t.match(other.stderr, /status 200\) is not serin's admin API/)
  for (const url of ['localhost:9090', 'nonsense', 'ftp://x']) {
    const bad = await run(['status', '--admin', url])
    t.equal(bad.exitCode, 1)
    t.match(bad.stderr, /the admin URL is/)
  }
  const admin = await serveAdmin(t, createFakeDeps())
  const unknown = await run(['status', 'nobody/../x', '--admin', admin])
  t.equal(unknown.exitCode, 1)
  t.match(unknown.stderr, /there is no service "nobody\/\.\.\/x"; known: credit-risk, fixed/)
})
