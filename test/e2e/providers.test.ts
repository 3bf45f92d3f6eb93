import t from 'tap'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { MetricJson } from '../../src/admin/present-metric.ts'
import { startStreamingUpstream } from '../support/fake-upstream.ts'
import { askAdmin, readDecisions, readSample, untilService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { startModel } from './support/model-server.ts'
import { skipWithout } from './support/programs.ts'
import { startPrometheus } from './support/prometheus.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, startSerin, writeConfig } from './support/serin-process.ts'

const TOKEN = 'not-to-be-shown'

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
  const service = (name: string, share: Record<string, unknown>, minDuration = '3s') =>
    buildRolloutService(origins, {
      path: `/${name}/*`,
      rollout: { steps: [{ weight: '20%', minDuration }, { weight: '100%' }] },
      analysis: {
        minRequests: 1,
        metrics: {
          errors: { kind: 'error-rate', max: '50%' },
          share: {
            kind: 'prometheus',
            url: prometheus.origin,
            query: SHARE.replace('SERVICE', name),
            secret: '${PROMETHEUS_TOKEN}',
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
    long: service('long', { max: 1 }, '1h'),
    tallied: service('tallied', { max: 1, method: 'threshold' }, '1h'),
  })
  const gateway = await startSerin(t, writeConfig(folder, config), { PROMETHEUS_TOKEN: TOKEN })
  const loads = ['kept', 'broken', 'counted', 'absent', 'long', 'tallied'].map((name) =>
    startLoad(t, {
      data: () => gateway.data,
      path: `/${name}/infer`,
      concurrency: 2,
      perSecond: 25,
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
    t.match(text, /by share, beyond its limit of at least 0.5: 0.2 on the canary .* 0.8 on the/)
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

  await t.test('status and the API show no secret, and neither do log and archive', async (t) => {
    for (const name of ['long', 'tallied']) {
      await untilService(gateway.admin, name, 'well', ({ metrics }) =>
        metrics.some((m) => m.name === 'share' && m.verdict === 'successful'),
      )
    }
    const { stdout } = await runSerin(t, ['status'], gateway.admin)
    t.match(stdout, /share +successful +0\.8 +0\.2 +- +\d+ ok, 0 failed/)
    t.match(stdout, /share +error/)
    const paths = [
      'config',
      'services',
      ...['decisions', 'cohorts'].map((p) => `services/kept/${p}`),
    ]
    const shown = await Promise.all(paths.map((p) => askAdmin(gateway.admin, `/api/v1/${p}`)))
    t.same(
      shown.map(({ status }) => status),
      [200, 200, 200, 200],
    )
    t.match(shown.at(-1)!.json(), {
      plan: { metrics: [{}, { name: 'share', secret: '(hidden)' }] },
    })
    t.notMatch(JSON.stringify([shown, stdout, gateway.logs()]), TOKEN)
  })

  await t.test('an outage in mid-rollout is an error, and fails nobody', async (t) => {
    await prometheus.stop()
    for (const name of ['long', 'tallied']) {
      const { phase, weights } = await untilService(
        gateway.admin,
        name,
        'without Prometheus',
        // Not the first error: a question that was under way when it was killed is told as cut off.
        (service) => /share: .*refused the connection/.test(service.missing.join()),
      )
      t.equal(phase, 'progressing')
      t.equal(weights['canary'], 20)
      const log = await readDecisions(gateway.admin, name)
      t.notOk(log.some(({ action }) => action === 'rollback' || action === 'pause'))
    }
  })
  for (const load of loads) await load.stop()
})

t.test('A score that is fetched rolls back, and its server may be away.', async (t) => {
  t.setTimeout(120_000)
  const draw = seeded(29)
  const folder = t.testdir({})
  const asked: string[] = []
  let isAway = true
  let canary = 0.7
  const scores = await startStreamingUpstream((req, res) => {
    req.resume()
    asked.push(`${req.url} ${req.headers.authorization}`)
    if (isAway) req.socket.destroy()
    else res.end(JSON.stringify({ today: { score: req.url === '/canary' ? canary : 0.8 } }))
  })
  t.teardown(scores.close)
  const model = await startModel(t, draw, GOOD)
  const config = buildConfig(folder, {
    scored: buildRolloutService(
      { baseline: model.origin, canary: model.origin },
      {
        path: '/scored/*',
        rollout: { steps: [{ weight: '20%', minDuration: '1h' }, { weight: '100%' }] },
        analysis: {
          metrics: {
            errors: { kind: 'error-rate', max: '50%' },
            satisfaction: {
              kind: 'http',
              url: `${scores.origin}/{{variant}}`,
              value: 'body:/today/score',
              secret: '${SCORES_TOKEN}',
              interval: '1s',
              method: 'threshold',
              maxDecrease: '20%',
              failureLimit: 1,
            },
          },
        },
      },
    ),
  })
  const gateway = await startSerin(t, writeConfig(folder, config), { SCORES_TOKEN: TOKEN })
  const load = startLoad(t, {
    ...{ data: () => gateway.data, path: '/scored/infer', concurrency: 2, perSecond: 50, draw },
  })
  const until = (what: string, done: (metric: MetricJson) => boolean) =>
    untilService(gateway.admin, 'scored', what, ({ metrics }) =>
      metrics.some((m) => m.name === 'satisfaction' && done(m)),
    )
  const away = await until('away for five questions', ({ verdict }) => verdict === 'error')
  t.equal(away.phase, 'progressing')
  isAway = false
  const well = await until('back', ({ verdict }) => verdict === 'successful')
  t.match(well.metrics.at(-1), { baseline: { value: 0.8 }, canary: { value: 0.7 } })
  canary = 0.6
  await untilService(gateway.admin, 'scored', 'back', ({ phase }) => phase === 'rolled-back')
  const { stdout } = await runSerin(t, ['explain', 'scored'], gateway.admin)
  t.match(
    stdout.replace(/\s+/g, ' '),
    /satisfaction failed 2 measurements of this step, which may show 20 % less than the baseline: the last had 0.6 on the canary \(n 1\), 0.8 on the baseline \(n 1\) \(outside α\)/,
  )
  t.same([...new Set(asked)].toSorted(), [`/baseline Bearer ${TOKEN}`, `/canary Bearer ${TOKEN}`])
  t.notMatch(JSON.stringify([stdout, gateway.logs()]), TOKEN)
  await load.stop()
})
