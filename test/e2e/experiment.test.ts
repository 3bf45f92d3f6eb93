import t from 'tap'
import type { CommandAnswer } from '../../src/admin/commands.ts'
import { askAdmin, readDecisions, readSample, untilService } from './support/admin-api.ts'
import { buildConfig } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, startSerin, writeConfig } from './support/serin-process.ts'
import { startThreeWay } from './support/three-way.ts'
import { until } from './support/until.ts'

t.test('Three variants are compared; the winner that is promoted stays.', async (t) => {
  const draw = seeded(9)
  const service = await startThreeWay(t, draw, '1s')
  const folder = t.testdir({})
  const file = writeConfig(folder, buildConfig(folder, { m: service }))
  const first = await startSerin(t, file)
  const load = startLoad(t, {
    ...{ data: () => first.data, admin: () => first.admin },
    ...{ path: '/m/infer', concurrency: 8, perSecond: 600, draw },
  })
  const verdictsOf = ({ comparisons }: Awaited<ReturnType<typeof untilService>>) =>
    Object.fromEntries(comparisons.map((c) => [c.variant, c.verdict]))
  const known = await untilService(first.admin, 'm', 'both are known', (s) => {
    const { small: one, large: other } = verdictsOf(s)
    return one === 'worse' && other === 'better'
  })
  t.match(known, { strategy: 'fixed', winner: null, rollout: '1 vs 2-small vs 2-large#1' })
  t.equal(
    await readSample(
      first.admin,
      'serin_comparison_verdict',
      'variant="large"',
      'metric="rmse"',
      'verdict="better"',
    ),
    1,
  )
  const status = await runSerin(t, ['status', 'm', '--admin', first.admin])
  t.match(status.stdout, /experiment {2}1 vs 2-small vs 2-large#1/)
  t.match(status.stdout, /small {2}worse/)
  const explained = await runSerin(t, ['explain', 'm', '--admin', first.admin])
  t.match(explained.stdout, /large: better\./)
  t.comment(status.stdout)
  t.comment(explained.stdout)
  const refused = await runSerin(t, ['promote', 'm', '--admin', first.admin])
  t.equal(refused.code, 3)
  t.match(refused.stderr, /name of its winner: baseline, small, large/)
  const promote = ['promote', 'm', 'large', '--reason', 'twice as good', '--admin', first.admin]
  const done = await runSerin(t, promote)
  t.match(done.stdout, /large \(2-large\) gets all of the traffic/)
  t.comment(done.stdout)
  const past = await runSerin(t, ['experiments', 'm', '--admin', first.admin])
  t.match(
    past.stdout,
    /^1 vs 2-small vs 2-large#1 .*\n {2}ended by {2}#\d+ by .*: large \(2-large\) gets/,
  )
  t.match(
    past.stdout,
    /\n {2}because {3}twice as good\n {2}small {2}worse [^]*\n {2}large {2}better /,
  )
  t.comment(past.stdout)
  await load.stop()
  first.kill('SIGKILL')
  await first.ended

  const second = await startSerin(t, file)
  const again = await untilService(second.admin, 'm', 'goes on', (s) => s.winner === 'large')
  t.same(again.weights, { baseline: 0, small: 0, large: 100 })
  t.equal(
    (await askAdmin(second.admin, '/api/v1/reload', { method: 'POST', body: {} })).status,
    200,
  )
  const [decision] = await readDecisions(second.admin, 'm')
  t.match(decision, { action: 'promote', note: 'twice as good', to: { weights: { large: 100 } } })
  // The lease of the process that was killed has to run out first.
  const undone = await until('undo', async () => {
    const answer = await askAdmin(second.admin, '/api/v1/services/m/undo', {
      ...{ method: 'POST', body: {} },
    })
    return answer.status === 200 ? answer.json<CommandAnswer>() : null
  })
  t.same(undone.service.weights, { baseline: 40, small: 20, large: 40 })
  await second.stop()
})
