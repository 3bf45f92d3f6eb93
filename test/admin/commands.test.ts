import { Readable } from 'node:stream'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import type { CommandResult } from '../../src/admin/admin-deps.ts'
import { createFakeDeps, LOOPBACK } from './fake-deps.ts'

const RISK = '/api/v1/services/credit-risk'
const JSON_TYPE = { 'content-type': 'application/json' }

function setUp(t: Test, command?: () => Promise<CommandResult>) {
  const deps = createFakeDeps(command === undefined ? {} : { command })
  const app = createAdminServer(deps, LOOPBACK)
  t.teardown(() => app.close())
  const send = (
    method: 'PUT' | 'POST',
    path: string,
    payload: string | object = '',
    headers: Record<string, string> = JSON_TYPE,
  ) => app.inject({ method, url: path, payload, headers })
  return { deps, send }
}

t.test('Each verb reaches the gateway with its options, actor and reason.', async (t) => {
  const { deps, send } = setUp(t)
  const actor = 'operator@loopback'
  for (const [verb, body, command] of [
    ['promote', { reason: 'go', full: true }, { verb: 'promote', full: true, note: 'go' }],
    ['promote', {}, { verb: 'promote', full: false, note: null }],
    ['retry', { force: true }, { verb: 'retry', force: true, note: null }],
    ['retry', '', { verb: 'retry', force: false, note: null }],
    ['abort', { reason: 'no' }, { verb: 'abort', note: 'no' }],
    ['pause', '', { verb: 'pause', note: null }],
    ['resume', '{}', { verb: 'resume', note: null }],
    [
      'undo',
      { reason: '\u0646\u0645\u06cc\u200c\u0634\u0648\u062f 👩\u200d🔬' },
      { verb: 'undo', note: '\u0646\u0645\u06cc\u200c\u0634\u0648\u062f 👩\u200d🔬' },
    ],
  ] as const) {
    const response = await send('POST', `${RISK}/${verb}`, body)
    t.equal(response.statusCode, 200, response.body)
    t.same(deps.commands.at(-1), {
      service: 'credit-risk',
      command: { ...command, actor },
      ifMatch: null,
    })
    t.equal(response.headers.etag, '"6"')
    t.match(response.json(), { decision: { id: 18, actor }, service: { revision: 6 } })
  }
})

t.test('Weights are given in percent, by the canary or by what the baseline keeps.', async (t) => {
  const { deps, send } = setUp(t)
  for (const [body, canaryBp] of [
    [{ canary: 20 }, 2000],
    [{ canary: 0 }, 0],
    [{ canary: 0.29 }, 29],
    [{ baseline: 99.5 }, 50],
    [{ canary: 12.34, baseline: 87.66 }, 1234],
  ] as const) {
    const response = await send('PUT', `${RISK}/weights`, { ...body, reason: 'try' })
    t.equal(response.statusCode, 200, response.body)
    t.match(deps.commands.at(-1)?.command, { verb: 'weights', canaryBp, note: 'try' })
  }
})

