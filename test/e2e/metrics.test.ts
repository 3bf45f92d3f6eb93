import t, { type Test } from 'tap'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { request } from 'undici'
import { Contract, type Document } from '../admin/contract.ts'
import { dashboardExpressions, RULES } from '../prometheus/kit.ts'
import { startStreamingUpstream } from '../support/fake-upstream.ts'
import { RawConnection } from '../support/raw-client.ts'
import {
  askAdmin,
  postFeedback,
  readSample,
  readService,
  untilService,
} from './support/admin-api.ts'
import { buildConfig, buildFixedService, buildRolloutService } from './support/config.ts'
import { skipWithout } from './support/programs.ts'
import { startPrometheus } from './support/prometheus.ts'
import { startSerin, writeConfig, type SerinGateway } from './support/serin-process.ts'
import { until } from './support/until.ts'

/** What Prometheus is told about, wherever it applies. */
const NAMES = [
  'serin_requests_total',
  'serin_request_duration_seconds',
  'serin_time_to_first_byte_seconds',
  'serin_overhead_seconds',
  'serin_in_flight',
  'serin_variant_weight',
  'serin_rollout_phase',
  'serin_rollout_step',
  'serin_decisions_total',
  'serin_metric_value',
  'serin_metric_log_evidence',
  'serin_metric_verdict',
  'serin_feedback_total',
  'serin_feedback_refused_total',
  'serin_labels_unscored_total',
  'serin_predictions_forgotten_total',
  'serin_mirror_requests_total',
  'serin_mirror_disagreements_total',
  'serin_mirror_duration_seconds',
  'serin_attempts_total',
  'serin_rule_requests_total',
  'serin_rule_errors_total',
  'serin_rule_duration_seconds',
  'serin_rule_metric_value',
  'serin_upstream_healthy',
  'serin_store_up',
  'serin_store_lost',
  'serin_leader',
  'serin_config_reload_success',
  'serin_build_info',
]

