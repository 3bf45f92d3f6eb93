import t from 'tap'
import { redactConfig } from '../../src/config/redact.ts'
import { configOf, file } from './problems-of.ts'
import { PLAIN_VARIANT } from '../support/plain-variant.ts'

t.test('what is left out has the documented default', (t) => {
  const config = configOf(
    file({
      service: `    observe: { prediction: body:/p }
    rollout: { steps: [ { weight: 5% }, { pause: {} }, { weight: 100% } ] }
    analysis:
      metrics:
        errors: { kind: error-rate, maxIncrease: 0% }
        latency: { kind: latency, quantile: 0.95, maxIncrease: 10% }
        rmse: { kind: rmse, maxIncrease: 5%, labelWindow: 10m }`,
    }),
  )
  const common = { onFailure: 'rollback', mode: 'decide' }
  t.same(config, {
    file: '/etc/serin/f',
    hash: config.hash,
    written: config.written,
    gateway: {
      listen: { host: '127.0.0.1', port: 0 },
      workers: 1,
      tls: null,
      trustedProxies: [],
      healthPath: '/-/ready',
      variantHeader: true,
      limits: { bodyBytes: 64 * 1024 ** 2, headerBytes: 16 * 1024, inFlight: 4096 },
      drain: { waitMs: 5000, deadlineMs: 30_000, streamsMs: 300_000 },
      accessSample: 0.01,
    },
    admin: { listen: { host: '127.0.0.1', port: 9090 }, tokens: [] },
    store: { engine: 'lmdb', path: '/etc/serin/data' },
    lastWeights: '/etc/serin/data/last-weights.json',
    feedback: { maxPending: 2_000_000, maxBytes: 2 * 1024 ** 3, retentionMs: 7 * 86_400_000 },
    passthrough: null,
    services: [
      {
        name: 'm',
        match: { path: '/m', methods: null, host: null },
        idempotent: false,
        variants: ['baseline', 'canary'].map((name, i) => ({
          name,
          version: String(i + 1),
          upstreams: [`http://127.0.0.1:${i + 1}`],
          ...PLAIN_VARIANT,
          timeout: {
            connectMs: 1000,
            firstByteMs: 30_000,
            idleMs: 60_000,
            totalMs: null,
            keepAliveMs: null,
          },
        })),
        split: { key: null, rules: [], weightsBp: {}, override: null },
        observe: {
          requestIdHeader: 'x-request-id',
          prediction: '/p',
          sample: 1,
          numbers: [],
          awaitsEvents: false,
        },
        mirrors: [],
        failureStatuses: null,
        notify: [],
        rollout: {
          strategy: 'canary',
          start: 'auto',
          steps: [
            { kind: 'weight', weightBp: 500, minDurationMs: 60_000, minRequests: 1000 },
            { kind: 'pause', durationMs: null },
            { kind: 'weight', weightBp: 10_000, minDurationMs: 60_000, minRequests: 1000 },
          ],
          maxDurationMs: 86_400_000,
          onInconclusive: 'hold',
          watchMs: 1_800_000,
          holdbackBp: 0,
          cooldownMs: 3_600_000,
          fallback: false,
          analysis: {
            intervalMs: 2000,
            warmUpMs: 30_000,
            alphaRollback: 0.05,
            alphaPromote: 0.05,
            breakerFailures: 0.5,
            metrics: [
              {
                ...{ name: 'errors', kind: 'error-rate', ...common },
                ...{
                  better: 'lower',
                  maxChange: 0,
                  sensitivity: 0.5,
                  floor: 0.001,
                  max: null,
                  min: null,
                },
              },
              {
                ...{ name: 'latency', kind: 'latency', ...common },
                ...{ quantile: 0.95, maxChange: 0.1, sensitivity: 0.1, max: null, min: null },
                better: 'lower',
              },
              {
                ...{ name: 'rmse', kind: 'rmse', ...common, maxChange: 0.05, sensitivity: 0.05 },
                ...{
                  better: 'lower',
                  max: null,
                  min: null,
                  cap: null,
                  labelWindowMs: 600_000,
                  minLabels: 300,
                },
              },
            ],
          },
        },
      },
    ],
  })
  t.end()
})

