import t from 'tap'
import type { Test } from 'tap'
import type { CohortsAnswer } from '../../src/admin/cohorts.ts'
import type { ExperimentBacktestReport } from '../../src/cli/backtest-challenger.ts'
import { JSON_OUTPUTS } from '../docs/render-cli.ts'
import { createFakeDeps, fakeStatus } from '../admin/fake-deps.ts'
import { ExperimentWorld, threeWay } from '../fakes/experiment-world.ts'
import { ERRORS } from '../fakes/simulated-service.ts'
import { fileWith } from './backtest-config.ts'
import { run, serveAdmin } from './fake-io.ts'
import { createSlowClock, createTerminal } from './fake-terminal.ts'

const file = (metrics: string, split = 'weights: { b: 25%, c: 25% }') => `version: 1
gateway: { listen: 127.0.0.1:0 }
admin: { listen: 127.0.0.1:0 }
services:
  svc:
    match: { path: "/m/*" }
    variants:
      baseline: { version: "1.4", upstreams: ["http://127.0.0.1:9001"] }
      b: { version: "B", upstreams: ["http://127.0.0.1:9002"] }
      c: { version: "C", upstreams: ["http://127.0.0.1:9003"] }
    split: { ${split} }
    analysis: { metrics: { ${metrics} } }
`

/** An experiment in which `c` fails far more often, and `b` less, as an admin API has it. */
async function serveExperiment(t: Test, evicted = 0) {
  const world = await ExperimentWorld.begin(threeWay([ERRORS]))
  await world.run(40, (variant, random) => ({
    outcome: random() < { baseline: 0.1, b: 0.01, c: 0.3 }[variant]! ? 'failed' : 'ok',
  }))
  const { store, service, view } = world
  const own = (kept: string, rollout: string) =>
    rollout.includes(`->${kept.at(-1)!.toUpperCase()}#`)
  const deps = createFakeDeps({
    services: () => [
      { ...fakeStatus(null, 'svc'), service, experiment: view },
      fakeStatus(null, 'fixed'),
    ],
    attempts: async (kept) =>
      (await store.attempts())
        .filter(({ rollout }) => own(kept, rollout))
        .map((attempt) => ({ ...attempt, evicted })),
    archivedPlan: store.archivedPlan,
    archivedCohorts: store.archivedCohorts,
  })
  const admin = await serveAdmin(t, deps)
  return {
    admin,
    backtest: (...argv: string[]) => run(['backtest', ...argv, '--admin', admin]),
  }
}

t.test('All challengers of an experiment are judged again, by the rules they had.', async (t) => {
  const { backtest } = await serveExperiment(t)
  const { exitCode, stdout } = await backtest('svc')
  t.equal(exitCode, 0)
  t.match(stdout, /svc {2}b {2}1\.4->B#1 {2}\d+ cohorts/)
  t.match(stdout, /errors +better since \d\d:\d\d:\d\d/)
  t.match(stdout, /svc {2}c {2}1\.4->C#1/)
  t.match(stdout, /in all +worse since \d\d:\d\d:\d\d/)
  t.notMatch(stdout, /not kept/)
  t.ok(stdout.split('\n').every((line) => line.length <= 80))
})

t.test('A terminal is told how far each challenger is.', async (t) => {
  const { admin } = await serveExperiment(t)
  const { output, drawn, last } = createTerminal()
  const io = { stderr: output, clock: createSlowClock(500) }
  await run(['backtest', 'svc', '--admin', admin], io)
  const ends = drawn.filter((text) => /^(\d+) of \1 cohorts/.test(text))
  const parts = ends.filter((text, i) => text !== ends[i - 1])
  t.match(parts, [/ read,/, / judged,/, / read,/, / judged,/])
  t.equal(last(), '')
})

t.test('Other rules stand beside them; one challenger can be named.', async (t) => {
  const { backtest } = await serveExperiment(t, 7)
  const lax = fileWith(
    t,
    file(
      'errors: { kind: error-rate, maxIncrease: 900%, floor: 50% }, slow: { kind: latency, quantile: 0.9, maxIncrease: 5% }',
    ),
  )
  const { stdout } = await backtest('svc', '--variant', 'c', '-c', lax)
  t.notMatch(stdout, /->B#1/)
  t.match(stdout, /not kept +the first 7 cohorts/)
  t.match(stdout, /left out +slow: no such metric was recorded/)
  t.match(stdout, /errors +worse since \d\d:\d\d:\d\d +no worse since \d\d:\d\d:\d\d/)
  const json = await backtest('svc', '--variant', 'c', '-c', lax, '-o', 'json')
  const report = JSON.parse(json.stdout) as ExperimentBacktestReport
  const documented = JSON_OUTPUTS.find(
    ({ command, when }) => command === 'backtest' && when === 'of an experiment',
  )!
  t.same(Object.keys(report).sort(), [...documented.keys!].sort(), 'as docs/cli.md has it')
  t.match(report, {
    service: 'svc',
    rules: lax,
    challengers: [
      {
        variant: 'c',
        evicted: 7,
        recorded: { verdict: 'worse' },
        replayed: { verdict: 'no-worse', comparison: { variant: 'c', mismatched: false } },
      },
    ],
  })
  const own = JSON.parse((await backtest('svc', '-o', 'json')).stdout) as ExperimentBacktestReport
  t.same(
    own.challengers.map((c) => [c.variant, c.recorded.verdict, c.replayed]),
    [
      ['b', 'better', null],
      ['c', 'worse', null],
    ],
  )
})

t.test('What cannot be judged again is refused with a sentence.', async (t) => {
  const { backtest, admin } = await serveExperiment(t)
  const one = fileWith(
    t,
    file('errors: { kind: error-rate, maxIncrease: 0% }', 'weights: { b: 25% }'),
  )
  const other = await backtest('svc', '--variant', 'c', '-c', one)
  t.equal(other.exitCode, 1)
  t.match(other.stderr, /"svc" does not compare c: it compares b/)
  const none = fileWith(t, file('errors: { kind: error-rate, maxIncrease: 0% }', 'rules: []'))
  const nothing = await backtest('svc', '--variant', 'c', '-c', none)
  t.match(nothing.stderr, /does not compare c: it compares nothing/)
  const unknown = await backtest('svc', '--variant', 'd')
  t.match(unknown.stderr, /"d" is no challenger of "svc"; it has: b, c/)
  const fixed = await backtest('fixed', '--variant', 'canary')
  t.match(fixed.stderr, /no cohorts of canary of "fixed" are kept yet/)
  const made = await backtest('svc', '--variant', 'b', '--rps', '5')
  t.match(made.stderr, /--variant names recorded traffic/)
  const answer = await fetch(`${admin}/api/v1/services/svc/cohorts?variant=c`)
  t.equal(((await answer.json()) as CohortsAnswer).rollout, '1.4->C#1')
})
