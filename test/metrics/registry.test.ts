import { spawnSync } from 'node:child_process'
import t from 'tap'
import type { Comparison } from '../../src/domain/comparison.ts'
import type { Decision } from '../../src/domain/decision.ts'
import { DISAGREEMENTS, MIRROR_RESULTS } from '../../src/metrics/mirror-book.ts'
import { createMetricsRegistry } from '../../src/metrics/registry.ts'
import type { ServiceReading } from '../../src/metrics/service-reading.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { viewOf } from '../../src/rollout/view.ts'
import { PAUSED, plan, report, seen, state } from '../fakes/rollout.ts'
import { ManualClock, RMSE, rolloutSpec, service } from '../fakes/simulated-service.ts'
import { samplePrediction } from '../store/samples.ts'

const MIRROR = { to: 'canary', share: 1, maxBytes: 1, tolerance: 0 }

function scraped(withRollout = true): ServiceReading {
  const clock = new ManualClock()
  const book = new ServiceBook({
    service: { ...service(rolloutSpec()), mirrors: [MIRROR] },
    clock,
    remember: () => {},
    previous: null,
  })
  const begin = (variant: string) =>
    book.begin(
      {
        variant,
        reason: 'key',
        unit: 1,
        suppressed: false,
        keyMissing: false,
        overrideRefused: false,
      },
      'r',
    )
  const finish = (variant: string, ms: number, status: number) => {
    const ticket = begin(variant)
    clock.ms += ms
    book.head(ticket)
    book.end(ticket, status < 500 ? 'ok' : 'failed', status, ms - 1)
  }
  finish('baseline', 7, 200)
  finish('baseline', 70, 200)
  finish('canary', 700, 503)
  book.attempt(begin('canary'), 'canary', 'http://127.0.0.1:9002', 'failed')
  book.note('key_missing')
  const reports = [
    report(),
    report({
      name: 'slow',
      baseline: { value: null, n: 0 },
      canary: { value: null, n: 0 },
      evidence: { harm: null, nonInferiority: null, stepNonInferiority: null, stepHarm: null },
    }),
    report({
      name: 'drift',
      drift: { psi: 0.2, minPsi: 0.1, ks: 0, w1: 0, edges: [1], baseline: [1, 0], canary: [1, 0] },
    }),
  ]
  return {
    book,
    weightsBp: { baseline: 9500, canary: 500 },
    experiment: null,
    view: withRollout ? viewOf(plan(), state(), seen({ reports }), null) : null,
    upstreams: [
      { variant: 'baseline', upstream: 'http://127.0.0.1:9001', healthy: true },
      { variant: 'canary', upstream: 'http://127.0.0.1:9002', healthy: false },
    ],
  }
}

function registryOf(
  readings: readonly ServiceReading[],
  leads = true,
  certificateNotAfter: number | null = null,
) {
  return createMetricsRegistry({
    version: '0.1.0',
    services: () => readings,
    leads: () => leads,
    linesLost: () => 12,
    withoutStore: () => ({ disk: 0, configuration: 0 }),
    replicas: () => ({ others: 1, differing: ['other'], lostShares: 2 }),
    certificateNotAfter: () => certificateNotAfter,
    forgotten: () => ({ expired: 3, evicted: 2, dropped: 1 }),
  })
}

