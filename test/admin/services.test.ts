import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import type { ServiceStatus } from '../../src/admin/service-status.ts'
import type { LimitReport } from '../../src/domain/verdict.ts'
import type { RuleSpec } from '../../src/domain/service.ts'
import {
  createFakeDeps,
  fakeDecision,
  fakeMetric,
  fakeMirror,
  fakeState,
  fakeStatus,
  LOOPBACK,
  NOW,
  type FakeDeps,
} from './fake-deps.ts'

const RISK = '/api/v1/services/credit-risk'

t.test('A service is shown in percent, in ISO times and with its revision as ETag.', async (t) => {
  const app = createAdminServer(createFakeDeps(), LOOPBACK)
  t.teardown(() => app.close())
  const response = await app.inject(RISK)
  t.equal(response.statusCode, 200)
  t.equal(response.headers.etag, '"5"')
  t.equal(response.headers['cache-control'], 'no-store')
  t.match(response.json(), {
    name: 'credit-risk',
    strategy: 'canary',
    rollout: '1.4->2.0#1',
    revision: 5,
    phase: 'progressing',
    step: { index: 1, of: 4, kind: 'weight', enteredAt: '2027-05-01T11:59:00.000Z' },
    pause: null,
    weights: { baseline: 80, canary: 20 },
    variants: {
      baseline: { version: '1.4', requests: 21_870 },
      canary: {
        version: '2.0',
        errors: 3,
        p50Ms: 8.1,
        p95Ms: 14,
        p99Ms: 22.5,
        upstreams: 2,
        healthy: 2,
      },
    },
    metrics: [
      {
        name: 'rmse',
        verdict: 'inconclusive',
        baseline: { value: 3.1, n: 21_870 },
        canary: { value: 3.02, n: 1150 },
        ratio: { estimate: 0.974, lower: 0.921, upper: 1.061, method: 'asymptotic' },
        evidence: {
          harm: { log: -1.2, threshold: 4.6 },
          nonInferiority: { log: 2.1, threshold: 3 },
          stepNonInferiority: null,
          stepHarm: null,
        },
        etaSeconds: 140,
      },
    ],
    missing: ['rmse: a rise above 5 % is not excluded yet (upper bound 6.1 %)'],
    etaSeconds: 140,
    lastDecision: { id: 17, at: '2027-05-01T11:59:00.000Z', action: 'advance' },
  })
})

t.test('What a mirror does is shown beside the variants.', async (t) => {
  const status = { ...fakeStatus(), mirrors: { shadow: fakeMirror(), fresh: fakeMirror(FRESH) } }
  const app = createAdminServer(createFakeDeps({ services: () => [status] }), LOOPBACK)
  t.teardown(() => app.close())
  const { mirrors } = (await app.inject('/api/v1/services/credit-risk')).json()
  t.match(mirrors.shadow, {
    inFlight: 4,
    results: { ok: 1200, dropped_unhealthy: 5 },
    lastOkAt: '2027-05-01T11:59:57.000Z',
    pairs: 1000,
    unread: 200,
    disagreements: { status: 4, schema: 1, value: 340 },
    liveHeadMs: 7.5,
    mirrorHeadMs: 9.5,
    lastDisagreed: [{ at: '2027-05-01T11:59:59.000Z', requestId: 'r-1', live: 3, mirror: 4 }],
  })
  t.match(mirrors.fresh, { lastOkAt: null, p50Ms: null, lastDisagreed: [] })
})

t.test('Thousands of services are listed a few at a time.', async (t) => {
  const names = Array.from({ length: 101 }, (_, n) => `s${n}`)
  const statuses = names.map((name) => fakeStatus(null, name))
  const app = createAdminServer(createFakeDeps({ services: () => statuses }), LOOPBACK)
  t.teardown(() => app.close())
  let isDone = false
  let turns = 0
  const asked = app.inject('/api/v1/services').finally(() => (isDone = true))
  while (!isDone) {
    await nextTurn()
    turns += 1
  }
  const answer = await asked
  t.match(answer.headers['content-type'], /^application\/json/)
  const { services } = answer.json() as { services: { name: string }[] }
  t.same(
    services.map(({ name }) => name),
    names,
  )
  t.ok(turns >= 25, `${turns} turns for 25 times 4`)
  const empty = createAdminServer(createFakeDeps({ services: () => [] }), LOOPBACK)
  t.teardown(() => empty.close())
  t.same((await empty.inject('/api/v1/services')).json(), { services: [] })
})

