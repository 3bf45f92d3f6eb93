import t from 'tap'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { readDecisions, readSample, untilService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { skipWithout } from './support/programs.ts'
import { startPrometheus } from './support/prometheus.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, startSerin, writeConfig } from './support/serin-process.ts'

const GOOD = { error: 4, failures: 0 }

/** What Prometheus knows of the gateway itself: the share of a variant, as it was scraped. */
const SHARE = 'serin_variant_weight{service="SERVICE",variant="{{variant}}"}'

t.test('A real Prometheus is asked, and decides.', skipWithout('prometheus'), async (t) => {
  t.setTimeout(120_000)
  const draw = seeded(23)
  const folder = t.testdir({})
  mkdirSync(join(folder, 'prometheus'))
  const prometheus = await startPrometheus(t, join(folder, 'prometheus'))
  const model = await startModel(t, draw, GOOD)
  const origins = { baseline: model.origin, canary: model.origin }
  const service = (name: string, share: Record<string, unknown>) =>
    buildRolloutService(origins, {
      path: `/${name}/*`,
      rollout: { steps: [{ weight: '20%', minDuration: '3s' }, { weight: '100%' }] },
      analysis: {
        minRequests: 1,
        metrics: {
          errors: { kind: 'error-rate', max: '50%' },
          share: {
            kind: 'prometheus',
            url: prometheus.origin,
            query: SHARE.replace('SERVICE', name),
            interval: '1s',
            ...share,
          },
        },
      },
    })
  const config = buildConfig(folder, {
    kept: service('kept', { max: 1 }),
    broken: service('broken', { min: 0.5 }),
    counted: service('counted', { method: 'threshold', maxIncrease: '0%', failureLimit: 1 }),
    absent: service('absent', { max: 1, query: 'no_such_thing{variant="{{variant}}"}' }),
  })
  const gateway = await startSerin(t, writeConfig(folder, config))
  const loads = ['kept', 'broken', 'counted', 'absent'].map((name) =>
    startLoad(t, {
      data: () => gateway.data,
      path: `/${name}/infer`,
      concurrency: 2,
      perSecond: 100,
      draw,
    }),
  )
  await untilService(gateway.admin, 'absent', 'asked while it was down', ({ metrics }) =>
    metrics.some((m) => m.verdict === 'error' && m.error!.includes('refused the connection')),
  )
  await prometheus.scrape(gateway.admin)

  await t.test('a value within its limit lets a canary pass', async (t) => {
    await untilService(gateway.admin, 'kept', 'promoted', ({ phase }) => phase === 'promoted')
    const promoted = (await readDecisions(gateway.admin, 'kept')).find(
      (d) => d.action === 'promote',
    )
    t.ok(promoted)
  })

  await t.test('a value beyond it rolls back after three polls, outside α', async (t) => {
    await untilService(gateway.admin, 'broken', 'back', ({ phase }) => phase === 'rolled-back')
    const { stdout } = await runSerin(t, ['explain', 'broken'], gateway.admin)
    const text = stdout.replace(/\s+/g, ' ')
    t.match(text, /share is beyond its limit of at least 0.5: 0.2 on the canary .* 0.8 on the/)
    t.match(text, /share \(prometheus\): beyond its limits. Compared, not tested: outside the/)
  })

  await t.test('a threshold compares the two variants', async (t) => {
    await untilService(gateway.admin, 'counted', 'promoted', ({ phase }) => phase === 'promoted')
    const log = await readDecisions(gateway.admin, 'counted')
    const promoted = log.find(({ reason }) => reason === 'evidence')!
    t.match(
      promoted.summary,
      /without proof of being no worse; .*share.* within limits \(outside α\)/,
    )
    const share = promoted.metrics.find(({ name }) => name === 'share')!
    t.match(share, { verdict: 'successful', baseline: { value: 0.8 }, canary: { value: 0.2 } })
    t.match(share.threshold!.counts, { failed: 0, inconclusive: 0 })
    t.ok(share.threshold!.counts.successful > 0)
  })

  await t.test('a query without a result is an error, which holds and is told', async (t) => {
    const { missing, phase } = await untilService(
      gateway.admin,
      'absent',
      'answered',
      ({ metrics }) => metrics.some(({ error }) => error?.includes('no series') === true),
    )
    t.equal(phase, 'progressing')
    t.same(missing, ['share: could not be read (canary: the query found no series)'])
    const labels = ['service="absent"', 'metric="share"', 'verdict="error"']
    t.equal(await readSample(gateway.admin, 'serin_metric_verdict', ...labels), 1)
  })
  for (const load of loads) await load.stop()
})
