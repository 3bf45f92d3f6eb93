import type { Test } from 'tap'
import type { Service } from '../../../src/domain/service.ts'
import type { RawUpstream } from '../../support/fake-upstream.ts'
import { serviceWith, startGateway, timeouts, variantAt } from '../../support/start-gateway.ts'
import type { TestGateway } from '../../support/start-gateway.ts'
import { until } from '../../e2e/support/until.ts'
import { digestOf, startEchoUpstream, type EchoUpstream } from './echo-upstream.ts'
import { Nonces } from './nonce.ts'
import type { WholeRequest } from './read-requests.ts'
import { startSteadyClient } from './steady-client.ts'

/** A gateway under attack, with what watches it. */
export type Stage = {
  readonly gateway: TestGateway
  readonly nonces: Nonces
  /** Requests that may reach the echo upstream: call before they are sent. */
  readonly allow: (requests: readonly WholeRequest[]) => void
  /** Requests that reached it and were never sent; forgets what it has looked at. */
  readonly smuggled: () => readonly string[]
  /** Right answers of the well-behaved clients so far. */
  readonly answered: () => number
  /** Ends the well-behaved clients and looks for what is left over; gives what is wrong. */
  readonly finish: () => Promise<readonly string[]>
}

/** Well-behaved clients beside the attackers. */
const STEADY_CLIENTS = 3

/** No phase of an exchange takes longer. */
const PHASE_MS = 2_500

/** What is left over may last this long: some phases, on a busy machine. */
const REST_MS = 15_000

/** Of upstream connections: less than undici's own timeouts, which would tidy up after us. */
const UPSTREAM_REST_MS = 4_000

/** Longest time for a request's head; Node looks every two seconds. */
const HEAD_MS = 1_000

/**
 * Starts the data plane with short limits: `/m/*` at `attacked` (null = the echo upstream), `/steady/*` at the
 * echo upstream with well-behaved clients. What Node or serin throw into the void is counted too.
 */
export async function startStage(t: Test, attacked: RawUpstream | null): Promise<Stage> {
  const echo = await startEchoUpstream()
  const services = buildServices((attacked ?? echo).origin, echo.origin)
  const gateway = await startGateway(services, {
    limits: { bodyIdleMs: PHASE_MS, writeStallMs: PHASE_MS, inspectBytes: 32 * 1024 },
    config: { limits: { bodyBytes: 1024 * 1024, headerBytes: 16 * 1024, inFlight: 10_000 } },
  })
  gateway.server.server.headersTimeout = HEAD_MS
  const thrown = catchAll(t)
  const nonces = new Nonces()
  const allowed = new Map<string, number>()
  const allow = (requests: readonly WholeRequest[]) => {
    for (const request of requests) {
      const digest = digestOf(request)
      allowed.set(digest, (allowed.get(digest) ?? 0) + 1)
    }
  }
  const steady = Array.from({ length: STEADY_CLIENTS }, () => {
    return startSteadyClient(gateway.port, nonces, (request) => allow([request]))
  })
  t.teardown(() => Promise.all([gateway.close(), echo.close()]))
  return {
    gateway,
    nonces,
    allow,
    smuggled: () => takeSmuggled(echo, allowed),
    answered: () => steady.reduce((sum, client) => sum + client.answered(), 0),
    finish: async () => {
      const faults = (await Promise.all(steady.map((client) => client.stop()))).flat()
      return [...faults, ...(await leftOver(gateway, echo, attacked)), ...thrown]
    },
  }
}

function buildServices(attacked: string, echo: string): readonly Service[] {
  const timeout = timeouts({ connectMs: PHASE_MS, firstByteMs: PHASE_MS, idleMs: PHASE_MS })
  const at = (origin: string) => [
    variantAt('baseline', origin, { timeout }),
    variantAt('canary', origin, { timeout }),
  ]
  const split = {
    key: { from: 'body', pointer: '/user' },
    rules: [],
    weightsBp: { canary: 5_000 },
    override: null,
  } as const
  const observe = {
    requestIdHeader: 'x-request-id',
    prediction: '/outputs/0/data/0',
    sample: 1,
    numbers: [],
    awaitsEvents: false,
  }
  const match = { path: '/steady/*', methods: null, host: null }
  return [
    serviceWith(at(attacked), { split, observe }),
    serviceWith(at(echo), { name: 'steady', match, split, observe }),
  ]
}

/** Errors that nobody caught: each would have ended a real process. */
function catchAll(t: Test): readonly string[] {
  const thrown: string[] = []
  const note = (error: unknown) =>
    thrown.push(`nobody caught: ${(error as Error)?.stack ?? String(error)}`)
  process.on('uncaughtException', note)
  process.on('unhandledRejection', note)
  t.teardown(() => {
    process.off('uncaughtException', note)
    process.off('unhandledRejection', note)
  })
  return thrown
}

function takeSmuggled(echo: EchoUpstream, allowed: Map<string, number>): readonly string[] {
  const smuggled: string[] = []
  for (const [digest, { request, count }] of echo.arrived) {
    const may = allowed.get(digest) ?? 0
    if (count > may) smuggled.push(`${count} times, sent ${may} times: ${quote(request)}`)
    if (may > count) allowed.set(digest, may - count)
    else allowed.delete(digest)
  }
  echo.arrived.clear()
  return smuggled
}

function quote({ method, target, body }: WholeRequest): string {
  return JSON.stringify(`${method} ${target} ${body.toString('latin1').slice(0, 200)}`)
}

/** Waits for what has to come to rest when the clients are gone. */
async function leftOver(
  gateway: TestGateway,
  echo: EchoUpstream,
  attacked: RawUpstream | null,
): Promise<readonly string[]> {
  const { recorder, exchanges, server } = gateway
  const faults: string[] = []
  const rests = (
    what: string,
    isSo: () => boolean | Promise<boolean>,
    left: () => unknown,
    ms = REST_MS,
  ) => until(what, isSo, ms).catch(() => faults.push(`${what}: ${String(left())}`))
  await rests(
    'no exchange is left',
    () => exchanges.count === 0,
    () => exchanges.count,
  )
  await rests(
    'every ticket is ended',
    () => recorder.begun.length === recorder.ends.length,
    () => `${recorder.begun.length} begun, ${recorder.ends.length} ended`,
  )
  let open = 0
  const count = () => connectionsOf(server.server).then((found) => (open = found) === 0)
  await rests('no client connection is left', count, () => open)
  // Connections end with their last request: they stay where something still runs on them.
  gateway.reload([])
  const upstreams = async () => {
    open = (await connectionsOf(echo.server)) + (attacked?.connections() ?? 0)
    return open === 0
  }
  await rests('no upstream connection is left', upstreams, () => open, UPSTREAM_REST_MS)
  for (const error of gateway.errors) faults.push(`an error in the log: ${JSON.stringify(error)}`)
  return faults
}

function connectionsOf(server: {
  getConnections: (callback: (error: Error | null, count: number) => void) => unknown
}): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
  })
}