/** Starts a gateway and lets it see every outcome once. */
async function startSeasoned(t: Test): Promise<SerinGateway> {
  const upstream = await startStreamingUpstream((req, res) => {
    req.resume()
    if (req.url!.endsWith('/fails')) res.writeHead(500).end('no')
    else if (!req.url!.endsWith('/never')) res.end('{"outputs":[{"data":[1]}]}')
  })
  t.teardown(upstream.close)
  const folder = t.testdir({})
  const origins = { baseline: upstream.origin, canary: upstream.origin }
  const rollout = buildRolloutService(origins, {
    path: '/r/*',
    rollout: { steps: [{ weight: '50%', minDuration: '1h' }, { weight: '100%' }] },
    analysis: { warmUp: 0 },
  })
  const fixed = buildFixedService(origins, {
    ...{ key: 'header:x-user-id', weights: { canary: '12.5%' } },
  })
  // Asked for nothing but what never comes.
  const timeout = { firstByte: '300ms' }
  const hasty = {
    ...fixed,
    variants: {
      baseline: { version: '1', upstreams: [upstream.origin], timeout },
      canary: { version: '2', upstreams: [upstream.origin], timeout },
    },
  }
  const mirrored = {
    ...fixed,
    match: { path: '/s/*' },
    idempotent: true,
    split: {},
    mirror: [{ to: 'canary' }],
  }
  const keyed = {
    ...fixed,
    match: { path: '/k/*' },
    split: { rules: [{ when: { 'query:tier': ['gold'] }, variant: 'canary' }] },
    observe: { prediction: 'body:/outputs/0/data/0' },
    analysis: {
      metrics: {
        rmse: { kind: 'rmse', labelWindow: '1h' },
        loss: { kind: 'log-loss', labelWindow: '1h' },
      },
    },
  }
  const experiment = {
    ...fixed,
    match: { path: '/e/*' },
    split: { weights: { canary: '50%' } },
    analysis: {
      ...{ interval: '500ms', warmUp: 0 },
      metrics: { errors: { kind: 'error-rate', maxIncrease: '50%' } },
    },
  }
  const config = buildConfig(
    folder,
    { r: rollout, m: hasty, s: mirrored, k: keyed, e: experiment },
    { gateway: { limits: { inFlight: 2 } } },
  )
  const gateway = await startSerin(t, writeConfig(folder, config))
  const send = async (path: string) => {
    const { statusCode, body, headers } = await request(`${gateway.data}${path}`, {
      method: 'POST',
      body: '{"a":"\\" quotes, \\\\ and \\n in an answer do no harm"}',
    })
    await body.dump()
    return { statusCode, id: String(headers['x-request-id']) }
  }
  const outcome = async (wanted: string) =>
    until(
      `one request was ${wanted}`,
      async () => (await readSample(gateway.admin, 'serin_requests_total', `"${wanted}"`)) > 0,
    )
  await untilService(gateway.admin, 'r', 'started', ({ phase }) => phase === 'progressing')
  // Each label at once: on a busy machine all of this may take longer than a label may.
  for (let i = 0; i < 20; i++) {
    const { id } = await send('/r/infer')
    await postFeedback(gateway.admin, [{ requestId: id, label: 1.5 }])
  }
  const { id: ofGold } = await send('/k/infer?tier=gold')
  const noProbability = await postFeedback(gateway.admin, [{ requestId: ofGold, label: 1.5 }])
  t.match(noProbability, { joined: 1, unscored: 1 })
  t.equal(await readSample(gateway.admin, 'serin_labels_unscored_total', '"k"', '"loss"'), 1)
  t.equal(await readSample(gateway.admin, 'serin_labels_unscored_total', '"k"', '"rmse"'), 0)
  await postFeedback(gateway.admin, [{ requestId: 'nobody', label: 1 }])
  await send('/r/fails')
  await send('/s/infer')
  for (let i = 0; i < 20; i++) await send('/e/infer')
  t.equal((await send('/m/never')).statusCode, 504)
  const gone = new RawConnection(Number(new URL(gateway.data).port))
  gone.send('POST /r/never HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n')
  await until('it is under way', async () => {
    const counts = ['baseline', 'canary'].map((variant) =>
      readSample(gateway.admin, 'serin_in_flight', 'service="r"', `variant="${variant}"`),
    )
    return (await Promise.all(counts)).some((count) => count > 0)
  })
  const { variants } = await readService(gateway.admin, 'r')
  const underWay = Object.values(variants).map(({ inFlight }) => inFlight)
  t.same(
    underWay.toSorted((a, b) => a - b),
    [0, 1],
    'a server that hangs is seen before its request has failed',
  )
  gone.close()
  await outcome('client_closed')
  const many = await Promise.all(Array.from({ length: 10 }, () => send('/m/never')))
  t.ok(
    many.some(({ statusCode }) => statusCode === 503),
    'more than two at once are too many',
  )
  for (const wanted of ['ok', 'failed', 'no_answer', 'client_closed']) await outcome(wanted)
  await untilService(gateway.admin, 'r', 'judged', ({ metrics }) =>
    metrics.some(({ name, canary }) => name === 'rmse' && canary.value !== null),
  )
  await untilService(gateway.admin, 'e', 'compared', ({ comparisons }) =>
    comparisons.some(({ metrics }) => metrics.some(({ canary }) => canary.value !== null)),
  )
  return gateway
}

