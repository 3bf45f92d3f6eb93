import t from 'tap'
import type { Test } from 'tap'
import { renderBacktest } from '../../src/cli/backtest-text.ts'
import { buildStyle } from '../../src/cli/render.ts'
import type { BacktestReport } from '../../src/cli/backtest-report.ts'
import type { CliIo } from '../../src/cli/cli-io.ts'
import type { AttemptRecord } from '../../src/rollout/replay.ts'
import { createFakeDeps } from '../admin/fake-deps.ts'
import { JSON_OUTPUTS } from '../docs/render-cli.ts'
import { recordOf } from '../fakes/attempt-record.ts'
import { simulate } from '../fakes/quick-rollout.ts'
import {
  backtestConfig as config,
  QUICK_ANALYSIS as ANALYSIS,
  fileWith,
} from './backtest-config.ts'
import { run, serveAdmin } from './fake-io.ts'
import { createSlowClock, createTerminal } from './fake-terminal.ts'

const ROLLOUT = '1.4->2.0#1'
/** A canary with too large errors, rolled back, as an admin API has it. */
async function serveRecord(
  t: Test,
  evicted = 0,
  change: (record: AttemptRecord) => Partial<AttemptRecord> = () => ({}),
  padding = 0,
  io: Partial<CliIo> = {},
) {
  const simulation = await simulate(3, 0, (random, variant) => ({
    error: (variant === 'canary' ? 3.6 : 3) * Math.sqrt(3) * random(),
  }))
  await simulation.run(60_000, (s) => s.phase === 'rolled-back')
  await simulation.run(3000, () => false)
  const recorded = await recordOf(simulation)
  const record = { ...recorded, ...change(recorded) }
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
        cohorts: cohorts.length,
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
  return (...argv: string[]) => run(['backtest', ...argv, '--admin', admin], io)
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

t.test(
  'A record ends where another attempt began, whatever its cohorts would say later.',
  async (t) => {
    const backtest = await serveRecord(t, 0, ({ decisions }) => {
      const own = decisions.slice(0, -1)
      const rollback = decisions.at(-1)!
      const next = {
        ...rollback,
        rollout: '1.4->2.1#1',
        action: 'hold',
        reason: 'new-version',
      } as const
      return { decisions: [...own, { ...next, at: rollback.at - 1 }] }
    })
    const { stdout } = await backtest('credit-risk')
    t.match(stdout, /same +under the same rules every decision is the one that was made/)
    t.match(stdout, /end +progressing at 20 % when the record ends at/)
  },
)

t.test('A record of several days is told with its dates.', async (t) => {
  const backtest = await serveRecord(t)
  const { stdout } = await backtest('credit-risk', '-o', 'json')
  const report = JSON.parse(stdout) as BacktestReport
  const style = buildStyle({ env: {} }, { write: () => {} })
  const render = (from: string) => renderBacktest({ ...report, from }, style).join('\n')
  t.match(render(report.from), /cohorts, \S+ \S+ to \d\d:\d\d:\d\d$/m)
  const long = render('2026-12-24T23:00:00.000Z')
  t.match(long, /cohorts, 2026-12-24 23:00:00Z to 2027-\S+ \S+$/m)
  t.match(long, /end +rolled-back at 0 %, 2027-/)
})

t.test('A record of many pages is read whole.', async (t) => {
  const one = await serveRecord(t)
  const whole = JSON.parse((await one('credit-risk', '-o', 'json')).stdout) as BacktestReport
  const documented = JSON_OUTPUTS.find(({ when }) => when === 'of a record')!
  t.same(Object.keys(whole).sort(), [...documented.keys!].sort(), 'as docs/cli.md has it')
  const paged = await serveRecord(t, 0, () => ({}), 1200)
  const { stdout } = await paged('credit-risk', '-o', 'json')
  const report = JSON.parse(stdout) as BacktestReport
  t.equal(report.cohorts, whole.cohorts + 1200)
  t.strictSame(report.decisions, whole.decisions)
})

t.test(
  'A terminal is told how much is read and judged, and how long the rest takes.',
  async (t) => {
    const { output, drawn, last } = createTerminal()
    const io = { stderr: output, clock: createSlowClock(500) }
    const backtest = await serveRecord(t, 0, () => ({}), 1200, io)
    const { exitCode, stdout } = await backtest('credit-risk', '-o', 'json')
    t.equal(exitCode, 0)
    const { cohorts } = JSON.parse(stdout) as BacktestReport
    const all = `1,${cohorts - 1000}`
    const shown = drawn.filter((text) => text !== '')
    const read = shown.filter((text) => text.includes(' read'))
    t.match(read, [
      new RegExp(`^500 of ${all} cohorts read, about \\d+ s left$`),
      new RegExp(`^1,000 of ${all} cohorts read, about \\d+ s left$`),
      new RegExp(`^${all} of ${all} cohorts read, about 0 s left$`),
    ])
    const judged = shown.slice(read.length)
    t.match(judged[0], new RegExp(`^\\d+ of ${all} cohorts judged(, about .+ left)?$`))
    t.match(judged.at(-1), `${all} of ${all} cohorts judged, about 0 s left`)
    t.equal(last(), '', 'it is taken away')
  },
)

t.test('Other rules show where they part, what was bet on anew, and where they end.', async (t) => {
  const backtest = await serveRecord(t, 12)
  const file = fileWith(t, config(ANALYSIS.replace('maxIncrease: 5%', 'maxIncrease: 50%')))
  const { exitCode, stdout } = await backtest('credit-risk', '--config', file)
  t.equal(exitCode, 0)
  t.match(stdout, /not kept +the first 12 cohorts/)
  t.match(stdout, /about +rmse: its margin was bet on otherwise/)
  t.match(stdout, /\(its odds are at\s+most [\d.]+ % too high\)/)
  t.match(stdout, /differs +from \d\d:\d\d:\d\d on/)
  t.match(stdout, /recorded +Rolled back by rmse:/)
  t.match(stdout, /end +progressing at \d+ % when the record ends at/)
  const json = await backtest('credit-risk', '--config', file, '--rollout', ROLLOUT, '-o', 'json')
  const report = JSON.parse(json.stdout) as BacktestReport
  t.match(report, { rollout: ROLLOUT, rules: file, evicted: 12, end: { phase: 'progressing' } })
  t.match(
    report.metrics.find((m) => m.name === 'rmse'),
    { fidelity: 'approximate' },
  )
  const limited = fileWith(t, config(ANALYSIS.replace('cap: 25', 'cap: 25, max: 3.3')))
  const stricter = await backtest('credit-risk', '--config', limited)
  t.match(
    stricter.stdout,
    / - +hold \(limit\) 5 %\n.*advance \(evidence\) 20 % +advance/,
    'in the order in which the rules would have decided',
  )
  t.match(
    stricter.stdout,
    /instead +Holding at 5 %: rmse: [\d.]+ \(n \d+\) is beyond\s+3.3, and may be by\s+chance/,
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
    t.match(stdout, /recorded +Advanced from 5 % to 20 %/)
    t.match(stdout, /about +from \d\d:\d\d:\d\d on the traffic was split by other weights/)
    t.match(stdout, /earliest +slow: a promotion needs it, and it is left out/)
    const soon = fileWith(t, config(more.replace('4000', '50')))
    const early = await backtest('credit-risk', '--config', soon)
    t.match(
      early.stdout,
      / advance \(evidence\) 20 % +advance \(evidence\) 20 %, at the earliest$/m,
      'what was recorded is no earliest one',
    )
    t.notMatch(early.stdout, /start .*, at the earliest/)
    const same = await backtest('credit-risk')
    t.notMatch(same.stdout, /earliest/, 'all that decided was recorded')
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
  t.match(await refused('nobody', '-c', file), /no service "nobody" \(.* has: credit-risk, plain\)/)
  t.match(await refused('plain', '-c', file), /"plain" has fixed weights/)
  t.match(await refused('credit-risk', '--rollout', 'x'), /no cohorts of "x" are kept/)
  t.match(await refused(), /name the service/)
  t.match(
    await refused('credit-risk', '--error-rate', '2%', '--runs', '5'),
    /--error-rate, --runs: this describes made-up traffic, so give --rps too/,
  )
  t.match(
    await refused('credit-risk', '-c', file, '--rps', '5', '--rollout', ROLLOUT),
    /--rollout names recorded traffic, and --rps makes traffic up: give one of the two/,
  )
  t.match(await refused('credit-risk', '-c', `${file}.gone`), /there is no such file/)
  t.match(await refused('credit-risk', '-c', fileWith(t, 'version: 1')), /services/)
  const nobody = await run(['backtest', 'credit-risk', '--admin', 'http://127.0.0.1:1'])
  t.match(nobody, { exitCode: 2, stderr: /127\.0\.0\.1:1/ })
  const admin = await serveAdmin(t, createFakeDeps())
  const nothing = await run(['backtest', 'credit-risk', '--admin', admin])
  t.match(nothing, { exitCode: 1, stderr: /no cohorts of "credit-risk" are kept yet/ })
  const blind = await serveRecord(t, 0, () => ({ decisions: [] }))
  t.match((await blind('credit-risk')).stderr, /does not know how 1\.4->2\.0#1 began/)
})
