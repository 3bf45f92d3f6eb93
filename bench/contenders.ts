import { fileURLToPath } from 'node:url'
import { nginxProxyConfig } from './nginx-config.ts'

/** Where a contender listens, where it forwards to, the project, and a folder of its own for what it writes. */
export type Place = {
  readonly root: string
  readonly port: number
  readonly upstreamPort: number
  readonly scratch: string
}

/** Something that forwards requests, as data: how one process of it is started. */
export type Contender = {
  readonly name: string
  readonly description: string
  readonly start: (place: Place) => {
    readonly command: readonly [string, ...string[]]
    readonly env?: Readonly<Record<string, string>>
    /** Written into the scratch folder first, by file name. */
    readonly files?: Readonly<Record<string, string>>
  }
  /** A header that every answer must have: proof that the features under test are really on. */
  readonly marker: string | null
}

/** The one that all others are compared with. */
export const FLOOR = 'floor'

/** In the order of the report; a run takes them in turns. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: FLOOR,
    description: 'node:http and undici dispatch, no features',
    start: (place) => ({ command: node('floor.js', place) }),
    marker: null,
  },
  {
    name: 'serin',
    description: 'sticky key, a rule, metrics, evaluator with a rollout at 50 %, 1 % access log',
    start: ({ root, port, upstreamPort, scratch }) => ({
      command: [
        process.execPath,
        `${root}/dist/main.js`,
        'serve',
        '-c',
        `${root}/bench/contenders/serin.yaml`,
      ],
      env: {
        BENCH_PORT: String(port),
        BENCH_UPSTREAM_PORT: String(upstreamPort),
        BENCH_STORE: `${scratch}/data`,
      },
    }),
    marker: 'x-serin-variant',
  },
  {
    name: '@fastify/http-proxy',
    description: 'stock, with retries off, pipelining 1, logs off',
    start: (place) => ({ command: node('http-proxy.js', place) }),
    marker: null,
  },
  {
    name: 'nginx',
    description: "Debian's, one worker, upstream keep-alive, no access log",
    start: (place) => ({
      command: ['nginx', '-p', place.scratch, '-c', `${place.scratch}/nginx.conf`],
      files: { 'nginx.conf': nginxProxyConfig(place.port, place.upstreamPort) },
    }),
    marker: null,
  },
]

function node(script: string, { port, upstreamPort }: Place): [string, ...string[]] {
  const file = fileURLToPath(new URL(`./contenders/${script}`, import.meta.url))
  return [process.execPath, file, String(port), String(upstreamPort)]
}
