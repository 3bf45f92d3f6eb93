import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import type { BacktestReport } from '../../src/cli/backtest-report.ts'
import type { SyntheticReport } from '../../src/cli/synthetic-report.ts'
import type { CliIo } from '../../src/cli/cli-io.ts'
import { runCli } from '../../src/cli/program.ts'
import type { AttemptRecord } from '../../src/rollout/replay.ts'
import { createFakeDeps } from '../admin/fake-deps.ts'
import { recordOf } from '../fakes/attempt-record.ts'
import { simulate } from '../fakes/quick-rollout.ts'
import { createFakeIo, run, serveAdmin } from './fake-io.ts'

const ROLLOUT = '1.4->2.0#1'
const ANALYSIS = `
    analysis:
      interval: 1s
      warmUp: 2s
      minRequests: 50
      metrics:
        errors: { kind: error-rate, maxIncrease: 0%, floor: 2% }
        rmse: { kind: rmse, maxIncrease: 5%, labelWindow: 2s, minLabels: 100, cap: 25 }`

const config = (analysis = ANALYSIS, name = 'credit-risk') => `version: 1
gateway: { listen: 127.0.0.1:0 }
admin: { listen: 127.0.0.1:0 }
services:
  ${name}:
    match: { path: "/v2/models/${name}/*" }
    variants:
      baseline: { version: "7", upstreams: ["http://127.0.0.1:9001"] }
      canary: { version: "8", upstreams: ["http://127.0.0.1:9002"] }
    observe: { prediction: body:/outputs/0/data/0 }
    rollout:
      steps: [{ weight: 5%, minDuration: 2s }, { weight: 20%, minDuration: 2s }, { weight: 50%, minDuration: 2s }, { weight: 100% }]
      watch: 2s${analysis}
  plain:
    match: { path: /v2/models/plain/* }
    variants:
      baseline: { version: "1", upstreams: ["http://127.0.0.1:9001"] }
`

const fileWith = (t: Test, text: string) => {
  const file = join(t.testdir(), 'other.yaml')
  writeFileSync(file, text)
  return file
}

/** A canary with too large errors, rolled back, as an admin API has it. */
async function serveRecord(t: Test, evicted = 0, change: Partial<AttemptRecord> = {}, padding = 0) {
  const simulation = await simulate(3, 0, (random, variant) => ({
    error: (variant === 'canary' ? 3.6 : 3) * Math.sqrt(3) * random(),
  }))
  await simulation.run(60_000, (s) => s.phase === 'rolled-back')
  await simulation.run(3000, () => false)
  const record = { ...(await recordOf(simulation)), ...change }
  // Times of the API are whole milliseconds, as those of a real clock.
  const last = record.cohorts.at(-1)!
  const idle = Array.from({ length: padding }, (_, i) => ({
    ...last,
    judged: false,
    number: last.number + 1 + i,
  }))
  const cohorts = [...record.cohorts, ...idle].map((c) => ({
    ...c,
    openedAt: Math.round(c.openedAt),
    closedAt: Math.round(c.closedAt!),
    settledAt: Math.round(c.settledAt!),
  }))
  const decisions = record.decisions.map((d) => ({ ...d, at: Math.round(d.at) }))
  const deps = createFakeDeps({
    attempts: async () => [
      {
        rollout: ROLLOUT,
        first: 1,
        cohorts: 3,
        from: cohorts[0]!.openedAt,
        to: cohorts.at(-1)!.closedAt,
        evicted,
      },
    ],
    archivedPlan: async () => record.plan,
    archivedCohorts: async (_service, _rollout, { after, limit }) =>
      cohorts.filter((c) => c.number > after).slice(0, limit),
    decisions: async () => decisions.toReversed(),
  })
  const admin = await serveAdmin(t, deps)
  // The simulated record is in January 2027, before the clock of the command line.
  return (...argv: string[]) => run(['backtest', ...argv, '--admin', admin])
}