/** Value of a sample, or undefined; the order of its labels does not matter. */
function sample(
  body: string,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
  const found = body.split('\n').filter((line) => {
    const [series = ''] = line.split(' ')
    return series.replace(/\{.*/, '') === name && wanted.every((label) => series.includes(label))
  })
  return found.length === 1 ? Number(found[0]!.split(' ').at(-1)) : undefined
}

t.test('requests, attempts and notes are counted by series', async (t) => {
  const { body, contentType } = await registryOf([scraped()]).render()
  t.match(contentType, /^text\/plain; version=0.0.4/)
  const requests = (labels: object) =>
    sample(body, 'serin_requests_total', { service: 'svc', ...labels })
  t.equal(requests({ variant: 'baseline', outcome: 'ok', code: '200', assignment: 'key' }), 2)
  t.equal(requests({ variant: 'canary', outcome: 'failed', code: '503', assignment: 'key' }), 1)
  t.equal(
    sample(body, 'serin_attempts_total', {
      variant: 'canary',
      upstream: 'http://127.0.0.1:9002',
      result: 'failed',
    }),
    1,
  )
  t.equal(sample(body, 'serin_request_notes_total', { note: 'key_missing' }), 1)
  t.equal(sample(body, 'serin_log_lines_lost_total'), 12)
  t.equal(sample(body, 'serin_in_flight', { variant: 'canary' }), 1)
  t.equal(sample(body, 'serin_upstream_healthy', { variant: 'baseline' }), 1)
  t.equal(sample(body, 'serin_upstream_healthy', { variant: 'canary' }), 0)
})

t.test('labels that a metric cannot score are counted by metric', async (t) => {
  const loss = { ...RMSE, name: 'loss', kind: 'log-loss' as const }
  const reading = scraped()
  const before = new ServiceBook({
    service: service(rolloutSpec({ analysis: { metrics: [loss, RMSE] } })),
    clock: new ManualClock(),
    remember: () => {},
    previous: null,
  })
  t.same(before.labelled(samplePrediction({ value: 0.5 }), -1), ['loss'])
  t.same(before.labelled(samplePrediction({ value: 83 }), 1), ['loss'])
  t.same(before.labelled(samplePrediction({ value: 0.83 }), 1), [])
  t.same(before.labelled(samplePrediction({ value: null }), -1), [], 'nothing was predicted')
  const last = { label: 1, prediction: 83 }
  t.same(before.labels.counts.get('loss'), { labels: 2, of: 3, last })
  t.same(before.labels.counts.get('rmse'), { labels: 0, of: 3, last: null })
  const book = new ServiceBook({
    ...{ service: before.service, clock: new ManualClock(), remember: () => {} },
    previous: before,
  })
  const { body } = await registryOf([{ ...reading, book }]).render()
  const counted = (metric: string) => sample(body, 'serin_labels_unscored_total', { metric })
  t.equal(counted('loss'), 2, 'over a reload')
  t.equal(counted('rmse'), 0)
})

t.test('histograms are cumulative, end with +Inf, and have sum and count', async (t) => {
  const { body } = await registryOf([scraped()]).render()
  const name = 'serin_request_duration_seconds'
  t.match(body, `# TYPE ${name} histogram`)
  const buckets = body
    .split('\n')
    .filter((line) => line.startsWith(`${name}_bucket`) && line.includes('variant="baseline"'))
  t.same(
    buckets.map((line) => [/le="([^"]+)"/.exec(line)![1], Number(line.split(' ').at(-1))]),
    [
      ['0.001', 0],
      ['0.0025', 0],
      ['0.005', 0],
      ['0.01', 1],
      ['0.025', 1],
      ['0.05', 1],
      ['0.1', 2],
      ['0.25', 2],
      ['0.5', 2],
      ['1', 2],
      ['2.5', 2],
      ['5', 2],
      ['10', 2],
      ['30', 2],
      ['60', 2],
      ['+Inf', 2],
    ],
  )
  t.equal(sample(body, `${name}_sum`, { variant: 'baseline' }), 0.077)
  t.equal(sample(body, `${name}_count`, { variant: 'baseline' }), 2)
  t.equal(sample(body, 'serin_time_to_first_byte_seconds_count', { variant: 'canary' }), 1)
  t.equal(sample(body, 'serin_overhead_seconds_sum', { variant: 'canary' }), 0.001)
})

t.test('a rollout shows its weights, phase, step, values, evidence and verdicts', async (t) => {
  const { body } = await registryOf([scraped()]).render()
  t.equal(sample(body, 'serin_variant_weight', { variant: 'canary' }), 0.05)
  t.equal(sample(body, 'serin_variant_weight', { variant: 'baseline' }), 0.95)
  t.equal(sample(body, 'serin_rollout_phase', { phase: 'progressing' }), 1)
  t.equal(sample(body, 'serin_rollout_phase', { phase: 'rolled-back' }), 0)
  t.equal(sample(body, 'serin_rollout_step', { service: 'svc' }), 0)
  t.equal(sample(body, 'serin_metric_value', { metric: 'errors', variant: 'canary' }), 0.012)
  t.equal(sample(body, 'serin_metric_value', { metric: 'slow' }), undefined, 'no data is no sample')
  t.equal(sample(body, 'serin_metric_log_evidence', { metric: 'errors', direction: 'harm' }), 0.5)
  t.equal(
    sample(body, 'serin_metric_log_evidence', { metric: 'errors', direction: 'non-inferiority' }),
    3.5,
  )
  t.equal(sample(body, 'serin_metric_log_evidence', { metric: 'slow' }), undefined)
  const harm = { metric: 'errors', direction: 'harm' }
  t.equal(sample(body, 'serin_metric_log_evidence_threshold', harm), 3)
  t.equal(sample(body, 'serin_metric_log_evidence_threshold', { metric: 'slow' }), undefined)
  const enteredAt = state().stepEnteredAt / 1000
  t.equal(sample(body, 'serin_rollout_step_entered_timestamp_seconds'), enteredAt)
  t.equal(sample(body, 'serin_rollout_hold'), undefined)
  t.equal(sample(body, 'serin_rollout_pause'), undefined)
  t.equal(sample(body, 'serin_metric_verdict', { metric: 'errors', verdict: 'successful' }), 1)
  t.equal(sample(body, 'serin_metric_verdict', { metric: 'errors', verdict: 'failed' }), 0)
  t.equal(sample(body, 'serin_drift_psi', { metric: 'drift' }), 0.2)
  t.equal(sample(body, 'serin_drift_psi', { metric: 'errors' }), undefined)
})

t.test('a pause is shown by its cause, and by the metric where one paused', async (t) => {
  const guard = { ...PAUSED('metric'), pausedMetric: 'no-answer' } as const
  for (const [phase, labels] of [
    [guard, { by: 'metric', metric: 'no-answer' }],
    [PAUSED('approval'), { by: 'approval', metric: '' }],
  ] as const) {
    const view = viewOf(plan(), state(phase), seen(), null)
    const { body } = await registryOf([{ ...scraped(), view }]).render()
    t.equal(sample(body, 'serin_rollout_pause', { service: 'svc', ...labels }), 1)
  }
})

t.test(
  'a hold is shown by its reason; of a limit alone there is no evidence of harm',
  async (t) => {
    const limit = report({
      evidence: {
        harm: { log: -Infinity, threshold: Infinity },
        nonInferiority: null,
        stepNonInferiority: null,
        stepHarm: null,
      },
    })
    const held = state(undefined, { holdReason: 'max-duration' })
    const view = viewOf(plan(), held, seen({ reports: [limit] }), null)
    const { body } = await registryOf([{ ...scraped(), view }]).render()
    t.equal(sample(body, 'serin_rollout_hold', { service: 'svc', reason: 'max-duration' }), 1)
    t.equal(sample(body, 'serin_metric_log_evidence'), undefined)
    t.equal(sample(body, 'serin_metric_log_evidence_threshold'), undefined)
  },
)

t.test('a drift of a challenger is told with its name', async (t) => {
  const log = { log: 1, threshold: 4 }
  const drift = {
    psi: 0.2,
    minPsi: 0.1,
    ks: 0,
    w1: 0,
    edges: [1],
    baseline: [1, 0],
    canary: [1, 0],
  }
  const comparison: Comparison = {
    ...{ variant: 'small', verdict: 'unknown', expectedShare: 0.5, etaSeconds: null },
    metrics: [
      report({ name: 'preds', drift }),
      report({ name: 'young', drift: null }),
      report(),
    ].map((each) => ({ report: each, verdict: null, superiority: null })),
    units: { baseline: 1, challenger: 1 },
    ratioMismatch: log,
  }
  const experiment = {
    ...{ id: 'x#1', state: state(), winner: null, comparisons: [comparison], lastDecision: null },
  }
  const { body } = await registryOf([{ ...scraped(false), experiment }]).render()
  const of = (metric: string) =>
    sample(body, 'serin_comparison_drift_psi', { service: 'svc', variant: 'small', metric })
  t.same(['preds', 'young', 'errors'].map(of), [0.2, undefined, undefined])
})

t.test(
  'a challenger is told with its baseline, the ratio and how much it comes from',
  async (t) => {
    const log = { log: 1, threshold: 4 }
    const of = async (required: boolean) => {
      const errors = report({
        ...{ required, baseline: { value: 0.02, n: 900 }, canary: { value: 0.03, n: 300 } },
        ratio: { estimate: 1.5, lower: 1.1, upper: Infinity, method: 'exact', level: 0.95 },
      })
      const comparison: Comparison = {
        ...{ variant: 'small', verdict: 'worse', expectedShare: 0.5, etaSeconds: null },
        metrics: [
          { report: errors, verdict: 'worse', superiority: null },
          {
            report: report({
              name: 'none',
              required: false,
              ratio: null,
              baseline: { value: null, n: 0 },
            }),
            verdict: null,
            superiority: null,
          },
        ],
        ...{ units: { baseline: 1, challenger: 1 }, ratioMismatch: log },
      }
      const experiment = {
        ...{
          id: 'x#1',
          state: state(),
          winner: null,
          comparisons: [comparison],
          lastDecision: null,
        },
      }
      const { body } = await registryOf([{ ...scraped(false), experiment }]).render()
      return (name: string, labels: Record<string, string>) =>
        sample(body, `serin_comparison_${name}`, { service: 'svc', variant: 'small', ...labels })
    }
    const read = await of(true)
    const metric = 'errors'
    t.equal(read('value', { metric }), 0.03)
    t.equal(read('baseline_value', { metric }), 0.02)
    t.equal(read('baseline_value', { metric: 'none' }), undefined)
    t.equal(read('observations', { metric, side: 'baseline' }), 900)
    t.equal(read('observations', { metric, side: 'challenger' }), 300)
    t.equal(read('ratio', { metric, bound: 'estimate' }), 1.5)
    t.equal(read('ratio', { metric, bound: 'lower' }), 1.1)
    t.equal(read('ratio', { metric, bound: 'upper' }), undefined, 'not bounded yet')
    t.equal(read('ratio', { metric: 'none', bound: 'estimate' }), undefined)
    t.equal(read('overall_verdict', { verdict: 'worse' }), 1)
    t.equal(read('overall_verdict', { verdict: 'better' }), 0)
    const shown = await of(false)
    t.equal(shown('overall_verdict', { verdict: 'worse' }), undefined, 'none decides')
  },
)

t.test('every metric is described, and what has no series too', async (t) => {
  const described = await registryOf([]).describe()
  const { body } = await registryOf([scraped()]).render()
  const types = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type])
  t.same(
    described.map(({ name, type }) => [name, type]),
    types,
  )
  const labels = new Map(described.map((metric) => [metric.name, metric.labels]))
  const series = [...body.matchAll(/^(serin_\w+?)(?:_bucket|_sum|_count)?\{(.*)\} /gm)]
  for (const [, name, pairs] of series) {
    const names = [...pairs!.matchAll(/(\w+)="/g)].map(([, label]) => label!)
    const own = names.filter((label) => label !== 'le')
    t.same(own.toSorted(), labels.get(name!)?.toSorted(), name!)
  }
})

t.test('a mirror shows what became of its copies, and how answers compare', async (t) => {
  const reading = scraped()
  const registry = registryOf([reading])
  const mirror = reading.book.mirrors.get('canary')!
  const of = async (name: string, labels: Record<string, string> = {}) =>
    sample((await registry.render()).body, `serin_mirror_${name}`, { variant: 'canary', ...labels })
  for (const result of MIRROR_RESULTS)
    t.equal(await of('requests_total', { result }), 0, `${result} is there from the start`)
  for (const kind of DISAGREEMENTS) t.equal(await of('disagreements_total', { kind }), 0, kind)
  mirror.inFlight = 3
  mirror.count('ok')
  mirror.count('dropped_busy')
  mirror.took(70)
  const pair = { at: 0, requestId: 'r', answeredBy: 'baseline', liveMs: 250, mirrorMs: 500 }
  for (const result of ['agreed', 'agreed', 'unread', 'value', 'status'] as const)
    mirror.paired({ ...pair, result, live: null, mirror: null })
  t.equal(await of('requests_total', { result: 'ok' }), 1)
  t.equal(await of('requests_total', { result: 'dropped_busy' }), 1)
  t.equal(await of('in_flight'), 3)
  t.equal(await of('duration_seconds_sum'), 0.07)
  t.equal(await of('pairs_total', { result: 'agreed' }), 2)
  t.equal(await of('pairs_total', { result: 'disagreed' }), 2)
  t.equal(await of('pairs_total', { result: 'unread' }), 1)
  t.equal(await of('disagreements_total', { kind: 'value' }), 1)
  t.equal(await of('disagreements_total', { kind: 'schema' }), 0)
  t.equal(await of('pair_seconds_total', { answer: 'live' }), 1.25)
  t.equal(await of('pair_seconds_total', { answer: 'mirror' }), 2.5)
})

t.test('a service without a rollout has weights and no phase', async (t) => {
  const { body } = await registryOf([scraped(false)]).render()
  t.equal(sample(body, 'serin_variant_weight', { variant: 'canary' }), 0.05)
  t.equal(sample(body, 'serin_rollout_step', { service: 'svc' }), undefined)
})

t.test('shares that were lost stay counted while another process decides', async (t) => {
  let seen: ReturnType<Parameters<typeof createMetricsRegistry>[0]['replicas']> = null
  const registry = createMetricsRegistry({
    ...{
      version: '0.1.0',
      services: () => [],
      leads: () => true,
      linesLost: () => 0,
      certificateNotAfter: () => null,
    },
    withoutStore: () => ({ disk: 0, configuration: 0 }),
    replicas: () => seen,
    forgotten: () => ({ expired: 0, evicted: 0, dropped: 0 }),
  })
  const read = async () => sample((await registry.render()).body, 'serin_lost_shares_total')
  t.equal(await read(), 0)
  seen = { others: 1, differing: [], lostShares: 2 }
  t.equal(await read(), 2)
  seen = null
  t.equal(await read(), 2)
})

t.test('decisions, feedback, reloads, the store and the lead are told', async (t) => {
  const registry = registryOf([], false)
  const decision = { service: 'svc', action: 'rollback', reason: 'breaker' } as Decision
  registry.countDecision(decision)
  registry.countDecision(decision)
  registry.countFeedback('svc', 'joined', 17)
  registry.countRefused(40)
  for (const cohorts of [30, 2]) registry.countEvicted(cohorts)
  const before = (await registry.render()).body
  t.equal(sample(before, 'serin_decisions_total', { action: 'rollback', reason: 'breaker' }), 2)
  t.equal(sample(before, 'serin_feedback_total', { result: 'joined' }), 17)
  t.equal(sample(before, 'serin_feedback_refused_total'), 40)
  t.equal(sample(before, 'serin_replicas_differing'), 1)
  t.equal(sample(before, 'serin_archive_evicted_cohorts_total'), 32)
  t.same(
    ['expired', 'evicted', 'dropped'].map((reason) =>
      sample(before, 'serin_predictions_forgotten_total', { reason }),
    ),
    [3, 2, 1],
  )
  t.same(
    ['serin_config_reload_success', 'serin_store_up', 'serin_leader'].map((n) => sample(before, n)),
    [1, 1, 0],
  )
  t.equal(sample(before, 'serin_build_info', { version: '0.1.0' }), 1)
  registry.setReloadSuccess(false)
  registry.setStoreState('away')
  const after = (await registry.render()).body
  t.same(
    ['serin_config_reload_success', 'serin_store_up'].map((n) => sample(after, n)),
    [0, 0],
  )
  t.equal(sample(after, 'serin_store_lost'), 0)
  registry.setReloadSuccess(true)
  registry.setStoreState('lost')
  const lost = (await registry.render()).body
  t.same(
    ['serin_store_up', 'serin_store_lost'].map((n) => sample(lost, n)),
    [0, 1],
  )
  registry.setStoreState('up')
  const back = (await registry.render()).body
  t.same(
    ['serin_store_up', 'serin_store_lost'].map((n) => sample(back, n)),
    [1, 0],
  )
  const again = (await registryOf([]).render()).body
  t.equal(sample(again, 'serin_leader'), 1)
})

t.test(
  'what is gone is not shown any more, and counters are read anew at each scrape',
  async (t) => {
    const readings = [scraped()]
    const registry = registryOf(readings)
    const first = (await registry.render()).body
    t.equal((await registry.render()).body, first)
    readings.length = 0
    t.equal(sample((await registry.render()).body, 'serin_requests_total'), undefined)
    t.notMatch((await registry.render()).body, 'service="svc"')
  },
)

const promtool = spawnSync('promtool', ['--version']).error === undefined
t.test(
  'promtool accepts what is rendered',
  { skip: promtool ? false : 'promtool is not installed' },
  async (t) => {
    const registry = registryOf([scraped()])
    registry.countDecision({ service: 'svc', action: 'advance', reason: 'evidence' } as Decision)
    registry.countFeedback('svc', 'late', 1)
    const { body } = await registry.render()
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' })
    t.equal(checked.stdout + checked.stderr, '')
    t.equal(checked.status, 0)
  },
)

t.test('attempts to notify and questions are counted by service and result', async (t) => {
  const registry = registryOf([])
  registry.countNotification('svc', 'failed')
  registry.countNotification('svc', 'failed')
  registry.countNotification('other', 'delivered')
  registry.countConfirmation('svc', 'given')
  const { body } = await registry.render()
  t.equal(sample(body, 'serin_notifications_total', { service: 'svc', result: 'failed' }), 2)
  t.equal(sample(body, 'serin_notifications_total', { service: 'other', result: 'delivered' }), 1)
  t.equal(sample(body, 'serin_confirmations_total', { service: 'svc', result: 'given' }), 1)
})

t.test('what belongs to no service is counted by fixed words and statuses', async (t) => {
  const metrics = registryOf([])
  metrics.countRefusal('SERIN_NO_ROUTE')
  metrics.countPassthrough('ok', 200)
  metrics.countPassthrough('ok', 200)
  metrics.countPassthrough('failed', 999)
  metrics.countDropped()
  const { body } = await metrics.render()
  const passed = (labels: Record<string, string>) =>
    sample(body, 'serin_passthrough_requests_total', labels)
  t.equal(sample(body, 'serin_refused_total', { code: 'SERIN_NO_ROUTE' }), 1)
  t.equal(passed({ outcome: 'ok', code: '200' }), 2)
  t.equal(passed({ outcome: 'failed', code: 'other' }), 1)
  t.equal(sample(body, 'serin_connections_dropped_total'), 1)
})

t.test('the time of the certificate is told where there is one', async (t) => {
  const name = 'serin_listener_certificate_not_after_seconds'
  const [without, having] = [registryOf([]), registryOf([], true, 1_900_000_000_500)]
  t.equal(sample((await without.render()).body, name), undefined, 'no alert of none')
  t.equal(sample((await having.render()).body, name), 1_900_000_000.5)
})