const FRESH = { lastOkAt: null, p50Ms: null, lastDisagreed: [] }

t.test('All services are listed, those without a rollout with their fixed weights.', async (t) => {
  const app = createAdminServer(createFakeDeps(), LOOPBACK)
  t.teardown(() => app.close())
  const { services } = (await app.inject('/api/v1/services')).json()
  t.equal(services.length, 2)
  t.match(services[1], {
    name: 'fixed',
    strategy: 'fixed',
    rollout: null,
    revision: null,
    phase: null,
    step: null,
    weights: { baseline: 90, canary: 10 },
    metrics: [],
    missing: [],
    etaSeconds: null,
    lastDecision: null,
  })
  t.notOk((await app.inject('/api/v1/services/fixed')).headers.etag)
})

t.test('What is not finite or not measured is null.', async (t) => {
  const status = fakeStatus()
  const metric = fakeMetric({
    baseline: { value: NaN, n: 0 },
    canary: { value: null, n: 0 },
    ratio: { estimate: NaN, lower: 0, upper: Infinity, method: 'exact' },
    evidence: {
      harm: { log: -Infinity, threshold: 3 },
      nonInferiority: null,
      stepNonInferiority: null,
      stepHarm: { log: 0, threshold: Infinity },
    },
    etaSeconds: Infinity,
  })
  const bare = fakeMetric({ ratio: null, etaSeconds: null })
  const deps = createFakeDeps({
    services: () => [
      {
        ...status,
        weightsBp: {},
        variants: {},
        rollout: { ...status.rollout!, metrics: [metric, bare], lastDecision: null },
      },
    ],
  })
  const app = createAdminServer(deps, LOOPBACK)
  t.teardown(() => app.close())
  const service = (await app.inject('/api/v1/services')).json().services[0]
  t.match(service.metrics[0], {
    baseline: { value: null },
    canary: { value: null },
    ratio: { estimate: null, lower: 0, upper: null },
    // Where no evidence is ever enough, none is asked for.
    evidence: { harm: { log: null, threshold: 3 }, stepHarm: null },
    etaSeconds: null,
  })
  t.match(service.metrics[1], { ratio: null, etaSeconds: null })
  t.same(service.weights, { baseline: 0, canary: 0 })
  t.match(service.variants.canary, { requests: 0, p95Ms: null, upstreams: 1, healthy: 0 })
})

t.test('Each phase shows its own data.', async (t) => {
  const shown = async (state: ReturnType<typeof fakeState>) => {
    const app = createAdminServer(createFakeDeps({ services: () => [fakeStatus(state)] }), LOOPBACK)
    t.teardown(() => app.close())
    return (await app.inject(RISK)).json()
  }
  const paused = { phase: 'paused', pausedAt: NOW, pausedMetric: 'rmse' } as const
  t.same((await shown(fakeState({ ...paused, pausedBy: 'timer', resumeAt: NOW + 1000 }))).pause, {
    by: 'timer',
    at: '2027-05-01T12:00:00.000Z',
    until: '2027-05-01T12:00:01.000Z',
    metric: 'rmse',
  })
  t.equal(
    (await shown(fakeState({ ...paused, pausedBy: 'metric', resumeAt: null }))).pause.until,
    null,
  )
  t.equal(
    (await shown(fakeState({ phase: 'idle', idleReason: 'manual-start' }))).idleReason,
    'manual-start',
  )
  t.equal(
    (await shown(fakeState({ phase: 'watching', watchUntil: NOW }))).watchUntil,
    '2027-05-01T12:00:00.000Z',
  )
  const rolledBack = fakeState({
    phase: 'rolled-back',
    rolledBackAt: NOW,
    rolledBackReason: 'rmse',
  })
  const retryFrom = '2027-05-01T13:00:00.000Z'
  t.match(await shown(rolledBack), { rolledBackReason: 'rmse', retryFrom })
  t.equal((await shown(fakeState())).retryFrom, null)
})