t.test('what is written is taken over, with units resolved', (t) => {
  const text = `version: 1
gateway:
  listen: "[::1]:8080"
  tls: { cert: tls/cert.pem, key: /run/key.pem }
  trustedProxies: [10.0.0.0/8]
  health: /up
  variantHeader: false
  limits: { body: 1KiB, header: 512B, inFlight: 1 }
  drain: { wait: 0, deadline: 1s, streams: 2m }
  log: { access: { sample: 0 } }
admin:
  listen: 0.0.0.0:9091
  tokens: [ { name: ops, token: "0123456789abcdef", scopes: [read, feedback], services: [b], expires: 2027-06-30 } ]
store: lmdb:/var/lib/serin
feedback: { maxPending: 5, maxBytes: 1MiB, retention: 1d }
passthrough: http://h:80
services:
  b:
    match: { path: "/b/*", methods: [post], host: Models.Example }
    idempotent: true
    variants:
      third: { version: "3", upstreams: ["https://h:443"] }
      canary: { version: "2", upstreams: ["https://h:2", "https://h:3"], path: "/c/*", timeout: { connect: 1ms, firstByte: 2s, idle: 3m, total: 4h, keepAlive: 20s }, health: { path: /up, interval: 1s }, maxInFlight: 9, queue: { max: 5, timeout: 1s }, tls: { ca: ca.pem, servername: model }, eject: { base: 1s }, slowStart: 30s }
      baseline: { version: "1", upstreams: ["http://h:1"] }
    split:
      key: cookie:Session
      rules:
        - { when: { "header:X-A": [a, 1, true], ip: { prefix: "10." } }, variant: third }
        - { when: { "query:age": { gte: 18, lt: 30 }, "body:/n": { gt: 0, lte: 1 } }, weights: { canary: 12.34%, baseline: 87.66% } }
      override: { header: X-Serin-Variant, secret: sixteen--letters }
    mirror: [ { to: third, share: 12.5%, maxBody: 2KiB, tolerance: 0 }, { to: canary } ]
    observe: { requestId: header:X-Id, prediction: body:/a/0 }
    errors: { statuses: [500, 429], streamError: body:/error }
    rollout:
      start: manual
      steps: [ { weight: 1%, minDuration: 0, minRequests: 7 }, { pause: 10m }, { weight: 100% } ]
      maxDuration: 1h
      onInconclusive: rollback
      watch: 0
      cooldown: 0s
    analysis:
      interval: 250ms
      warmUp: 0
      minRequests: 5
      alpha: { rollback: 0.01, promote: 0.02 }
      breaker: { failures: 25% }
      metrics:
        e: { kind: error-rate, max: 5%, maxIncrease: 10%, sensitivity: 20%, floor: 0, onFailure: pause, mode: report }
        l: { kind: latency, quantile: 0.5, max: 500ms, sensitivity: 3%, onFailure: warn, until: first-byte }
        r: { kind: rmse, max: 2.5, cap: 9, labelWindow: 2s, minLabels: 1, sensitivity: 4% }
  a:
    match: { path: /a }
    variants:
      baseline: { version: "1", upstreams: ["http://h:1"] }
      canary: { version: "2", upstreams: ["http://h:2"] }
    split: { weights: { canary: 10%, baseline: 90% } }
`
  const config = configOf(text)
  t.same(config.gateway, {
    listen: { host: '::1', port: 8080 },
    workers: 1,
    tls: { cert: '/etc/serin/tls/cert.pem', key: '/run/key.pem' },
    trustedProxies: ['10.0.0.0/8'],
    healthPath: '/up',
    variantHeader: false,
    limits: { bodyBytes: 1024, headerBytes: 512, inFlight: 1 },
    drain: { waitMs: 0, deadlineMs: 1000, streamsMs: 120_000 },
    accessSample: 0,
  })
  t.same(config.admin.tokens, [
    {
      name: 'ops',
      token: '0123456789abcdef',
      scopes: ['read', 'feedback'],
      services: ['b'],
      expiresAt: Date.UTC(2027, 6, 1),
    },
  ])
  t.same(config.store, { engine: 'lmdb', path: '/var/lib/serin' })
  t.same(config.feedback, { maxPending: 5, maxBytes: 1024 ** 2, retentionMs: 86_400_000 })
  t.equal(config.passthrough, 'http://h')
  t.same(
    config.services.map(({ name }) => name),
    ['b', 'a'],
    'in the order of the file',
  )

  const { rollout, ...service } = config.services[0]!
  t.same(service, {
    name: 'b',
    match: { path: '/b/*', methods: ['POST'], host: 'models.example' },
    idempotent: true,
    variants: [
      {
        ...{ name: 'baseline', version: '1', upstreams: ['http://h:1'], ...PLAIN_VARIANT },
        timeout: {
          connectMs: 1000,
          firstByteMs: 30_000,
          idleMs: 60_000,
          totalMs: null,
          keepAliveMs: null,
        },
      },
      {
        ...{
          name: 'canary',
          version: '2',
          upstreams: ['https://h:2', 'https://h:3'],
          path: '/c/*',
        },
        timeout: {
          connectMs: 1,
          firstByteMs: 2000,
          idleMs: 180_000,
          totalMs: 14_400_000,
          keepAliveMs: 20_000,
        },
        health: { path: '/up', intervalMs: 1000, unhealthyAfter: 3, healthyAfter: 2 },
        maxInFlight: 9,
        queue: { max: 5, timeoutMs: 1000 },
        tls: { ca: '/etc/serin/ca.pem', cert: null, key: null, servername: 'model' },
        eject: { consecutiveFailures: 5, baseMs: 1000, maxMs: 300_000 },
        slowStartMs: 30_000,
      },
      {
        ...{ name: 'third', version: '3', upstreams: ['https://h'], ...PLAIN_VARIANT },
        timeout: {
          connectMs: 1000,
          firstByteMs: 30_000,
          idleMs: 60_000,
          totalMs: null,
          keepAliveMs: null,
        },
      },
    ],
    split: {
      key: { from: 'cookie', name: 'Session' },
      rules: [
        {
          when: [
            { field: { from: 'header', name: 'x-a' }, test: 'in', values: ['a', '1', 'true'] },
            { field: { from: 'ip' }, test: 'prefix', prefix: '10.' },
          ],
          then: { variant: 'third' },
        },
        {
          when: [
            {
              field: { from: 'query', name: 'age' },
              ...{ test: 'range', gte: 18, gt: null, lt: 30, lte: null },
            },
            {
              field: { from: 'body', pointer: '/n' },
              ...{ test: 'range', gte: null, gt: 0, lt: null, lte: 1 },
            },
          ],
          then: { weightsBp: { canary: 1234 } },
        },
      ],
      weightsBp: {},
      override: { header: 'x-serin-variant', secret: 'sixteen--letters' },
    },
    observe: {
      requestIdHeader: 'x-id',
      prediction: '/a/0',
      sample: 1,
      numbers: [],
      awaitsEvents: false,
    },
    mirrors: [
      { to: 'third', share: 0.125, maxBytes: 2048, tolerance: 0 },
      { to: 'canary', share: 1, maxBytes: 1_048_576, tolerance: 0.01 },
    ],
    failureStatuses: [500, 429],
    streamError: '/error',
    notify: [],
  })
  t.same(rollout, {
    strategy: 'canary',
    start: 'manual',
    steps: [
      { kind: 'weight', weightBp: 100, minDurationMs: 0, minRequests: 7 },
      { kind: 'pause', durationMs: 600_000 },
      { kind: 'weight', weightBp: 10_000, minDurationMs: 60_000, minRequests: 5 },
    ],
    maxDurationMs: 3_600_000,
    onInconclusive: 'rollback',
    watchMs: 0,
    holdbackBp: 0,
    cooldownMs: 0,
    fallback: false,
    analysis: {
      ...{ intervalMs: 250, warmUpMs: 0, alphaRollback: 0.01, alphaPromote: 0.02 },
      breakerFailures: 0.25,
      metrics: [
        {
          ...{ name: 'e', kind: 'error-rate', onFailure: 'pause', mode: 'report' },
          ...{ better: 'lower', max: 0.05, min: null, maxChange: 0.1, sensitivity: 0.2, floor: 0 },
        },
        {
          ...{ name: 'l', kind: 'latency', onFailure: 'warn', mode: 'decide' },
          ...{ quantile: 0.5, until: 'first-byte' as const },
          ...{ max: 500, maxChange: null, sensitivity: 0.03 },
          ...{ better: 'lower', min: null },
        },
        {
          ...{ name: 'r', kind: 'rmse', onFailure: 'rollback', mode: 'decide' },
          ...{ better: 'lower', max: 2.5, min: null, cap: 9, maxChange: null, sensitivity: 0.04 },
          ...{ labelWindowMs: 2000, minLabels: 1 },
        },
      ],
    },
  })
  t.same(config.services[1]!.split.weightsBp, { canary: 1000 }, 'the baseline has the rest')
  t.equal(config.services[1]!.rollout, null)
  t.end()
})

