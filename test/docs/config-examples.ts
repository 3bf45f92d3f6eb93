import { parse, stringify } from 'yaml'

/** An example of a section: valid where it stands, in a service that has the rest (`beside`) as well. */
export type ConfigExample = { readonly yaml: string; readonly beside?: string }

const STEPS = 'rollout: { steps: [{ weight: 10% }, { weight: 100% }] }'
const OBSERVED = `${STEPS}\nobserve: { prediction: 'body:/outputs/0/data/0' }`

/** By the title of the section. */
export const CONFIG_EXAMPLES: Readonly<Record<string, ConfigExample>> = {
  'The file': {
    yaml: `
version: 1
gateway: { listen: 0.0.0.0:8080 }
admin: { listen: 127.0.0.1:9090 }
store: lmdb:/var/lib/serin
lastWeights: /var/lib/serin/last-weights.json
feedback: { retention: 7d }
passthrough: http://10.0.0.1:8000
services:
  credit-risk:
    match: { path: /v2/models/credit-risk/* }
    variants:
      baseline: { version: '1.4', upstreams: ['http://10.0.0.1:8000'] }
      canary: { version: '2.0', upstreams: ['http://10.0.0.2:8000'] }
    rollout: { steps: [{ weight: 10% }, { weight: 100% }] }
`,
  },
  gateway: {
    yaml: `
gateway:
  listen: 0.0.0.0:8443
  workers: 1
  tls: { cert: /etc/serin/tls.crt, key: /etc/serin/tls.key }
  trustedProxies: [10.0.0.0/8]
  health: /-/ready
  variantHeader: true
  limits: { body: 64MiB, header: 16KiB, inFlight: 4096 }
  drain: { wait: 5s, deadline: 30s, streams: 5m }
  log: { access: { sample: 1% } }
`,
  },
  admin: {
    yaml: `
admin:
  listen: 0.0.0.0:9090
  tokens:
    - { name: ops, token: '\${SERIN_OPERATOR_TOKEN}', scopes: [read, operate], expires: 2027-06-30 }
    - { name: labels, token: '\${SERIN_FEEDBACK_TOKEN}', scopes: [feedback], services: [s] }
`,
  },
  feedback: { yaml: 'feedback:\n  maxPending: 2000000\n  maxBytes: 2GiB\n  retention: 7d' },
  'A service': {
    yaml: `
match: { path: /v2/models/credit-risk/*, methods: [POST], host: models.example.com }
idempotent: true
errors: { statuses: [429, 500, 502, 503, 504], streamError: body:/error }
variants:
  baseline: { version: '1.4', upstreams: ['http://10.0.0.1:8000'] }
  canary: { version: '2.0', upstreams: ['http://10.0.0.2:8000'] }
  shadow: { version: '3.0', upstreams: ['http://10.0.0.3:8000'] }
split: { key: header:x-user-id }
mirror: [{ to: shadow }]
observe: { prediction: 'body:/outputs/0/data/0' }
rollout: { steps: [{ weight: 10% }, { weight: 100% }] }
analysis: { metrics: { errors: { kind: error-rate, maxIncrease: 0% } } }
notify: [{ url: 'https://hooks.example.com/serin', on: [promoted, rolled-back] }]
`,
  },
  Variants: {
    yaml: `
variants:
  baseline: { version: '1.4', upstreams: ['http://10.0.0.1:8000'] }
  canary:
    version: '2.0'
    upstreams: ['https://10.0.0.2:8000', 'https://10.0.0.3:8000']
    path: /v2/models/credit-risk-v2/*
    timeout: { connect: 1s, firstByte: 10s, idle: 30s, total: 60s, keepAlive: 20s }
    health: { path: /v2/health/ready, interval: 5s, unhealthyAfter: 3, healthyAfter: 2 }
    maxInFlight: 256
    queue: { max: 512, timeout: 1s }
    tls:
      ca: /etc/serin/ca.crt
      cert: /etc/serin/client.crt
      key: /etc/serin/client.key
      servername: models.example.com
    eject: { consecutiveFailures: 5, base: 30s, max: 5m }
    slowStart: 30s
`,
  },
  Split: {
    yaml: `
split:
  key: header:x-user-id
  coin: hash
  rules:
    - { when: { 'body:/parameters/card_tier': [platinum] }, variant: baseline }
    - { when: { header:x-country: [NZ] }, weights: { canary: 50% } }
    - { when: { query:age: { gte: 18, lt: 30 } }, variant: canary }
    - { when: { query:score: { gt: 0.5, lte: 0.9 }, header:x-id: { prefix: eu- } }, variant: canary }
  weights: { canary: 10% }
  override: { header: x-serin-variant, secret: '\${SERIN_OVERRIDE_SECRET}' }
`,
  },
  Mirrors: {
    yaml: 'mirror:\n  - { to: canary, share: 10%, maxBody: 1MiB, tolerance: 0.01 }',
    beside: 'idempotent: true',
  },
  Observe: {
    yaml: `
observe:
  requestId: header:x-request-id
  prediction: body:/outputs/0/data/0
  sample: 100%
  segment: { from: 'body:/parameters/card_tier', values: [gold, platinum] }
`,
  },
  Rollout: {
    yaml: `
rollout:
  strategy: canary
  start: auto
  steps: [{ weight: 5% }, { weight: 20% }, { weight: 100% }]
  maxDuration: 24h
  onInconclusive: hold
  watch: 30m
  holdback: 5%
  cooldown: 1h
  fallback: baseline
`,
    beside: 'idempotent: true',
  },
  Steps: {
    yaml: `
rollout:
  steps:
    - { mirror: 100%, minRequests: 500, maxBody: 1MiB, tolerance: 0.01 }
    - { weight: 5% }
    - { pause: {} }
    - { weight: 50%, minDuration: 30m, minRequests: 2000 }
    - { pause: 10m }
    - { weight: 100% }
`,
    beside: 'idempotent: true',
  },
  Analysis: {
    yaml: `
analysis:
  interval: 2s
  warmUp: 30s
  minRequests: 1000
  alpha: { rollback: 0.05, promote: 0.05 }
  breaker: { failures: 50% }
  metrics:
    errors: { kind: error-rate, maxIncrease: 0% }
`,
    beside: STEPS,
  },
  Metrics: {
    yaml: `
analysis:
  metrics:
    errors: { kind: error-rate, maxIncrease: 5%, segments: true, onFailure: pause, mode: decide }
    slow:
      kind: latency
      quantile: 0.99
      max: 500ms
      method: threshold
      interval: 30s
      count: 10
      failureLimit: 2
      consecutiveErrorLimit: 4
      inconclusiveLimit: 1
      consecutiveSuccessLimit: 5
`,
    beside: `${STEPS}\nobserve: { segment: { from: header:x-country, values: [NZ] } }`,
  },
  'error-rate': {
    yaml: metric('{ kind: error-rate, maxIncrease: 0%, sensitivity: 50%, floor: 0.1%, max: 5% }'),
  },
  latency: {
    yaml: metric(
      '{ kind: latency, quantile: 0.95, until: first-byte, maxIncrease: 10%, sensitivity: 10%, max: 500ms }',
    ),
  },
  rmse: {
    yaml: metric(
      '{ kind: rmse, maxIncrease: 5%, sensitivity: 5%, max: 12, cap: 50, labelWindow: 10m, minLabels: 300 }',
    ),
  },
  mae: {
    yaml: metric(
      '{ kind: mae, maxIncrease: 5%, sensitivity: 5%, max: 8, cap: 50, labelWindow: 10m, minLabels: 300 }',
    ),
  },
  'log-loss': {
    yaml: metric(
      '{ kind: log-loss, maxIncrease: 5%, sensitivity: 5%, max: 0.7, cap: 5, labelWindow: 10m, minLabels: 300 }',
    ),
  },
  accuracy: {
    yaml: metric(
      '{ kind: accuracy, maxDecrease: 2%, sensitivity: 5%, min: 90%, labelWindow: 10m, minLabels: 300 }',
    ),
  },
  conversion: {
    yaml: metric(
      '{ kind: conversion, event: purchase, maxDecrease: 10%, sensitivity: 5%, better: higher, window: 30m, min: 1% }\n    complaints: { kind: conversion, event: complaint, maxIncrease: 10%, better: lower, floor: 0.1%, max: 5%, window: 1h }',
    ),
  },
  sum: {
    yaml: metric(
      '{ kind: sum, event: purchase, field: amount, better: higher, maxDecrease: 5%, sensitivity: 5%, cap: 500, window: 30m, min: 1 }\n    refunds: { kind: sum, event: refund, better: lower, maxIncrease: 5%, max: 9, cap: 500, window: 30m }',
    ),
  },
  mean: {
    yaml: metric(
      "{ kind: mean, of: 'body:/outputs/1/data/0', better: higher, maxDecrease: 5%, sensitivity: 5%, cap: 1, minLabels: 300, min: 0.2 }\n    tokens: { kind: mean, of: 'body:/usage/completion_tokens', window: 10m, better: lower, maxIncrease: 10% }\n    stars: { kind: mean, event: rating, field: stars, window: 1h, better: lower, maxIncrease: 5%, cap: 5, max: 4 }",
    ),
  },
  ratio: {
    yaml: metric(
      '{ kind: ratio, numerator: click, denominator: view, better: higher, maxDecrease: 5%, sensitivity: 5%, cap: 10, window: 10m, min: 0.01 }\n    bounces: { kind: ratio, numerator: bounce, denominator: view, better: lower, maxIncrease: 5%, window: 10m, max: 0.5 }',
    ),
  },
  disagreement: {
    yaml: metric('{ kind: disagreement, max: 2% }'),
    beside: `idempotent: true\nrollout: { steps: [{ mirror: 100% }, { weight: 10% }, { weight: 100% }] }`,
  },
  drift: { yaml: metric('{ kind: drift, of: prediction, onFailure: warn }') },
  prometheus: {
    yaml: metric(
      `{ kind: prometheus, url: 'http://prometheus:9090', query: 'avg(gpu_util{version="{{version}}"})', secret: '\${PROM_TOKEN}', headers: { x-scope-orgid: team-a }, max: 0.9, min: 0 }\n    share: { kind: prometheus, url: 'http://prometheus:9090', query: 'q{v="{{version}}"}', method: threshold, maxIncrease: 10% }\n    hits: { kind: prometheus, url: 'http://prometheus:9090', query: 'h{v="{{version}}"}', method: threshold, maxDecrease: 10% }`,
    ),
  },
  http: {
    yaml: metric(
      `{ kind: http, url: 'https://scores.example.com/{{variant}}', value: 'body:/score', secret: '\${SCORES_TOKEN}', headers: { x-api-key: '\${SCORES_TOKEN}' }, max: 5, min: 3 }\n    stars: { kind: http, url: 'https://scores.example.com/{{variant}}/stars', method: threshold, maxDecrease: 10%, interval: 1m }\n    cost: { kind: http, url: 'https://scores.example.com/{{variant}}/cost', method: threshold, maxIncrease: 10% }`,
    ),
  },
  Notify: {
    yaml: `
notify:
  - { url: 'https://hooks.example.com/serin', on: [promoted, rolled-back], secret: '\${HOOK_SECRET}' }
  - { url: 'https://hooks.slack.com/services/T0/B0/x', on: [paused], template: slack }
`,
    beside: STEPS,
  },
}

/** What stands beside the examples of metrics that say nothing else. */
export const BESIDE_METRICS = OBSERVED

/** Metrics of one kind: the first is named after it. */
function metric(text: string): string {
  const name = /kind: ([a-z-]+)/.exec(text)![1]!
  return stringify(parse(`analysis:\n  metrics:\n    ${name}: ${text}`))
}