t.test('A limit that has rolled back is shown as it was then.', async (t) => {
  const limit = { max: 4, min: null, ticksBeyond: 3, baselineBeyond: false, tooFew: false }
  const told = { ...limit, byChance: false, countsAs: null }
  const none = { value: null, n: 0 }
  const now = fakeMetric({
    verdict: 'failed',
    limit: { ...limit, tooFew: true, baseline: none, canary: none },
  })
  const state = fakeState({ phase: 'rolled-back', rolledBackAt: NOW, rolledBackReason: 'rmse' })
  const shown = async (decided: LimitReport) => {
    const lastDecision = fakeDecision({
      action: 'rollback',
      metrics: [fakeMetric({ verdict: 'failed', limit: decided })],
    })
    const status = fakeStatus(state)
    const rollout = { ...status.rollout!, metrics: [now], lastDecision }
    const deps = createFakeDeps({ services: () => [{ ...status, rollout }] })
    const app = createAdminServer(deps, LOOPBACK)
    t.teardown(() => app.close())
    return (await app.inject(RISK)).json().metrics[0].limit
  }
  const held = { baseline: none, canary: { value: 14.2, n: 312 } }
  t.same(await shown({ ...limit, ...held }), { ...told, ...held })
  const older = { ...told, baseline: null, canary: null }
  t.same(await shown(limit), older, 'an older version did not record it')
})

t.test('An unknown service is 404 and the known ones are named.', async (t) => {
  const app = createAdminServer(createFakeDeps(), LOOPBACK)
  t.teardown(() => app.close())
  const response = await app.inject('/api/v1/services/credit-rsik?secret=1')
  t.equal(response.statusCode, 404)
  t.match(response.headers['content-type'], /^application\/problem\+json/)
  t.same(response.json(), {
    type: 'about:blank',
    title: 'Unknown service',
    status: 404,
    code: 'SERIN_UNKNOWN_SERVICE',
    detail:
      'there is no service "credit-rsik": did you mean "credit-risk"? Known: credit-risk, fixed',
    instance: '/api/v1/services/credit-rsik',
  })
  const empty = createAdminServer(createFakeDeps({ services: () => [] }), LOOPBACK)
  t.teardown(() => empty.close())
  t.match((await empty.inject(RISK)).json(), { detail: /none is configured/ })
})

t.test('Decisions are paged, found by id, and refused where the page is no page.', async (t) => {
  const app = createAdminServer(createFakeDeps(), LOOPBACK)
  t.teardown(() => app.close())
  const ids = async (query: string) =>
    (await app.inject(`${RISK}/decisions${query}`))
      .json()
      .decisions.map((d: { id: number }) => d.id)
  t.same(await ids(''), [17, 16])
  t.same(await ids('?after=16'), [17])
  t.same(await ids('?limit=1'), [17])
  t.match((await app.inject(`${RISK}/decisions/16`)).json(), {
    id: 16,
    action: 'start',
    configHash: '0123456789ab',
    from: { weights: { canary: 5 } },
  })
  t.match((await app.inject(`${RISK}/decisions/3`)).json(), {
    status: 404,
    code: 'SERIN_NOT_FOUND',
  })
  for (const [path, detail] of [
    ['/decisions?limit=0', 'limit is "0"; send a whole number from 1 to 1000'],
    ['/decisions?after=-1', 'after is "-1"'],
    ['/decisions?after=1&after=2', 'after is ["1","2"]'],
    ['/decisions?before=3', 'unknown query parameter "before"; known: after, limit'],
    ['/decisions/latest', 'id is "latest"'],
  ] as const) {
    const response = await app.inject(RISK + path)
    t.equal(response.statusCode, 400, path)
    t.ok(response.json().detail.startsWith(detail), response.json().detail)
  }
})