t.test('Bodies that make no sense are refused with the field named.', async (t) => {
  const { deps, send } = setUp(t)
  for (const [method, path, body, detail] of [
    ['PUT', '/weights', { shadow: 5 }, 'unknown field "shadow"; known: canary, baseline, reason'],
    ['PUT', '/weights', { canary: '20' }, 'canary must be number'],
    ['PUT', '/weights', { canary: 101 }, 'canary must be a number of at most 100'],
    ['PUT', '/weights', { canary: -1 }, 'canary must be a number of at least 0'],
    ['PUT', '/weights', { canary: 1.234 }, 'canary is 1.234: a weight has at most two decimals'],
    [
      'PUT',
      '/weights',
      { canary: 20, baseline: 70 },
      'canary 20 and baseline 70 do not sum to 100',
    ],
    ['PUT', '/weights', {}, 'the body names no weight'],
    ['PUT', '/weights', '{"canary":', 'the body is not JSON'],
    ['PUT', '/weights', '[]', 'the body must be object'],
    ['POST', '/pause', { full: true }, 'unknown field "full"; known: reason'],
    ['POST', '/promote', { reason: 3 }, 'reason must be string'],
    ...[
      '\u001b[2J',
      '\u009b2J',
      'a\u202eb',
      '\u2066',
      'a\u2028b',
      '\u2029',
      '\ud83d',
      '\u{e0041}',
    ].map(
      (reason) =>
        ['POST', '/promote', { reason }, 'reason has a character that is not to be seen'] as const,
    ),
    ['POST', '/promote', { reason: 'x'.repeat(1001) }, 'reason must NOT have more than 1000'],
    ['POST', '/promote', '{"__proto__":{"full":true}}', 'unknown field "__proto__"'],
  ] as const) {
    const response = await send(method, RISK + path, body)
    t.equal(response.statusCode, 400, response.body)
    t.equal(response.json().code, 'SERIN_BAD_REQUEST')
    t.ok(response.json().detail.startsWith(detail), response.json().detail)
  }
  t.same(deps.commands, [])
})

t.test('If-Match names the revision; stale, weak and foreign tags are 412.', async (t) => {
  const { deps, send } = setUp(t)
  const pause = (ifMatch: string) =>
    send('POST', `${RISK}/pause`, '', { ...JSON_TYPE, 'if-match': ifMatch })
  for (const [ifMatch, passed] of [
    ['"5"', 5],
    ['*', null],
    ['"4", "5"', 5],
  ] as const) {
    t.equal((await pause(ifMatch)).statusCode, 200)
    t.equal(deps.commands.at(-1)?.ifMatch, passed)
  }
  for (const ifMatch of ['"4"', 'W/"5"', '"five"']) {
    const stale = await pause(ifMatch)
    t.equal(stale.statusCode, 412)
    t.equal(stale.headers.etag, '"5"')
    t.match(stale.json(), { code: 'SERIN_STALE_REVISION', detail: /it is "5" now/ })
  }
  t.equal((await pause('5')).statusCode, 400)
  t.equal(deps.commands.length, 3)
})

t.test('What the gateway refuses keeps its code and sentence.', async (t) => {
  for (const [code, status] of [
    ['SERIN_STALE_REVISION', 412],
    ['SERIN_REFUSED', 409],
    ['SERIN_UNKNOWN_SERVICE', 404],
    ['SERIN_STORE_FAILED', 503],
  ] as const) {
    const { send } = setUp(t, async () => ({ ok: false, code, detail: 'not now' }))
    const response = await send('POST', `${RISK}/undo`)
    t.equal(response.statusCode, status)
    t.match(response.json(), { code, status, detail: 'not now' })
  }
})

t.test('A command that changes nothing answers without a decision.', async (t) => {
  const status = [...createFakeDeps().services()][0]!
  const { send } = setUp(t, async () => ({ ok: true, decision: null, pending: null, status }))
  t.equal((await send('POST', `${RISK}/pause`)).json().decision, null)
})

t.test('What is in force and not stored yet is 202, with a sentence that says so.', async (t) => {
  const status = [...createFakeDeps().services()][0]!
  const pending = '2.0 gets nothing: that is stored when the store is back'
  const { send } = setUp(t, async () => ({ ok: true, decision: null, pending, status }))
  const answer = await send('POST', `${RISK}/abort`)
  t.equal(answer.statusCode, 202)
  t.equal(answer.headers.etag, '"5"')
  t.match(answer.json(), { decision: null, pending, service: { revision: 5 } })
})

