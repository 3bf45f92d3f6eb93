import { readFileSync } from 'node:fs'
import t from 'tap'
import type { ExperimentPlanJson } from '../../src/admin/present-experiment-plan.ts'
import { parseConfig } from '../../src/config/load.ts'
import { buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { simulateExperiment } from '../simulation/experiment-time.ts'
import { untilService } from './support/admin-api.ts'
import { buildConfig } from './support/config.ts'
import { createEvenly } from './support/evenly.ts'
import { startLoad } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, startSerin, writeConfig } from './support/serin-process.ts'

/** So many keys of the baseline say enough of its figures. */
const ENOUGH = 1500

t.test(
  'A running experiment is planned as its file is with the same figures, and takes what simulated ones take.',
  async (t) => {
    const draw = seeded(31)
    const model = await startModel(t, draw, { error: 0, failures: 0.05 })
    const variant = (version: string) => ({ version, upstreams: [model.origin] })
    const service = {
      match: { path: '/m/*' },
      variants: { baseline: variant('1'), small: variant('2-small'), large: variant('2-large') },
      split: { key: 'header:x-user-id', weights: { small: '15%', large: '35%' } },
      analysis: {
        ...{ interval: '500ms', warmUp: '1s' },
        metrics: {
          errors: { kind: 'error-rate', maxIncrease: '0%' },
          bought: { kind: 'conversion', event: 'purchase', maxDecrease: '20%', window: '2s' },
        },
      },
    }
    const folder = t.testdir({})
    const file = writeConfig(folder, buildConfig(folder, { m: service }))
    const gateway = await startSerin(t, file)
    const none = await runSerin(t, ['plan', 'm', '--admin', gateway.admin])
    t.equal(none.code, 1)
    t.match(none.stderr, /new keys are counted while the weights of the configuration hold/)

    const buys = createEvenly(() => 0.3)
    const load = startLoad(t, {
      ...{ data: () => gateway.data, admin: () => gateway.admin, path: '/m/infer' },
      ...{ concurrency: 8, perSecond: 500, draw },
      say: ({ requestId }) => (buys() ? [{ requestId, event: 'purchase' }] : []),
    })
    await untilService(gateway.admin, 'm', 'its figures are known', ({ comparisons }) => {
      const metric = comparisons[0]!.metrics.find(({ name }) => name === 'bought')!
      return metric.baseline.n > ENOUGH
    })
    const asked = await runSerin(t, ['plan', 'm', '--admin', gateway.admin, '-o', 'json'])
    await load.stop()
    t.equal(asked.code, 0, asked.stderr)
    const running = JSON.parse(asked.stdout) as ExperimentPlanJson
    t.match(running, { strategy: 'fixed', unit: 'key', trafficFrom: 'observed' })
    const [errors, bought] = running.baseline
    t.match([errors, bought], [{ from: 'observed' }, { from: 'observed' }])
    t.ok(Math.abs(errors!.value! - 0.05) < 0.02, `${errors!.value}`)

    const percent = (share: number) => `${(share * 100).toFixed(6)}%`
    const figures = [
      ...['--rps', String(running.unitsPerSecond), '--error-rate', percent(errors!.value!)],
      ...['--rate', `bought=${percent(bought!.value!)}`],
    ]
    const ofFile = await runSerin(t, ['plan', 'm', '-c', file, ...figures, '-o', 'json'])
    const planned = JSON.parse(ofFile.stdout) as ExperimentPlanJson
    t.match(planned.suggestions, running.suggestions)
    const parsed = parseConfig(readFileSync(file, 'utf8'), { file, env: {} })
    if (!parsed.ok) throw new Error('it is the file that runs')
    const plan = buildExperimentPlan(parsed.config.services[0]!, 'hash')!
    const { unitsPerSecond } = running
    const shares = { errors: errors!.value!, bought: bought!.value! }
    const found = simulateExperiment(plan, { unitsPerSecond, shares }, 200)
    for (const [which, comparison] of running.comparisons.entries()) {
      const { variant: name, slowest, p50Seconds, p80Seconds } = comparison
      const other = planned.comparisons[which]!
      t.match(other, { variant: name, slowest })
      const { p50, p80 } = found[name]!
      for (const [said, wanted, far] of [
        [p50Seconds, other.p50Seconds, 0.02],
        [p80Seconds, other.p80Seconds, 0.02],
        [p50Seconds, p50, 0.2],
        [p80Seconds, p80, 0.2],
      ] as const) {
        t.ok(Math.abs(said! / wanted! - 1) < far, `${name}: ${said} s, ${wanted} s`)
      }
    }
  },
)
