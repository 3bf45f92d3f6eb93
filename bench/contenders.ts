import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { multiplyServices } from './multiply-services.ts'
import { caddyConfig, haproxyConfig, nginxProxyConfig } from './server-configs.ts'
import type { Work } from './works.ts'

/** What can be measured: see `measure/`. */
export type Measure = 'cost' | 'latency' | 'services' | 'workers' | 'streams' | 'memory'

/** Where a contender listens, where it forwards to, the project, and a folder of its own for what it writes. */
export type Place = {
  readonly root: string
  readonly port: number
  readonly adminPort: number
  readonly upstreamPort: number
  readonly scratch: string
  readonly work: Work
}

/** How one process of a contender is started. */
export type Start = {
  readonly command: readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
  /** Written into the scratch folder first, by file name. */
  readonly files?: Readonly<Record<string, string>>
}

/** Something that forwards requests, as data. */
export type Contender = {
  readonly name: string
  readonly description: string
  readonly start: (place: Place) => Start
  /** What it takes part in unless `--only` says otherwise. */
  readonly measures: readonly Measure[]
  /** A header that every answer must have: proof that the features under test are really on. */
  readonly marker?: string
  /** Program that must be installed. */
  readonly program?: string
  /** Services that the requests are spread over; 1 when absent. */
  readonly services?: number
  /** Processes that share its port; 1 when absent. */
  readonly workers?: number
  /** It may use the core of the load and the upstream as well as its own. */
  readonly onBothCores?: boolean
  /** During each burst it gets the labels of the requests of its burst before, over the admin port. */
  readonly labels?: boolean
}

/** The one that all others are compared with. */
export const FLOOR = 'floor'

/** In the order of the report; a run takes them in turns. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: FLOOR,
    description: 'node:http and undici dispatch, no features',
    start: node('floor.js'),
    measures: ['cost', 'latency', 'services', 'workers', 'streams', 'memory'],
  },
  {
    name: 'serin',
    description: 'sticky key, a rule, metrics, evaluator with a rollout at 50 %, 1 % access log',
    ...serin('serin.yaml'),
    measures: ['cost', 'latency', 'services', 'workers', 'streams', 'memory'],
  },
  {
    name: 'serin-plain',
    description: 'one baseline, nothing else',
    ...serin('serin-plain.yaml'),
    measures: ['cost', 'latency'],
  },
  {
    name: 'serin-body-key',
    description: 'as serin, with the key in the JSON body',
    ...serin('serin-body-key.yaml'),
    measures: ['cost', 'latency'],
  },
  {
    name: 'serin-observe',
    description: 'as serin, with predictions read and labels joined during the run',
    ...serin('serin-observe.yaml'),
    labels: true,
    measures: ['cost', 'latency', 'memory'],
  },
  {
    name: 'serin-large-pages',
    description: "as serin, with Node's own code on pages of 2 MiB",
    ...serin('serin.yaml', 1, 1, ['--use-largepages=silent']),
    measures: ['cost', 'memory'],
  },
  {
    name: 'serin-mirror',
    description: 'as serin, with every request copied to a third variant, and answers compared',
    ...serin('serin-mirror.yaml'),
    measures: ['cost', 'latency', 'memory'],
  },
  ...[100, 1000].map((services): Contender => {
    return {
      name: `serin-${services}-services`,
      description: `as serin, with ${services} services that the requests are spread over`,
      ...serin('serin.yaml', services),
      services,
      measures: ['services'],
    }
  }),
  {
    name: 'serin-2-cores',
    description: 'as serin, with one worker that may use both cores',
    ...serin('serin.yaml'),
    onBothCores: true,
    measures: ['workers'],
  },
  {
    name: 'serin-2-workers',
    description: 'as serin, with two workers on both cores',
    ...serin('serin.yaml', 1, 2),
    workers: 2,
    onBothCores: true,
    measures: ['workers'],
  },
  {
    name: 'serin-2-workers-1-core',
    description: 'as serin, with two workers on its one core',
    ...serin('serin.yaml', 1, 2),
    workers: 2,
    measures: ['workers'],
  },
  {
    name: '@fastify/http-proxy',
    description: 'stock, with retries off, pipelining 1, logs off',
    start: node('fastify-http-proxy.js'),
    measures: ['cost', 'latency', 'streams'],
  },
  {
    name: 'http-proxy-3',
    description: 'stock, with a keep-alive agent',
    start: node('http-proxy-3.js'),
    measures: ['cost', 'latency', 'streams'],
  },
  {
    name: 'fast-proxy',
    description: 'stock, which has a keep-alive agent',
    start: node('fast-proxy.js'),
    measures: ['cost', 'latency', 'streams'],
  },
  {
    name: 'raw-client',
    description: 'an experiment: the floor with a hand-made client that reads little of HTTP',
    start: node('raw-client.js'),
    measures: ['cost', 'latency'],
  },
  {
    name: 'nginx',
    description: "Debian's, one worker, upstream keep-alive, no access log",
    program: 'nginx',
    start: (place) => ({
      command: ['nginx', '-p', place.scratch, '-c', `${place.scratch}/nginx.conf`],
      files: { 'nginx.conf': nginxProxyConfig(place) },
    }),
    measures: ['cost', 'latency', 'streams'],
  },
  {
    name: 'haproxy',
    description: "Debian's, one thread, connections reused by all, no logs",
    program: 'haproxy',
    start: (place) => ({
      command: ['haproxy', '-db', '-f', `${place.scratch}/haproxy.cfg`],
      files: { 'haproxy.cfg': haproxyConfig(place) },
    }),
    measures: ['cost', 'latency', 'streams'],
  },
  {
    name: 'caddy',
    description: "Debian's, GOMAXPROCS=1, no access log",
    program: 'caddy',
    start: (place) => ({
      command: ['caddy', 'run', '--config', `${place.scratch}/Caddyfile`, '--adapter', 'caddyfile'],
      env: { GOMAXPROCS: '1', HOME: place.scratch, XDG_DATA_HOME: place.scratch },
      files: { Caddyfile: caddyConfig(place) },
    }),
    measures: ['cost', 'latency', 'streams'],
  },
]

function node(script: string): (place: Place) => Start {
  const file = fileURLToPath(new URL(`./contenders/${script}`, import.meta.url))
  return ({ port, upstreamPort, work }) => ({
    command: [
      process.execPath,
      file,
      String(port),
      String(upstreamPort),
      String(work.upstreamConnections),
    ],
  })
}

function serin(
  file: string,
  services = 1,
  workers = 1,
  flags: readonly string[] = [],
): Pick<Contender, 'start' | 'marker'> {
  return {
    marker: 'x-serin-variant',
    start: ({ root, port, adminPort, upstreamPort, scratch }) => ({
      command: [
        process.execPath,
        ...flags,
        ...[`${root}/dist/main.js`, 'serve', '-c', `${scratch}/serin.yaml`],
      ],
      env: {
        BENCH_PORT: String(port),
        BENCH_ADMIN_PORT: String(adminPort),
        BENCH_UPSTREAM_PORT: String(upstreamPort),
        BENCH_STORE: `${scratch}/data`,
        BENCH_WORKERS: String(workers),
      },
      files: {
        'serin.yaml': multiplyServices(
          readFileSync(`${root}/bench/contenders/${file}`, 'utf8'),
          services,
        ),
      },
    }),
  }
}
