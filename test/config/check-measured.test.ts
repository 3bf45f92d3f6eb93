import t from 'tap'
import { redactConfig } from '../../src/config/redact.ts'
import { checkCases, configOf, file, warningsOf } from './problems-of.ts'

const AT = 'analysis.metrics.x'
const metrics = (found: string) =>
  file({
    service: `    observe: { prediction: body:/p }\n    analysis: { metrics: { x: { ${found} } } }`,
  })
const rollout = (found: string) =>
  file({
    service: `    observe: { prediction: body:/p }
    rollout: { steps: [ { weight: 5% }, { weight: 100% } ], holdback: 1% }
    analysis: { metrics: { ${found} } }`,
  })
const builtOf = (found: string) =>
  configOf(rollout(`x: { ${found} }`)).services[0]!.rollout!.analysis.metrics[0]!

const PROMETHEUS = 'kind: prometheus, url: "http://p:9090", query: "a{v=\'{{version}}\'}"'
const HTTP = 'kind: http, url: "http://h/{{variant}}"'
const QUALITY = 'rmse: { kind: rmse, maxIncrease: 5%, labelWindow: 10m }'
const ERRORS = 'kind: error-rate, max: 5%'

t.test('a metric that is asked for elsewhere is built with its defaults', (t) => {
  t.same(builtOf(`${PROMETHEUS}, max: 0.9`), {
    name: 'x',
    kind: 'prometheus',
    onFailure: 'rollback',
    mode: 'decide',
    better: 'lower',
    maxChange: null,
    sensitivity: 0,
    max: 0.9,
    min: null,
    url: 'http://p:9090',
    query: "a{v='{{version}}'}",
    secret: null,
    headers: {},
    intervalMs: 30_000,
  })
  t.match(
    builtOf(
      `${HTTP}, value: body:/a/b, min: -1, secret: s, interval: 5s, onFailure: warn, mode: report`,
    ),
    { pointer: '/a/b', min: -1, secret: 's', intervalMs: 5000, onFailure: 'warn', mode: 'report' },
  )
  t.match(builtOf(`${HTTP}, method: threshold, maxDecrease: 10%`), {
    pointer: null,
    better: 'higher',
    maxChange: 0.1,
    threshold: {},
  })
  t.end()
})

t.test('a threshold is built with the defaults of Argo Rollouts, and -1 as any number', (t) => {
  t.same(builtOf(`${ERRORS}, method: threshold`).threshold, {
    intervalMs: 30_000,
    count: null,
    failureLimit: 0,
    inconclusiveLimit: 0,
    consecutiveErrorLimit: 4,
    consecutiveSuccessLimit: null,
  })
  t.same(
    builtOf(
      `${ERRORS}, method: threshold, interval: 1m, count: 9, failureLimit: -1, inconclusiveLimit: 1, consecutiveErrorLimit: 0, consecutiveSuccessLimit: 3`,
    ).threshold,
    {
      intervalMs: 60_000,
      count: 9,
      failureLimit: null,
      inconclusiveLimit: 1,
      consecutiveErrorLimit: 0,
      consecutiveSuccessLimit: 3,
    },
  )
  t.notOk('threshold' in builtOf(`${ERRORS}, method: sequential`))
  t.end()
})

t.test('case 30, nothing to be judged by is refused', (t) => {
  const nothing = `${AT}: has nothing to be judged by: it needs max and/or min`
  checkCases(t, [[PROMETHEUS, nothing], [HTTP, nothing], [`${HTTP}, max: 1`]], metrics)
  t.end()
})

t.test('counters and intervals belong to what is measured', (t) => {
  const without = (key: string) => `${AT}.${key}: has no meaning without method: threshold`
  checkCases(
    t,
    [
      [`${ERRORS}, count: 5, failureLimit: 0`, without('count'), without('failureLimit')],
      [`${ERRORS}, method: sequential, inconclusiveLimit: 0`, without('inconclusiveLimit')],
      [`${ERRORS}, consecutiveErrorLimit: 0`, without('consecutiveErrorLimit')],
      [`${ERRORS}, consecutiveSuccessLimit: 1`, without('consecutiveSuccessLimit')],
      [`${ERRORS}, interval: 5s`, without('interval')],
      [`${PROMETHEUS}, max: 1, interval: 5s`],
      [`${PROMETHEUS}, max: 1, count: 5`, without('count')],
      [
        `${PROMETHEUS}, max: 1, interval: 900ms`,
        `${AT}.interval: found 900ms, allowed is at least 1s`,
      ],
      [
        `${ERRORS}, method: threshold, interval: 1s, failureLimit: -1`,
        `${AT}.failureLimit: found -1: no measurement could fail the metric; without it, consecutiveSuccessLimit decides`,
      ],
      [`${ERRORS}, method: threshold, failureLimit: -1, consecutiveSuccessLimit: 3`],
      [
        `${ERRORS}, method: threshold, count: 2, consecutiveSuccessLimit: 3`,
        `${AT}.consecutiveSuccessLimit: found 3, which count: 2 never reaches`,
      ],
      [
        `${ERRORS}, method: threshold, sensitivity: 5%`,
        `${AT}.sensitivity: has no meaning with method: threshold, which proves nothing`,
      ],
      [
        `${ERRORS}, method: threshold, failureLimit: -2`,
        `${AT}.failureLimit: found -2, allowed is a whole number of at least -1`,
      ],
    ],
    metrics,
  )
  t.end()
})