t.test('Health, readiness and metrics answer, and an unready gateway is 503.', async (t) => {
  let ready = true
  const deps = createFakeDeps({
    ready: () => ({ ready, checks: { store: ready ? 'up' : 'cannot be written' } }),
  })
  const app = createAdminServer(deps, LOOPBACK)
  t.teardown(() => app.close())
  t.same((await app.inject('/healthz')).json(), { status: 'ok' })
  t.same((await app.inject('/readyz')).json(), { ready: true, checks: { store: 'up' } })
  ready = false
  const unready = await app.inject('/readyz')
  t.equal(unready.statusCode, 503)
  t.same(unready.json(), { ready: false, checks: { store: 'cannot be written' } })
  const metrics = await app.inject('/metrics')
  t.equal(metrics.headers['content-type'], 'text/plain; version=0.0.4')
  t.equal(metrics.body, 'serin_build_info 1\n')
})

t.test('A gateway of several workers has a line for each, for those who may read.', async (t) => {
  const workers = { 'worker 1': 'serving, decides', 'worker 2': 'starting' }
  const deps = createFakeDeps({ workers: async () => workers })
  const tokens = [
    {
      name: 'r',
      token: 'reader-token',
      scopes: ['read' as const],
      services: null,
      expiresAt: null,
    },
  ]
  const open = createAdminServer(deps, LOOPBACK)
  const guarded = createAdminServer(deps, { ...LOOPBACK, tokens })
  t.teardown(() => Promise.all([open.close(), guarded.close()]))
  t.same((await open.inject('/healthz')).json(), { status: 'ok', workers })
  t.same((await open.inject('/readyz')).json(), {
    ready: true,
    checks: { store: 'up', ...workers },
  })
  t.same((await guarded.inject('/healthz')).json(), { status: 'ok' })
  t.same((await guarded.inject('/readyz')).json(), { ready: true })
})

t.test('What other processes count is asked for before it is shown.', async (t) => {
  const asked: (string | null)[] = []
  const deps = createFakeDeps({ gather: async (service) => void asked.push(service) })
  const app = createAdminServer(deps, LOOPBACK)
  t.teardown(() => app.close())
  await app.inject('/api/v1/services')
  await app.inject(RISK)
  await app.inject({ method: 'POST', url: `${RISK}/pause`, payload: {} })
  t.same(asked, [null, 'credit-risk', 'credit-risk'])
})

t.test(
  'The root page lists the routes, and every other path is a 404 that points to it.',
  async (t) => {
    const app = createAdminServer(createFakeDeps(), LOOPBACK)
    t.teardown(() => app.close())
    t.match((await app.inject('/')).body, /GET {2}\/api\/v1\/services\n/)
    const missing = await app.inject({ method: 'DELETE', url: RISK })
    t.equal(missing.statusCode, 404)
    t.equal(
      missing.json().detail,
      'DELETE /api/v1/services/credit-risk is not a route of the admin API: this path takes GET; GET / lists them',
    )
    const weights = await app.inject({ method: 'POST', url: `${RISK}/weights` })
    t.match(weights.json().detail, /API: this path takes PUT; GET/)
    const nowhere = await app.inject('/api/v1/servces')
    t.match(nowhere.json().detail, /is not a route of the admin API; GET/)
  },
)

t.test(
  'The running configuration is shown, and reload tells changes or every problem.',
  async (t) => {
    let problems: readonly string[] = []
    const deps: FakeDeps = createFakeDeps({
      reload: async () =>
        problems.length === 0
          ? { ok: true, changes: ['a'], waiting: ['b'] }
          : { ok: false, problems },
    })
    const app = createAdminServer(deps, LOOPBACK)
    t.teardown(() => app.close())
    t.equal((await app.inject('/api/v1/config')).json().admin.tokens[0].token, '***')
    t.same((await app.inject('/api/v1/reload')).json(), {
      inForceSince: '2027-05-01T11:00:00.000Z',
      waiting: [],
      refused: null,
    })
    const post = {
      method: 'POST',
      url: '/api/v1/reload',
      headers: { 'content-type': 'application/json' },
    } as const
    t.same((await app.inject(post)).json(), { changes: ['a'], waiting: ['b'] })
    problems = ['serin.yaml:3:5: unknown key', 'serin.yaml:9:1: services is missing']
    const refused = await app.inject(post)
    t.equal(refused.statusCode, 422)
    t.match(refused.json(), { code: 'SERIN_CONFIG_INVALID', problems, detail: /2 problems/ })
    problems = ['serin.yaml:3:5: unknown key']
    t.match((await app.inject(post)).json(), { detail: /has 1 problem;/ })
  },
)