t.test('A failure inside is logged and told by its code alone.', async (t) => {
  const { send } = setUp(t, async () => Promise.reject(new Error('secret path /x')))
  const response = await send('POST', `${RISK}/pause`)
  t.equal(response.statusCode, 500)
  t.match(response.json(), { code: 'SERIN_INTERNAL', title: 'Internal error' })
  t.notMatch(response.body, /secret/)
  const store = Object.assign(new Error('disk full'), { code: 'SERIN_STORE_FAILED' })
  const broken = setUp(t, async () => Promise.reject(store))
  const unavailable = await broken.send('POST', `${RISK}/pause`)
  t.equal(unavailable.statusCode, 503)
  t.match(unavailable.json(), { code: 'SERIN_STORE_FAILED', detail: 'disk full' })
})

t.test(
  'That the store is away is an error in the log until that has said so itself.',
  async (t) => {
    const lines: { level: number; msg: string }[] = []
    const log = pino(
      { level: 'debug' },
      { write: (line: string) => void lines.push(JSON.parse(line)) },
    )
    const store = Object.assign(new Error('disk full'), { code: 'SERIN_STORE_FAILED' })
    let error: Error = store
    let isStoreTold = false
    const app = createAdminServer(
      {
        ...createFakeDeps(),
        log,
        isStoreTold: () => isStoreTold,
        command: () => Promise.reject(error),
      },
      LOOPBACK,
    )
    t.teardown(() => app.close())
    const ask = () => app.inject({ method: 'POST', url: `${RISK}/pause`, payload: {} })
    await ask()
    isStoreTold = true
    t.equal((await ask()).statusCode, 503)
    error = new Error('a mistake')
    t.equal((await ask()).statusCode, 500)
    t.match(
      lines.filter(({ level }) => level === 20 || level === 50),
      [
        { level: 50, msg: 'disk full' },
        { level: 20, msg: 'disk full' },
        { level: 50, err: { message: 'a mistake' } },
      ],
    )
  },
)

t.test('A fixed split is promoted with the name of its winner.', async (t) => {
  const { deps, send } = setUp(t)
  await send('POST', `${RISK}/promote`, { variant: 'canary', reason: 'better' })
  t.match(deps.commands, [{ command: { verb: 'promote', variant: 'canary', note: 'better' } }])
})

t.test('What the gateway refuses is 409.', async (t) => {
  const detail = 'has no rollout'
  const { deps, send } = setUp(t, async () => ({ ok: false, code: 'SERIN_REFUSED', detail }))
  for (const [method, verb, body] of [
    ['PUT', 'weights', { canary: 5 }],
    ['POST', 'promote', {}],
  ] as const) {
    const response = await send(method, `/api/v1/services/fixed/${verb}`, body)
    t.match(response.json(), { status: 409, code: 'SERIN_REFUSED', detail: /has no rollout/ })
  }
  t.same(deps.commands, [])
  t.equal((await send('POST', '/api/v1/services/nobody/pause')).statusCode, 404)
})

t.test('If-Match before the first state of a rollout is 412.', async (t) => {
  const [status] = createFakeDeps().services()
  const deps = createFakeDeps({ services: () => [{ ...status!, rollout: null }] })
  const app = createAdminServer(deps, LOOPBACK)
  t.teardown(() => app.close())
  const headers = { ...JSON_TYPE, 'if-match': '"1"' }
  const response = await app.inject({ method: 'POST', url: `${RISK}/pause`, headers })
  t.match(response.json(), { status: 412, detail: /there is none yet/ })
})

t.test('PUT and POST need a JSON content type, even without a body.', async (t) => {
  const { deps, send } = setUp(t)
  for (const type of [
    undefined,
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
  ]) {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
    for (const path of [`${RISK}/pause`, '/api/v1/reload', '/api/v1/feedback']) {
      const response = await send('POST', path, '', headers)
      t.match(
        response.json(),
        { status: 415, code: 'SERIN_UNSUPPORTED_MEDIA_TYPE' },
        `${type} ${path}`,
      )
    }
  }
  t.same(deps.commands, [])
  const charset = { 'content-type': 'Application/JSON; charset=utf-8' }
  t.equal((await send('POST', `${RISK}/pause`, '', charset)).statusCode, 200)
  t.equal(
    (await send('POST', `${RISK}/pause`, '', { 'content-type': 'application/json;;=' }))
      .statusCode < 500,
    true,
  )
})

