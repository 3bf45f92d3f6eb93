import { stringify } from 'yaml'
import type { DemoPace } from './scenario.ts'

/** Where a service's two model servers listen. */
export type DemoUpstreams = {
  readonly service: string
  readonly baselinePort: number
  readonly canaryPort: number
}

/** What the demo's configuration is written from. */
export type DemoConfigInput = {
  readonly dataPort: number
  readonly adminPort: number
  readonly storeFolder: string
  readonly upstreams: readonly DemoUpstreams[]
  readonly pace: DemoPace
}

/** Errors beyond this (in mpg) count as this much: bounds how far one label can move the evidence. */
const ERROR_CAP = 20

/**
 * Writes the demo's configuration file: the YAML that any user of serin writes, with waiting times
 * short enough to watch. Nothing in it tells the gateway which canary is good.
 */
export function buildDemoConfig(input: DemoConfigInput): string {
  const services = input.upstreams.map((upstream) => [
    upstream.service,
    buildService(upstream, input.pace),
  ])
  const document = {
    version: 1,
    gateway: {
      listen: `127.0.0.1:${input.dataPort}`,
      drain: { wait: '0s', deadline: '2s', streams: '2s' },
    },
    admin: { listen: `127.0.0.1:${input.adminPort}` },
    store: `lmdb:${input.storeFolder}`,
    services: Object.fromEntries(services) as unknown,
  }
  return `# Written by \`serin demo\`. Times are short so that it can be watched.\n${stringify(document)}`
}

function buildService(upstream: DemoUpstreams, pace: DemoPace): unknown {
  const minDuration = `${pace.stepSeconds}s`
  return {
    match: { path: `/v2/models/${upstream.service}/*` },
    idempotent: true,
    variants: {
      baseline: { version: '1.4', upstreams: [`http://127.0.0.1:${upstream.baselinePort}`] },
      canary: { version: '2.0', upstreams: [`http://127.0.0.1:${upstream.canaryPort}`] },
    },
    split: {
      key: 'header:x-user-id',
      rules: [{ when: { 'body:/parameters/card_tier': ['platinum'] }, variant: 'baseline' }],
    },
    observe: { requestId: 'header:x-request-id', prediction: 'body:/outputs/0/data/0' },
    rollout: {
      steps: [
        { weight: '5%', minDuration },
        { weight: '20%', minDuration },
        { weight: '50%', minDuration },
        { weight: '100%' },
      ],
      maxDuration: '10m',
      watch: `${pace.watchSeconds}s`,
    },
    analysis: {
      interval: '1s',
      warmUp: '2s',
      minRequests: pace.minRequests,
      metrics: {
        errors: { kind: 'error-rate', maxIncrease: '0%', floor: '2%', max: '20%' },
        latency: { kind: 'latency', quantile: 0.95, max: '1s' },
        rmse: {
          kind: 'rmse',
          maxIncrease: '5%',
          labelWindow: '2s',
          minLabels: pace.minRequests,
          cap: ERROR_CAP,
        },
      },
    },
  }
}
