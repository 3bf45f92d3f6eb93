import t from 'tap'
import type { AdminDeps } from '../../src/admin/admin-deps.ts'
import type { AdminConfig } from '../../src/config/config.ts'
import { buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { forecastExperimentWithAdvice } from '../../src/rollout/experiment-advice.ts'
import { forecastWithAdvice } from '../../src/rollout/suggestions.ts'
import { StoreError } from '../../src/store/store-error.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { plan, planOf } from '../fakes/rollout.ts'
import { ERRORS, RMSE, rolloutSpec, service, weightSteps } from '../fakes/simulated-service.ts'
import { sampleCohort } from '../store/samples.ts'
import { ask, Contract, readDocument, type Place } from './contract.ts'
import {
  createFakeDeps,
  fakeDecision,
  fakeMetric,
  fakeMirror,
  fakeState,
  fakeStatus,
  fakeThreshold,
  NOW,
} from './fake-deps.ts'
import { fakeExperimentLog } from './fake-experiments.ts'

const contract = new Contract(await readDocument())
const RISK = '/api/v1/services/credit-risk'
const JSON_TYPE = { 'content-type': 'application/json' }

type Case = {
  readonly method?: 'GET' | 'PUT' | 'POST'
  readonly url: string
  readonly status: number
  readonly payload?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly deps?: Partial<AdminDeps>
}

const ROLLOUT = '1.4->2.0#1'
const ARCHIVE: Partial<AdminDeps> = {
  attempts: async () => [
    { rollout: ROLLOUT, first: 1, cohorts: 2, from: NOW, to: NOW + 10, evicted: 0 },
  ],
  archivedPlan: async () => plan(),
  archivedCohorts: async () => [
    sampleCohort(1, { openedAt: NOW, closedAt: NOW + 10, settledAt: NOW + 20 }),
    // Of several gateways on one store.
    sampleCohort(2, { openedAt: NOW + 10, shares: 'expected' }),
  ],
}

const PLANNED = planOf(service(rolloutSpec({ spec: { steps: weightSteps([5, 50, 100], 1000) } })))
const FORECAST: Partial<AdminDeps> = {
  forecast: (_name, { rps, errorRate }, regression) =>
    forecastWithAdvice(
      PLANNED,
      { unitsPerSecond: rps ?? 7, from: 'given', errorRate, evidence: null, exceedance: null },
      regression,
    ),
}

const COMPARED = threeWay([ERRORS, RMSE])
const EXPERIMENT: Partial<AdminDeps> = {
  services: () => [{ ...fakeStatus(null), service: COMPARED }],
  forecastExperiment: (_name, { rps, errorRate }, regression) =>
    forecastExperimentWithAdvice(
      buildExperimentPlan(COMPARED, 'hash')!,
      { unitsPerSecond: rps ?? 7, from: 'given', errorRate, evidence: null, exceedance: null },
      regression,
    ),
}

const nobody: Partial<AdminDeps> = {
  feedback: async () => ({
    ...{ joined: 0, unmatched: 0, late: 0, duplicate: 0, unscored: 0 },
    rejected: [{ line: 1, error: 'label is not a number' }],
  }),
}

const CASES: readonly Case[] = [
  { url: '/', status: 200 },
  { url: '/openapi.json', status: 200 },
  { url: '/healthz', status: 200 },
  { url: '/readyz', status: 200 },
  { url: '/readyz', status: 503, deps: { ready: () => ({ ready: false, checks: { a: 'no' } }) } },
  { url: '/metrics', status: 200 },
  { url: '/api/v1/services', status: 200 },
  { url: RISK, status: 200 },
  { url: '/api/v1/services/fixed', status: 200 },
  { url: `${RISK}/decisions`, status: 200 },
  { url: `${RISK}/decisions?after=1&limit=1`, status: 200 },
  { url: `${RISK}/decisions?limit=0`, status: 400 },
  { url: `${RISK}/decisions/17`, status: 200 },
  { url: `${RISK}/decisions/x`, status: 400 },
  { url: `${RISK}/decisions/99`, status: 404 },
  { url: `${RISK}/experiments`, status: 200 },
  {
    url: `${RISK}/experiments`,
    status: 200,
    deps: { decisions: async () => fakeExperimentLog('credit-risk', NOW) },
  },
  { url: `${RISK}/cohorts`, status: 200 },
  { url: `${RISK}/cohorts`, status: 200, deps: ARCHIVE },
  { url: `${RISK}/cohorts?rollout=x`, status: 404, deps: ARCHIVE },
  { url: `${RISK}/cohorts?limit=1e3`, status: 400 },
  { url: `${RISK}/plan?rps=200`, status: 200, deps: FORECAST },
  { url: `${RISK}/plan`, status: 400 },
  { url: '/api/v1/services/svc/plan?rps=200', status: 200, deps: EXPERIMENT },
  { url: '/api/v1/services/fixed/plan?rps=1', status: 409 },
  { url: '/api/v1/config', status: 200 },
  { url: '/api/v1/reload', status: 200 },
  {
    url: '/api/v1/reload',
    status: 200,
    deps: {
      lastReload: () => ({
        inForceSince: 1,
        waiting: ['c'],
        refused: { at: 2, problems: ['a', 'b'] },
      }),
    },
  },
  { method: 'POST', url: '/api/v1/reload', status: 200 },
  { method: 'POST', url: '/api/v1/reload', status: 400, payload: '{"a":1}' },
  {
    method: 'POST',
    url: '/api/v1/reload',
    status: 422,
    deps: { reload: async () => ({ ok: false, problems: ['serin.yaml:3:5: unknown key'] }) },
  },
  { method: 'POST', url: '/api/v1/feedback', status: 200, payload: '{"requestId":"r","label":1}' },
  {
    method: 'POST',
    url: '/api/v1/feedback',
    status: 200,
    headers: { 'content-type': 'application/x-ndjson' },
    payload: '{"requestId":"r","label":1}\n{"key":"u","event":"order"}\n',
  },
  { method: 'POST', url: '/api/v1/feedback', status: 400, payload: '' },
  { method: 'POST', url: '/api/v1/feedback', status: 400, payload: '{}', deps: nobody },
  { method: 'PUT', url: `${RISK}/weights`, status: 200, payload: '{"canary":20}' },
  { method: 'PUT', url: `${RISK}/weights`, status: 400, payload: '{"canary":120}' },
  ...['promote', 'abort', 'pause', 'resume', 'retry', 'undo'].flatMap((verb): readonly Case[] => [
    { method: 'POST', url: `${RISK}/${verb}`, status: 200, payload: '{"reason":"why"}' },
    { method: 'POST', url: `${RISK}/${verb}`, status: 200 },
    { method: 'POST', url: `${RISK}/${verb}`, status: 400, payload: '{"reson":"why"}' },
  ]),
  {
    method: 'POST',
    url: `${RISK}/abort`,
    status: 202,
    deps: {
      command: async () => ({
        ...{ ok: true, decision: null, status: fakeStatus() },
        pending: '2.0 gets nothing: that is stored when the store is back',
      }),
    },
  },
]

for (const { method = 'GET', url, status, payload, headers, deps } of CASES) {
  t.test(`${method} ${url} answers ${status}, as described.`, async (t) => {
    const body = payload === undefined ? {} : { payload }
    const typed = { ...(method === 'GET' ? {} : JSON_TYPE), ...headers }
    const { response, wrong } = await ask(contract, { method, url, headers: typed, ...body }, deps)
    t.equal(response.statusCode, status, response.body.slice(0, 200))
    t.same(wrong, [])
  })
}

t.test('A service is as described in every phase, with everything that it may have.', async (t) => {
  const paused = { pausedAt: NOW, resumeAt: NOW + 1, pausedMetric: 'rmse' }
  const metrics = [
    fakeMetric({
      segment: 'eu',
      limit: { max: 1, min: null, ticksBeyond: 2, baselineBeyond: false, tooFew: true },
      threshold: fakeThreshold(),
      error: 'the provider is down',
      drift: { psi: 0.2, minPsi: 0.1, ks: 0, w1: 0, edges: [1], baseline: [1, 0], canary: [0, 1] },
      bounds: { lower: 0.1, upper: 0.2 },
    }),
    fakeMetric({ ratio: null, baseline: { value: null, n: 0 }, margins: null, etaSeconds: null }),
    fakeMetric({
      ratio: { estimate: 1, lower: 0, upper: Infinity, method: 'exact' },
      evidence: {
        harm: { log: -Infinity, threshold: Infinity },
        nonInferiority: { log: -Infinity, threshold: 3 },
        stepNonInferiority: { log: 1, threshold: 3 },
        stepHarm: { log: 1, threshold: 3 },
      },
    }),
  ]
  const comparison = {
    variant: 'b',
    verdict: 'unknown' as const,
    metrics: [
      { report: fakeMetric(), verdict: null, superiority: null },
      { report: fakeMetric(), verdict: 'better' as const, superiority: { log: 5, threshold: 4 } },
    ],
    units: { baseline: 3, challenger: 4 },
    expectedShare: 0.5,
    ratioMismatch: { log: 0, threshold: 6 },
    etaSeconds: null,
  }
  const states = [
    fakeState({ phase: 'idle', idleReason: 'manual-start' }),
    fakeState(),
    fakeState({ phase: 'paused', pausedBy: 'operator', ...paused } as never),
    fakeState({ phase: 'watching', watchUntil: NOW } as never),
    fakeState({ phase: 'promoted' } as never),
    fakeState({ phase: 'rolled-back', rolledBackAt: NOW, rolledBackReason: 'errors' } as never),
  ]
  const statuses = states.map((state, i) => {
    const status = fakeStatus(state)
    return {
      ...status,
      service: { ...status.service, name: `s${i}` },
      mirrors: { shadow: fakeMirror(), new: fakeMirror({ lastOkAt: null, p50Ms: null }) },
      rollout: { ...status.rollout!, metrics },
    }
  })
  const fixed = fakeStatus(null, 'fixed')
  const experiment = {
    id: 'e#1',
    state: { revision: 3 },
    lastDecision: fakeDecision(),
    winner: 'b',
    comparisons: [comparison],
  }
  const all = [...statuses, { ...fixed, experiment: experiment as never }]
  const deps: Partial<AdminDeps> = {
    services: () => all,
    service: (name) => all.find((status) => status.service.name === name) ?? null,
  }
  for (const url of ['/api/v1/services', '/api/v1/services/fixed', '/api/v1/services/s2']) {
    const { response, wrong } = await ask(contract, { method: 'GET', url }, deps)
    t.equal(response.statusCode, 200)
    t.same(wrong, [], url)
  }
})

const TOKENS: AdminConfig = {
  listen: { host: '0.0.0.0', port: 9090 },
  tokens: [
    {
      name: 'labels',
      token: 'labels-token',
      scopes: ['feedback'],
      services: null,
      expiresAt: null,
    },
    { name: 'reader', token: 'reader-token', scopes: ['read'], services: null, expiresAt: null },
  ],
}

const store = () => Promise.reject(new StoreError('cannot read the store'))
const STORE_DOWN: Partial<AdminDeps> = {
  ...{ decisions: store, decision: store, attempts: store, feedback: store },
  command: async () => ({ ok: false, code: 'SERIN_STORE_FAILED', detail: 'cannot be stored' }),
}

/** Everything throws what nobody has thought of. */
const BROKEN = Object.fromEntries(
  Object.keys(createFakeDeps())
    .filter((name) => !['clock', 'log', 'version'].includes(name))
    .map((name) => [
      name,
      () => {
        throw new Error('a mistake')
      },
    ]),
) as Partial<AdminDeps>

t.test('Every operation tells what is wrong with a request in the same words.', async (t) => {
  for (const { method, path, operation } of contract.places) {
    const { operationId: id, security, requestBody, responses } = operation
    const url = path.replace('{service}', 'credit-risk').replace('{id}', '17')
    const type = { 'content-type': Object.keys(requestBody?.content ?? {})[0] ?? 'text/plain' }
    const headers = requestBody === undefined ? {} : type
    const example = Object.values(requestBody?.content ?? {})[0]?.example
    const payload = example === undefined ? {} : { payload: JSON.stringify(example) }
    const request = { method: method.toUpperCase() as 'GET', url, headers, ...payload }
    const expect = async (
      status: number,
      changes: object = {},
      deps: Partial<AdminDeps> = {},
      config?: AdminConfig,
    ) => {
      const { response, wrong } = await ask(contract, { ...request, ...changes }, deps, config)
      t.equal(response.statusCode, status, `${id} ${response.body.slice(0, 200)}`)
      t.same(wrong, [], id)
    }
    const scope = security.flatMap((each) => each['token'] ?? [])[0]
    if (scope !== undefined) {
      await expect(401, {}, {}, TOKENS)
      const wrongToken = scope === 'read' ? 'labels-token' : 'reader-token'
      const authorization = `Bearer ${wrongToken}`
      await expect(403, { headers: { ...headers, authorization } }, {}, TOKENS)
    }
    if (path.includes('{service}')) await expect(404, { url: url.replace('credit-risk', 'x') })
    if (requestBody !== undefined) {
      const limit = Number(/^At most (\d+) KiB\.$/.exec(requestBody.description)![1]) * 1024
      await expect(413, { payload: ' '.repeat(limit + 1) })
      await expect(415, { headers: { 'content-type': 'text/plain' } })
    }
    if ('500' in responses) await expect(500, {}, BROKEN)
    if ('503' in responses && id !== 'getReadiness') {
      await expect(503, {}, { ...STORE_DOWN, isDraining: () => id === 'streamEvents' })
    }
    if ('412' in responses) {
      await expect(412, { headers: { ...headers, 'if-match': '"4"' } })
      await expect(200, { headers: { ...headers, 'if-match': '"5"' } })
      await expect(
        409,
        {},
        {
          command: async () => ({ ok: false, code: 'SERIN_REFUSED', detail: 'it is promoted' }),
        },
      )
    }
  }
})

t.test('A stream of events, the history and a token are answered as described.', async (t) => {
  const EVENTS = '/api/v1/events'
  const foreign = { headers: { host: 'evil.example' } }
  // A look alone keeps no process alive.
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(alive))
  let asked = 0
  // The stream ends with the first look after its beginning.
  const drains: Partial<AdminDeps> = { isDraining: () => asked++ > 0 }
  for (const [status, request, deps, config] of [
    [200, { url: EVENTS }, drains, undefined],
    [400, { url: `${EVENTS}?since=1` }, {}, undefined],
    [404, { url: `${EVENTS}?service=x` }, {}, undefined],
    [200, { url: '/api/v1/services/credit-risk/history' }, {}, undefined],
    [200, { url: '/api/v1/me' }, {}, undefined],
    [401, { url: '/api/v1/me' }, {}, TOKENS],
    [403, { url: '/api/v1/me', ...foreign }, {}, undefined],
  ] as const) {
    const { response, wrong } = await ask(contract, { method: 'GET', ...request }, deps, config)
    t.equal(response.statusCode, status, request.url)
    t.same(wrong, [], request.url)
  }
})

t.test('Every status that is documented has been answered.', async (t) => {
  const documented = contract.places.flatMap(({ operation }: Place) =>
    Object.keys(operation.responses).map((status) => `${operation.operationId} ${status}`),
  )
  t.same(
    documented.filter((each) => !contract.seen.has(each)),
    [],
  )
})
