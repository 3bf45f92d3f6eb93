import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  startCannedUpstream,
  startUpstream,
  type FakeUpstream,
  type SeenRequest,
} from './fake-upstream.ts'
import {
  serviceWith,
  startGateway,
  variantAt,
  type TestGateway,
  type TestGatewayOptions,
} from './start-gateway.ts'

/** What of a tap test is needed to clean up after it. */
export type Cleanup = { readonly teardown: (fn: () => unknown) => void }

/** A gateway with one service at `/m/*`, and an upstream that keeps every byte that it is sent. */
export type Witness = {
  readonly gateway: TestGateway
  readonly port: number
  readonly upstream: FakeUpstream
  /** All that came to the upstream since the last `forget`, as latin1. */
  readonly received: () => string
  /** Connections to the upstream so far. */
  readonly connections: () => number
  readonly forget: () => void
}

/** Starts both, and stops them with the test. The upstream answers `ok` unless told otherwise. */
export async function startWitness(
  t: Cleanup,
  options: TestGatewayOptions = {},
  answer: (req: IncomingMessage, res: ServerResponse, seen: SeenRequest) => void = (_req, res) =>
    res.end('ok'),
): Promise<Witness> {
  let received = ''
  let connections = 0
  const upstream = await startUpstream(answer)
  upstream.server.on('connection', (socket) => {
    connections++
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
    })
  })
  const gateway = await startGateway(
    [serviceWith([variantAt('baseline', upstream.origin)])],
    options,
  )
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  return {
    gateway,
    port: gateway.port,
    upstream,
    received: () => received,
    connections: () => connections,
    forget: () => {
      received = ''
      upstream.seen.length = 0
    },
  }
}

/** Starts a gateway whose upstream answers every connection with these bytes, and stops it with the test. */
export async function startCanned(
  t: Cleanup,
  bytes: string | Buffer,
  keepOpen = false,
): Promise<TestGateway> {
  const upstream = await startCannedUpstream(bytes, keepOpen)
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  return gateway
}

/** A request without a body on a connection that is used once. */
export function get(path: string, lines: readonly string[] = []): string {
  return [`GET ${path} HTTP/1.1`, 'Host: a', 'Connection: close', ...lines, '', ''].join('\r\n')
}

/** A request with these lines and this body, on a connection that stays open. */
export function post(lines: readonly string[], body = ''): string {
  return ['POST /m/x HTTP/1.1', 'Host: a', ...lines, '', body].join('\r\n')
}

/** The statuses of all answers in a text, of 1xx ones too. */
export function statusesIn(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
}

/** A promise and what fulfils it. */
export function signal<T = void>() {
  let fire: (value: T) => void = () => {}
  const promise = new Promise<T>((resolve) => (fire = resolve))
  return { promise, fire }
}
