import t from 'tap'
import type { DecisionJson } from '../../src/admin/present.ts'
import { readDecisions, readService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { until } from './support/until.ts'
import { runSerin, startSerin, writeConfig } from './support/serin-process.ts'

/** The rule that people write down first. */
const ruleWithin = (maxIncrease: string) => ({
  minRequests: 1000,
  metrics: {
    errors: { kind: 'error-rate', maxIncrease: '0%', floor: '2%' },
    rmse: { kind: 'rmse', maxIncrease, labelWindow: '1s', minLabels: 300, cap: 50 },
  },
})
const BASELINE_ERROR = 4

/** By service: the canary's error, what is allowed, and requests per second. */
const SCENES = {
  equal: { error: BASELINE_ERROR, within: '5%', perSecond: 500 },
  worse: { error: 1.15 * BASELINE_ERROR, within: '5%', perSecond: 300 },
  // Six times as much traffic would be needed as for 5 %.
  short: { error: BASELINE_ERROR, within: '2%', perSecond: 200 },
}

t.test('"RMSE within 5 %, 1,000 requests, no more errors", over real traffic.', async (t) => {
  const draw = seeded(42)
  const folder = t.testdir({})
  const baseline = await startModel(t, draw, { error: BASELINE_ERROR, failures: 0 })
  const services: Record<string, ReturnType<typeof buildRolloutService>> = {}
  for (const [name, { error, within }] of Object.entries(SCENES)) {
    const canary = await startModel(t, draw, { error, failures: 0 })
    const origins = { baseline: baseline.origin, canary: canary.origin }
    services[name] = buildRolloutService(origins, {
      path: `/${name}/*`,
      analysis: ruleWithin(within),
    })
  }
  const gateway = await startSerin(t, writeConfig(folder, buildConfig(folder, services)))
  for (const [name, { perSecond }] of Object.entries(SCENES)) {
    startLoad(t, {
      data: () => gateway.data,
      admin: () => gateway.admin,
      path: `/${name}/infer`,
      concurrency: 4,
      perSecond,
      draw,
    })
  }

  await t.test('One that is 15 % worse is rolled back on it.', async (t) => {
    const waited = await runSerin(t, ['wait', 'worse', '--for', 'rolled-back'], gateway.admin)
    t.equal(waited.code, 0, waited.stderr)
    const [last] = await readDecisions(gateway.admin, 'worse')
    t.match(last, { action: 'rollback', reason: 'rmse' })
    const { harm } = last!.metrics.find((m) => m.name === 'rmse')!.evidence
    t.ok(harm!.log! >= harm!.threshold)
  })

  await t.test('Short of evidence it holds, and says for how long.', async (t) => {
    const isHold = ({ action, reason }: DecisionJson) =>
      action === 'hold' && reason === 'inconclusive'
    const hold = await until('its minimums are reached and its evidence is not', async () =>
      (await readDecisions(gateway.admin, 'short')).find(isHold),
    )
    t.match(hold!.summary, /rmse: a rise above 2 % is not excluded yet/)
    const { phase, missing, etaSeconds } = await readService(gateway.admin, 'short')
    t.equal(phase, 'progressing')
    t.ok(etaSeconds! > 0, `${missing.join('; ')}: ${etaSeconds} s`)
  })

  await t.test('An equal one is promoted.', async (t) => {
    const waited = await runSerin(t, ['wait', 'equal', '--for', 'promoted'], gateway.admin)
    t.equal(waited.code, 0, waited.stderr)
    const log = await readDecisions(gateway.admin, 'equal')
    const promoted = log.find((d) => d.action === 'promote')!
    for (const name of ['errors', 'rmse', 'rmse/above-cap']) {
      t.equal(promoted.metrics.find((m) => m.name === name)!.verdict, 'successful', name)
    }
  })
})