t.test('a relative store starts at the folder of the file', (t) => {
  const text = file({ top: 'store: lmdb:../state' })
  t.match(configOf(text, {}, '/etc/serin/serin.yaml').store, { path: '/etc/state' })
  const path = `${process.cwd().replace(/\/[^/]*$/, '')}/state`
  t.strictSame(configOf(text, {}, null).store, { engine: 'lmdb', path })
  t.end()
})

t.test('the hash follows what is decided, not how it is written', (t) => {
  const hash = (text: string, path = '/a/f') => configOf(text, {}, path).hash
  const text = file({
    service: '    split: { override: { header: x, secret: aaaa-0123456789ab } }',
  })
  t.match(hash(text), /^[0-9a-f]{12}$/)
  t.equal(hash(text), hash(`# comment\n${text.replace('path: /m', "path: '/m'")}`))
  t.equal(hash(text), hash(text, '/a/g'), 'the name of the file does not matter')
  t.not(hash(text), hash(text.replace('"2"', '"3"')))
  t.not(hash(text), hash(text.replace('aaaa', 'bbbb')), 'a changed secret is a change')
  t.end()
})

t.test('the redacted configuration holds no secret', (t) => {
  const text = file({
    top: 'admin: { tokens: [ { name: ops, token: hidden-0123456789, scopes: [read] } ] }',
    service: `    split: { override: { header: x, secret: hidden-9876543210 } }
    rollout: { steps: [{ weight: 10% }, { weight: 100% }] }
    analysis:
      metrics:
        score: { kind: http, url: 'https://h:1/\${KEY}/score?api_key=\${KEY}', headers: { X-Key: '\${KEY}' }, max: 1 }
        gpu: { kind: prometheus, url: 'http://p:9090', query: 'a{v="{{version}}"}', max: 1 }`,
  })
  const config = configOf(text, { KEY: 'hidden-1111111111' })
  const redacted = redactConfig(config)
  t.notMatch(JSON.stringify(redacted), /hidden-/)
  t.match(redacted.admin.tokens, [{ name: 'ops', token: '(hidden)', scopes: ['read'] }])
  t.match(redacted.services[0]!.split.override, { header: 'x', secret: '(hidden)' })
  t.match(redacted.services[0]!.rollout!.analysis.metrics, [
    { url: 'https://h:1/(hidden)', secret: null, headers: { 'x-key': '(hidden)' } },
    { url: 'http://p:9090', headers: {} },
  ])
  t.equal(redacted.hash, config.hash)
  const { written: _, ...open } = configOf(file())
  t.same(redactConfig(configOf(file())), open, 'nothing to hide, nothing changed')
  t.match(config.admin.tokens[0]!.token, /hidden-/, 'the original is as it was')
  t.end()
})