t.test('A split by rules tells whom each names, and is said to be no A/B test.', async (t) => {
  const status = fakeStatus(null, 'fixed')
  const whenIp = (prefix: string) =>
    [{ field: { from: 'ip' }, test: 'prefix', prefix }] as const satisfies RuleSpec['when']
  const split: RuleSpec[] = [
    { when: whenIp('10.'), then: { variant: 'canary' } },
    { when: whenIp('11.'), then: { weightsBp: { canary: 2500 } } },
    { when: whenIp('12.'), then: { weightsBp: { canary: 0 } } },
  ]
  const service = { ...status.service, split: { ...status.service.split, rules: split } }
  const named = ['ip = 10.*', 'ip = 11.*', 'ip = 12.*', 'ip = 13.*', null]
  const rules = named.map((rule) => ({ rule, variants: {} }))
  const deps = createFakeDeps({ service: () => ({ ...status, service, rules }) })
  const app = createAdminServer(deps, LOOPBACK)
  t.teardown(() => app.close())
  const response = await app.inject('/api/v1/services/fixed')
  t.match(response.json(), { notice: /no A\/B test/, winner: null, comparisons: [] })
  t.same(
    response.json().rules.map(({ weights }: { weights: unknown }) => weights),
    [{ canary: 100 }, { baseline: 75, canary: 25 }, { baseline: 100 }, null, null],
    'none of a rule that a reload took away, nor of what no rule matched',
  )
})

t.test('a rollback that the store does not have is told of', async (t) => {
  const unstored = '2.0 gets nothing from this gateway since ops aborted it'
  const status = { ...fakeStatus(), unstored }
  const app = createAdminServer(createFakeDeps({ service: () => status }), LOOPBACK)
  t.teardown(() => app.close())
  const response = await app.inject('/api/v1/services/credit-risk')
  t.match(response.json(), { notice: unstored })
})

t.test('labels that do not come are told of, with what they used to be like', async (t) => {
  const noticeOf = async (labelSilence: ServiceStatus['labelSilence']) => {
    const status = { ...fakeStatus(), labelSilence }
    const app = createAdminServer(createFakeDeps({ service: () => status }), LOOPBACK)
    t.teardown(() => app.close())
    return (await app.inject('/api/v1/services/credit-risk')).json().notice as string
  }
  const since = Date.parse('2027-05-01T11:00:00Z')
  const found = { since, at: since + 50 * 60_000, usualMs: 90_000, late: 0 }
  const look = 'look at whoever sends them to /api/v1/feedback, and at the token that it uses'
  const went = 'no label has joined a request since 2027-05-01T11:00:00.000Z (50m)'
  const usual = 'while requests go on; labels took 1m 30s until then'
  t.equal(await noticeOf(found), `${went}, ${usual}: ${look}`)
  t.equal(
    await noticeOf({ ...found, late: 1200 }),
    `${went}, ${usual}, and 1,200 have come too late since: ${look}`,
  )
  t.equal(
    await noticeOf({ ...found, usualMs: null }),
    `no label has joined a request here, and requests have come for 50m: ${look}`,
  )
})

t.test(
  'where another process decides its admin API is told, if it is reached from here',
  async (t) => {
    const ask = async (deciding: ServiceStatus['deciding']) => {
      const status = { ...fakeStatus(), deciding }
      const app = createAdminServer(createFakeDeps({ service: () => status }), LOOPBACK)
      t.teardown(() => app.close())
      return (await app.inject('/api/v1/services/credit-risk')).json() as { decider: string | null }
    }
    const at = (admin: string) => `gw-2:7:ab${admin}`
    const elsewhere = (holder: string | null) =>
      ({ lead: 'elsewhere', holder, differs: false }) as const
    t.match(await ask(elsewhere(at('@gw-2%3A9090'))), { decider: 'http://gw-2:9090' })
    for (const holder of [null, at(''), at('@127.0.0.1%3A9090'), at('@%22x'), 'west']) {
      t.match(await ask(elsewhere(holder)), { decider: null }, String(holder))
    }
    t.match(await ask(null), { decider: null })
  },
)