const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length))

t.test('Under its own rules a record gives its own decisions.', async (t) => {
  const backtest = await serveRecord(t)
  const { exitCode, stdout } = await backtest('credit-risk')
  t.equal(exitCode, 0)
  t.match(stdout, /rollback \(rmse\) 0 % +rollback \(rmse\) 0 %/)
  t.match(stdout, /same +under the same rules every decision is the one that was made/)
  t.match(stdout, /end +rolled-back at 0 %/)
  t.ok(widest(stdout) <= 80)
})

t.test('A record of many pages is read whole.', async (t) => {
  const one = await serveRecord(t)
  const whole = JSON.parse((await one('credit-risk', '-o', 'json')).stdout) as BacktestReport
  const paged = await serveRecord(t, 0, {}, 1200)
  const { stdout } = await paged('credit-risk', '-o', 'json')
  const report = JSON.parse(stdout) as BacktestReport
  t.equal(report.cohorts, whole.cohorts + 1200)
  t.strictSame(report.decisions, whole.decisions)
})

t.test('Other rules show where they part, what was bet on anew, and where they end.', async (t) => {
  const backtest = await serveRecord(t, 12)
  const file = fileWith(t, config(ANALYSIS.replace('maxIncrease: 5%', 'maxIncrease: 50%')))
  const { exitCode, stdout } = await backtest('credit-risk', '--config', file)
  t.equal(exitCode, 0)
  t.match(stdout, /not kept +the first 12 cohorts/)
  t.match(stdout, /about +rmse: its margin was bet on otherwise/)
  t.match(stdout, /differs +from \d\d:\d\d:\d\d on/)
  t.match(stdout, /recorded +Rolled back: rmse/)
  t.match(stdout, /end +progressing at \d+ % when the record ends at/)
  const json = await backtest('credit-risk', '--config', file, '--rollout', ROLLOUT, '-o', 'json')
  const report = JSON.parse(json.stdout) as BacktestReport
  t.match(report, { rollout: ROLLOUT, rules: file, evicted: 12, end: { phase: 'progressing' } })
  t.match(
    report.metrics.find((m) => m.name === 'rmse'),
    { fidelity: 'approximate' },
  )
})

t.test(
  'A metric that was never recorded is left out, and said so; so are other weights.',
  async (t) => {
    const backtest = await serveRecord(t)
    const more = `${ANALYSIS.replace('minRequests: 50', 'minRequests: 4000')}
        slow: { kind: latency, quantile: 0.9, maxIncrease: 20% }`
    const { stdout } = await backtest('credit-risk', '--config', fileWith(t, config(more)))
    t.match(stdout, /left out +slow: no such metric was recorded/)
    t.match(stdout, /about +from \d\d:\d\d:\d\d on the traffic was split by other weights/)
  },
)