t.test('a margin on what is asked for needs counted measurements of both variants', (t) => {
  const same =
    'compares with the baseline, but both are asked the same: name {{version}} or {{variant}}'
  checkCases(
    t,
    [
      [`${PROMETHEUS}, maxIncrease: 5%, method: threshold`],
      [
        `${PROMETHEUS}, maxIncrease: 5%`,
        `${AT}.maxIncrease: needs method: threshold in a metric of kind prometheus`,
      ],
      [
        'kind: http, url: "http://h", maxDecrease: 5%, method: threshold',
        `${AT}.maxDecrease: ${same}`,
      ],
      [
        `${HTTP}, maxIncrease: 5%, maxDecrease: 5%, method: threshold`,
        `${AT}.maxDecrease: found together with maxIncrease: one of them`,
      ],
    ],
    metrics,
  )
  t.end()
})

t.test('an address and what stands for a variant in it are checked', (t) => {
  const placeholder = 'allowed are {{version}} and {{variant}}'
  checkCases(
    t,
    [
      ['kind: http, url: "http://h:99999", max: 1', `${AT}.url: found what is no address`],
      [
        'kind: http, url: "http://u:p@h", max: 1',
        `${AT}.url: has a user in it: put what may not be shown into \`secret\` or \`headers\``,
      ],
      [
        'kind: http, url: "http://h/#a", max: 1',
        `${AT}.url: has a fragment (#), which is never sent`,
      ],
      ['kind: http, url: "http://{{variant}}.h:80/{{version}}", max: 1'],
      [
        'kind: http, url: "http://h/{{model}}", max: 1',
        `${AT}.url: found {{model}}, ${placeholder}`,
      ],
      [
        'kind: prometheus, url: "http://h", query: "a{v=\'{{ Version }}\'}", max: 1',
        `${AT}.query: found {{ Version }}, ${placeholder}`,
      ],
    ],
    metrics,
  )
  t.end()
})

t.test('a query that cannot tell the variants apart is warned about', (t) => {
  const rest = 'errors: { kind: error-rate, maxIncrease: 0% }'
  const query = (text: string) =>
    `x: { kind: prometheus, url: "http://p", query: "${text}", max: 1 }`
  t.match(warningsOf(rollout(`${rest}, ${query('up')}`)), [
    /metrics.x.query: names neither {{version}} nor {{variant}}: it cannot tell the canary/,
  ])
  t.same(warningsOf(rollout(`${rest}, ${query('a{{{variant}}}')}`)), [])
  t.end()
})

/** So that slow answers are seen: a limit proves nothing. */
const LATE = 'late: { kind: latency, quantile: 0.99, max: 1s }'

t.test(
  'thresholds that fail by chance, and rollouts that rest on them alone, are warned about',
  (t) => {
    const by = (change: string, kind = 'latency, quantile: 0.9') =>
      warningsOf(rollout(`x: { kind: ${kind}, method: threshold, ${change} }, ${LATE}, ${QUALITY}`))
    t.match(by('maxIncrease: 0%'), [
      /x.maxIncrease: is 0: an equal canary fails about every second/,
    ])
    t.match(by('maxIncrease: 0'), [/x.maxIncrease: is 0/])
    t.match(by('maxDecrease: 0%', 'accuracy, labelWindow: 1m'), [/x.maxDecrease: is 0/])
    t.same(by('maxIncrease: 5%'), [])
    t.same(by('maxIncrease: 0%', 'error-rate'), [], 'it has its floor')
    t.same(by('max: 1s'), [])
    const alone = /analysis.metrics: only thresholds decide: nothing is proved before 100 %/
    const counted = QUALITY.replace('}', ', method: threshold }')
    t.match(warningsOf(rollout(`${LATE}, ${counted}`)), [alone])
    t.same(warningsOf(rollout(`${QUALITY}, x: { ${HTTP}, max: 1 }`)), [])
    t.end()
  },
)

t.test('the running configuration shows no secret of a metric', (t) => {
  const config = configOf(rollout(`x: { ${HTTP}, max: 1, secret: top }, y: { ${HTTP}, max: 1 }`))
  const [first, second] = redactConfig(config).services[0]!.rollout!.analysis.metrics
  t.match(first, { secret: '(hidden)' })
  t.match(second, { secret: null })
  t.notMatch(JSON.stringify(redactConfig(config)), 'top')
  // Neither where nothing is drawn any more, and the metrics wait for the next rollout.
  const idle = configOf(
    file({ service: `    analysis: { metrics: { x: { ${HTTP}, max: 1, secret: top } } }` }),
  )
  t.match(redactConfig(idle).services[0]!.shown, [{ secret: '(hidden)' }])
  t.end()
})

t.test('the headers of a provider frame nothing, and are no second credential', (t) => {
  const checked = (headers: string) => `${HTTP}, max: 1, headers: ${headers}`
  checkCases(
    t,
    [
      [checked('{ X-API-Key: "${KEY:-k}", cookie: "a=b" }')],
      [`${PROMETHEUS}, max: 1, headers: { authorization: "Basic dTpw" }`],
      [
        `${checked('{ authorization: "Basic dTpw" }')}, secret: s`,
        `${AT}.headers: found authorization together with secret, which is sent there: one of them`,
      ],
      ...['Host', 'content-length', 'transfer-encoding', 'Connection'].map(
        (name): [string, string] => [
          checked(`{ ${name}: x }`),
          `${AT}.headers.${name}: ${name.toLowerCase()} frames the request: serin writes it itself`,
        ],
      ),
      [checked('{ a: x, A: y }'), `${AT}.headers.A: found a twice`],
      [
        checked('{ a: "x\\ny" }'),
        `${AT}.headers.a: found (hidden), allowed is the value of a header, best as "\${ENV}"`,
      ],
      [
        checked('{ a: "" }'),
        `${AT}.headers.a: found (hidden), allowed is the value of a header, best as "\${ENV}"`,
      ],
    ],
    metrics,
  )
  t.end()
})