t.test('what is wrong with the gateway itself is told of, at every service', async (t) => {
  const trouble = ['the certificate of gateway.tls has expired', 'its clock was set back']
  const status = { ...fakeStatus(), trouble }
  const app = createAdminServer(createFakeDeps({ service: () => status }), LOOPBACK)
  t.teardown(() => app.close())
  const response = await app.inject('/api/v1/services/credit-risk')
  t.match(response.json(), { notice: trouble.join('. ') })
})

t.test('a variant that gets requests and cannot answer is told of', async (t) => {
  const noticeOf = async (status: ServiceStatus) => {
    const app = createAdminServer(createFakeDeps({ service: () => status }), LOOPBACK)
    t.teardown(() => app.close())
    const response = await app.inject(`/api/v1/services/${status.service.name}`)
    return (response.json() as { notice: string | null }).notice
  }
  const down = (status: ServiceStatus, ...names: string[]): ServiceStatus => {
    const dead = names.map((name) => [name, { ...status.variants[name]!, healthy: 0 }])
    return { ...status, variants: { ...status.variants, ...Object.fromEntries(dead) } }
  }
  const promoted = fakeStatus(fakeState({ phase: 'promoted', weightBp: 10_000 }))
  const said = 'canary (2.0) gets 100 % of the requests, and no upstream of it is healthy'
  t.equal(
    await noticeOf(down(promoted, 'canary')),
    `${said}: \`serin undo credit-risk\` gives them to the baseline`,
  )
  t.equal(await noticeOf(down(promoted, 'canary', 'baseline')), said, 'which could not answer')
  t.equal(await noticeOf(down(promoted, 'baseline')), null, 'nobody asks it')
  t.equal(
    await noticeOf(down(fakeStatus(null, 'fixed'), 'baseline')),
    'baseline (1.4) gets 90 % of the requests, and no upstream of it is healthy',
  )
})

t.test('requests that hardly ever have their key are told of', async (t) => {
  const noticeWith = async (requests: number, missing: number) => {
    const status = { ...fakeStatus(), keys: { requests, missing } }
    const app = createAdminServer(createFakeDeps({ service: () => status }), LOOPBACK)
    t.teardown(() => app.close())
    return (await app.inject('/api/v1/services/credit-risk')).json().notice as string | null
  }
  t.equal(
    await noticeWith(1616, 1610),
    'no key could be read from 1,610 of 1,616 requests, which are drawn anew each time: is split.key right?',
  )
  t.equal(await noticeWith(1616, 1400), null, 'strangers among them')
  t.equal(await noticeWith(20, 20), null, 'too few to tell')
})

t.test('names of upstreams that cannot be looked up are told of, while it is so', async (t) => {
  const since = Date.parse('2027-05-01T11:59:00Z')
  const kept = { name: 'a.internal', since, why: 'EAI_AGAIN', addresses: ['10.0.0.1', '10.0.0.2'] }
  const never = { name: 'b.internal', since, why: 'ENOTFOUND', addresses: [] }
  const failingNames = { baseline: [kept], canary: [kept, never] }
  const status = { ...fakeStatus(), failingNames }
  const app = createAdminServer(createFakeDeps({ service: () => status }), LOOPBACK)
  t.teardown(() => app.close())
  const { notice, variants } = (await app.inject('/api/v1/services/credit-risk')).json()
  t.equal(
    notice,
    'a.internal (baseline, canary) cannot be looked up since 2027-05-01T11:59:00.000Z (EAI_AGAIN): requests go on to where it led last, 10.0.0.1, 10.0.0.2. b.internal (canary) cannot be looked up since 2027-05-01T11:59:00.000Z (ENOTFOUND), and was never found: requests to it fail',
  )
  const told = (failing: object) => ({ ...failing, since: '2027-05-01T11:59:00.000Z' })
  t.same(variants.baseline.failingNames, [told(kept)])
  t.same(variants.canary.failingNames, [told(kept), told(never)])
  const well = createAdminServer(createFakeDeps(), LOOPBACK)
  t.teardown(() => well.close())
  const response = await well.inject('/api/v1/services/credit-risk')
  t.match(response.json(), { notice: null, variants: { canary: { failingNames: [] } } })
})