t.test('What cannot be judged again is refused with a sentence.', async (t) => {
  const backtest = await serveRecord(t)
  const file = fileWith(t, config())
  const refused = async (...argv: string[]) => {
    const { exitCode, stderr } = await backtest(...argv)
    t.equal(exitCode, 1)
    return stderr
  }
  t.match(await refused('nobody'), /there is no service "nobody"/)
  t.match(
    await refused('nobody', '-c', file),
    /has no service "nobody"; .* has: credit-risk, plain/,
  )
  t.match(await refused('plain', '-c', file), /"plain" has fixed weights/)
  t.match(await refused('credit-risk', '--rollout', 'x'), /no cohorts of "x" are kept/)
  t.match(await refused(), /name the service/)
  const admin = await serveAdmin(t, createFakeDeps())
  const nothing = await run(['backtest', 'credit-risk', '--admin', admin])
  t.match(nothing, { exitCode: 1, stderr: /no cohorts of "credit-risk" are kept yet/ })
  const blind = await serveRecord(t, 0, { decisions: [] })
  t.match((await blind('credit-risk')).stderr, /does not know how 1\.4->2\.0#1 began/)
})

t.test('Made-up traffic shows how often and how fast the rules decide.', async (t) => {
  const file = fileWith(t, config())
  const made = ['backtest', '-c', file, '--rps', '200', '--runs', '10', '--seed', '4']
  const alike = await run(made)
  t.equal(alike.exitCode, 0)
  t.match(alike.stdout, /credit-risk +10 rollouts under .* \(seed 4\)/)
  t.match(alike.stdout, /promoted +\d+ +\d+ %/)
  t.match(alike.stdout, /nothing else differs/)
  t.match(alike.stdout, /inconclusive +0 +0 % +0 % to/)
  t.ok(widest(alike.stdout.replaceAll(file, 'other.yaml')) <= 80)
  const worse = await run([...made, '--error-rate', '8%', '--rmse', '+30%', '-o', 'json'])
  const report = JSON.parse(worse.stdout) as SyntheticReport
  const [rolledBack] = report.ends
  t.match(rolledBack, { end: 'rolled-back', count: 10, share: 1, upper: 1 })
  t.ok(rolledBack!.lower > 0.6 && rolledBack!.p50Seconds! <= rolledBack!.p80Seconds!)
  t.strictSame(
    JSON.parse((await run([...made, '--error-rate', '8%', '--rmse', '+30%', '-o', 'json'])).stdout),
    report,
  )
  const slow = `${ANALYSIS}
        slow: { kind: latency, quantile: 0.9, maxIncrease: 20% }
        right: { kind: accuracy, maxDecrease: 5%, labelWindow: 2s, minLabels: 100 }`
  const other = [
    ...made,
    '-c',
    fileWith(t, config(slow).replace('watch: 2s', 'watch: 2s\n    split: { key: header:x-user }')),
  ]
  const both = await run([...other, '--latency', '+50%', '--change', 'right=-1%'])
  t.match(both.stdout, /slow \+50 %; right -1 %; every request is a new\s+key/)
  t.match(both.stdout, /\d %, \d/, 'several reasons or weights stand side by side')
  const changed = await run([...made, 'credit-risk', '--change', 'rmse=-5%', '--latency', '+5%'])
  t.match(changed.stdout, /rmse -5 %/)
})

t.test('Options that make no sense are refused with what would.', async (t) => {
  const file = fileWith(t, config())
  const refused = async (...argv: string[]) =>
    (await run(['backtest', '-c', file, '--rps', '10', ...argv])).stderr
  t.match(await refused('--error-rate', '2'), /Give a percentage like 2%/)
  t.match(await refused('--latency', '20'), /Give a change like \+20% or -5%/)
  t.match(await refused('--latency', '-100%'), /Give a change/)
  t.match(await refused('--change', 'rmse'), /accuracy=-5%/)
  t.match(await refused('--change', 'mae=+5%'), /no such metric; there are: errors, rmse/)
  t.match(await refused('--rps', '0'), /Give a number of requests above 0/)
  const two = `${config()}${config(ANALYSIS, 'second').split('services:\n')[1]!.split('  plain:')[0]}`
  t.match(await run(['backtest', '-c', fileWith(t, two), '--rps', '10']), {
    exitCode: 1,
    stderr: /name the service; .* has: credit-risk, plain, second/,
  })
})

t.test('Progress is for terminals, and is wiped away.', async (t) => {
  let shown = ''
  let ms = 0
  const clock: CliIo['clock'] = { now: () => ms, monotonic: () => (ms += 150) }
  const stderr = { write: (text: string) => (shown += text), isTTY: true }
  const argv = ['backtest', '-c', fileWith(t, config()), '--rps', '200', '--runs', '4']
  const { io } = createFakeIo(argv, { clock, stderr })
  t.equal(await runCli(io), 0)
  t.match(shown, /2 of 4 rollouts/)
  t.ok(shown.endsWith('\r\u001B[K'))
})