t.test('A body larger than a command needs is 413.', async (t) => {
  const { send } = setUp(t)
  const response = await send('POST', `${RISK}/pause`, { reason: 'x'.repeat(20_000) })
  t.match(response.json(), { status: 413, code: 'SERIN_BODY_TOO_LARGE' })
})

t.test('Feedback goes to the label join as text, with its content type.', async (t) => {
  const { deps, send } = setUp(t)
  const body = '{"requestId":"a","label":1}\n{"requestId":"b","label":2}\n'
  const response = await send('POST', '/api/v1/feedback', body, {
    'content-type': 'application/x-ndjson',
  })
  t.equal(response.statusCode, 200)
  t.same(response.json(), {
    joined: 1,
    unmatched: 0,
    late: 0,
    duplicate: 0,
    unscored: 0,
    rejected: [],
  })
  await send('POST', '/api/v1/feedback', '{"requestId":"a"}')
  t.same(deps.feedbackBodies, [
    { body, contentType: 'application/x-ndjson', services: null },
    { body: '{"requestId":"a"}', contentType: 'application/json', services: null },
  ])
  t.match((await send('POST', '/api/v1/feedback', ' \n')).json(), { status: 400, detail: /empty/ })
  t.match((await send('POST', '/api/v1/feedback')).json(), { status: 400, detail: /empty/ })
})

t.test('Feedback is read as UTF-8, wherever its pieces end, and only so much of it.', async (t) => {
  const deps = createFakeDeps()
  const app = createAdminServer(deps, LOOPBACK)
  const url = `${await app.listen({ host: '127.0.0.1', port: 0 })}/api/v1/feedback`
  t.teardown(() => app.close())
  const body = Buffer.from('{"key":"猫\u{1F431}"}')
  const post = async (pieces: Iterable<Uint8Array>, headers = {}) =>
    request(url, {
      method: 'POST',
      body: Readable.from(pieces),
      headers: { ...JSON_TYPE, ...headers },
    })
  const bytes = [...body].map((byte) => Uint8Array.of(byte))
  t.equal((await post(bytes)).statusCode, 200)
  t.same(deps.feedbackBodies, [
    { body: body.toString(), contentType: 'application/json', services: null },
  ])
  const piece = Buffer.alloc(1024 * 1024, 'a')
  for (const headers of [{}, { 'content-length': String(17 * 1024 * 1024) }]) {
    const answer = await post(
      Array.from({ length: 17 }, () => piece),
      headers,
    )
    t.match(await answer.body.json(), { status: 413, code: 'SERIN_BODY_TOO_LARGE' })
  }
  t.equal((await post(Array.from({ length: 16 }, () => piece))).statusCode, 200)
  t.equal(deps.feedbackBodies.length, 2)
})

t.test(
  'Feedback of which nothing could be read is 400 with the reasons; some rejected lines are not.',
  async (t) => {
    const rejected = [{ line: 1, error: 'is not JSON' }]
    let joined = 0
    const deps = createFakeDeps({
      feedback: async () => ({
        joined,
        unmatched: 0,
        late: 0,
        duplicate: 0,
        unscored: 0,
        rejected,
      }),
    })
    const app = createAdminServer(deps, LOOPBACK)
    t.teardown(() => app.close())
    const send = () =>
      app.inject({
        method: 'POST',
        url: '/api/v1/feedback',
        payload: 'nonsense',
        headers: JSON_TYPE,
      })
    t.match((await send()).json(), {
      status: 400,
      detail: 'nothing could be read; line 1: is not JSON',
      joined: 0,
      rejected,
    })
    joined = 1
    t.match((await send()).json(), { joined: 1, rejected })
  },
)