t.test('Prometheus accepts all that is told, and can ask for it.', async (t) => {
  t.setTimeout(120_000)
  const gateway = await startSeasoned(t)
  const { text, headers } = await askAdmin(gateway.admin, '/metrics')
  t.match(headers['content-type'], /^text\/plain; version=0\.0\.4/)
  const types = new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!] as const),
  )
  for (const name of NAMES) {
    t.ok(types.has(name), name)
    t.match(
      text,
      new RegExp(`^${name}(?:_bucket|_count)?(?:\\{.*\\})? \\S+$`, 'm'),
      `${name} has samples`,
    )
  }
  t.same(
    [...types.keys()].filter((name) => !name.startsWith('serin_')),
    [],
    'every name is ours',
  )

  await t.test('promtool finds nothing to complain about', skipWithout('promtool'), async (t) => {
    const { code, output } = await runWithInput('promtool', ['check', 'metrics'], text)
    t.equal(output, '')
    t.equal(code, 0)
  })

  await t.test('a Prometheus that scrapes it answers', skipWithout('prometheus'), async (t) => {
    const prometheus = await startPrometheus(t, t.testdir({}))
    await prometheus.scrape(gateway.admin, [join(process.cwd(), RULES)])
    const ask = async <T>(path: string) =>
      (await (await request(`${prometheus.origin}/api/v1/${path}`)).body.json()) as T
    const query = async (expression: string) => {
      const answer = await ask<Answer>(`query?query=${encodeURIComponent(expression)}`)
      if (answer.status !== 'success') throw new Error(`${expression}: ${answer.error}`)
      return answer.data.result
    }
    // A rate needs two scrapes.
    const scrapes = 'count_over_time(serin_variant_weight{service="m"}[1m]) >= 2'
    await until('the weights were scraped twice', async () => {
      const found = await query(scrapes).catch(() => [])
      return found.length > 0 ? found : null
    })
    const weights = await query('serin_variant_weight{service="m"}')
    t.same(Object.fromEntries(weights.map(({ metric, value }) => [metric['variant'], value[1]])), {
      baseline: '0.875',
      canary: '0.125',
    })
    const p95 = await query(
      'histogram_quantile(0.95, sum by (le) (serin_request_duration_seconds_bucket{service="r"}))',
    )
    t.ok(Number(p95[0]!.value[1]) > 0, 'buckets make a quantile')

    // One scrape may come too late on a busy machine, the next one does not.
    const up = await until('the gateway is up', async () => {
      const { activeTargets } = (await ask<{ data: Targets }>('targets')).data
      return activeTargets.every(({ health }) => health === 'up') && activeTargets
    })
    t.same(
      up.map(({ lastError }) => lastError),
      [''],
    )

    await t.test('every rule is evaluated, and no gateway that is well is an alert', async (t) => {
      const readRules = async () => {
        const { data } = await ask<{ data: Rules }>('rules')
        return data.groups.flatMap((group) => group.rules)
      }
      const rules = await until('every rule was evaluated', async () => {
        const all = await readRules()
        return all.length > 0 && all.every(({ health }) => health !== 'unknown') ? all : null
      })
      for (const { name, health, lastError = '' } of rules) t.equal(health, 'ok', name + lastError)
      const OURS = /Gateway|Scraped|Store|Leader|Reload|Baseline|Canary|RolledBack|Stuck/
      let alerts: readonly string[] = []
      // A scrape that came too late is one too, until the next.
      await until('none is an alert', async () => {
        const active = (await readRules()).filter(
          (r) => r.type === 'alerting' && r.state !== 'inactive',
        )
        alerts = active.map(({ name }) => name).filter((name) => OURS.test(name))
        return alerts.length === 0
      }).catch(() => {})
      t.same(alerts, [])
      t.ok((await query('serin:variant_weight:max')).length > 0, 'recorded')
    })

    await t.test('every panel of the dashboard shows something', async (t) => {
      for (const expression of dashboardExpressions()) {
        const found = await query(expression)
        const mayBeEmpty = RARE.some((name) => expression.includes(name))
        t.ok(found.length > 0 || mayBeEmpty, expression)
      }
    })
  })

  await t.test('what it answers is what its description says', async (t) => {
    const contract = new Contract((await askAdmin(gateway.admin, '/openapi.json')).json<Document>())
    // Of the stream of events an answer never ends.
    const others = ['/', '/api/v1/events']
    const places = contract.places.filter(
      ({ method, path }) => method === 'get' && !others.includes(path),
    )
    for (const service of ['r', 'm', 's', 'k', 'e']) {
      for (const { path } of places) {
        const url = path.replace('{service}', service).replace('{id}', '1')
        const { status, headers, text } = await askAdmin(gateway.admin, url)
        const answer = { statusCode: status, headers, body: text, json: () => JSON.parse(text) }
        t.same(contract.check('GET', url, answer as never), [], url)
      }
    }
    t.ok(contract.seen.has('getService 200') && contract.seen.has('getDecision 200'))
  })
})

/** What a gateway has only where something rare was configured or has happened. */
const RARE = [
  ...['serin_notifications_total', 'serin_confirmations_total', 'serin_decisions_total'],
  ...['serin_drift_psi', 'serin_comparison_drift_psi', 'serin_rollout_hold'],
  ...['serin_rollout_pause', 'serin_comparison_ratio'],
  ...['serin_passthrough_requests_total', 'serin_listener_certificate_not_after_seconds'],
]

type Answer =
  | {
      readonly status: 'success'
      readonly data: {
        readonly result: readonly {
          readonly metric: Readonly<Record<string, string>>
          readonly value: readonly [number, string]
        }[]
      }
    }
  | { readonly status: 'error'; readonly error: string }

type Targets = {
  readonly activeTargets: readonly { readonly health: string; readonly lastError: string }[]
}

type Rules = {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly name: string
      readonly type: 'alerting' | 'recording'
      readonly health: string
      readonly state?: string
      readonly lastError?: string
    }[]
  }[]
}

async function runWithInput(
  program: string,
  args: readonly string[],
  input: string,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  child.stdin.end(input)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  return { code, output }
}
