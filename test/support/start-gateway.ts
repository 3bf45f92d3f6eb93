import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { GatewayConfig } from '../../src/config/config.ts'
import type { ErrorCode } from '../../src/domain/errors.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { Service } from '../../src/domain/service.ts'
import type { Variant, VariantTimeouts } from '../../src/domain/variant.ts'
import { buildMirrorBooks, type MirrorBook } from '../../src/metrics/mirror-book.ts'
import type { AccessEntry } from '../../src/proxy/access-log.ts'
import { createDataServer } from '../../src/proxy/data-server.ts'
import type { ProxyLimits } from '../../src/proxy/exchange-context.ts'
import type { KnownNames } from '../../src/proxy/known-names.ts'
import { LiveExchanges } from '../../src/proxy/live-exchanges.ts'
import { trackSockets } from '../../src/proxy/open-sockets.ts'
import type { ServedCertificate } from '../../src/proxy/served-certificate.ts'
import {
  buildRuntime,
  type ServiceRuntime,
  type Snapshot,
} from '../../src/proxy/service-runtime.ts'
import { buildMirrors } from '../../src/proxy/mirror.ts'
import { Budget } from '../../src/proxy/budget.ts'
import { createUpstreamRegistry, type UpstreamRegistry } from '../../src/proxy/upstream-registry.ts'
import { buildSplit } from '../../src/routing/split.ts'
import { buildTable } from '../../src/routing/table.ts'
import { FakeRecorder } from './fake-recorder.ts'
import { namesBy } from './names.ts'
import { PLAIN_VARIANT } from './plain-variant.ts'

/** Timeouts that no test reaches unless it sets others. */
const PATIENT: VariantTimeouts = {
  connectMs: 5_000,
  firstByteMs: 10_000,
  idleMs: 10_000,
  totalMs: null,
  keepAliveMs: null,
}

/** A variant with one upstream. */
export function variantAt(name: string, origin: string, more: Partial<Variant> = {}): Variant {
  return {
    name,
    version: name,
    upstreams: [origin],
    timeout: PATIENT,
    ...PLAIN_VARIANT,
    ...more,
  }
}

/** Short timeouts for one phase. */
export function timeouts(some: Partial<VariantTimeouts>): VariantTimeouts {
  return { ...PATIENT, ...some }
}

/** A service at `/m/*` with all of its traffic on the baseline unless told otherwise. */
export function serviceWith(variants: readonly Variant[], more: Partial<Service> = {}): Service {
  return {
    name: 'model',
    match: { path: '/m/*', methods: null, host: null },
    idempotent: false,
    variants,
    split: { key: null, rules: [], weightsBp: {}, override: null },
    observe: {
      requestIdHeader: 'x-request-id',
      prediction: null,
      sample: 1,
      numbers: [],
      awaitsEvents: false,
    },
    mirrors: [],
    failureStatuses: null,
    notify: [],
    rollout: null,
    ...more,
  }
}

/** A line of the access log, with the level that it was written at. */
export type AccessLine = AccessEntry & { readonly level: 'info' | 'warn' }

export type TestGateway = {
  readonly port: number
  readonly url: string
  readonly server: FastifyInstance
  /** Of all services. */
  readonly recorder: FakeRecorder
  /** By variant; books of mirrors that a reload took away stay. */
  readonly mirrors: ReadonlyMap<string, MirrorBook>
  readonly exchanges: LiveExchanges
  readonly accessLog: AccessLine[]
  /** Requests that are in no book of a service, by code. */
  readonly refused: ReadonlyMap<ErrorCode, number>
  /** How requests of the passthrough ended, in their order: outcome and status. */
  readonly passed: (readonly [Outcome, number])[]
  readonly errors: unknown[]
  readonly warnings: unknown[]
  readonly upstreams: UpstreamRegistry
  readonly state: { isReady: boolean; isDraining: boolean }
  /** Replaces the services, as a reload does. */
  readonly reload: (services: readonly Service[]) => void
  /** Waits until upstreams of these origins alone are in use. */
  readonly onlyUses: (origins: readonly string[]) => Promise<true>
  readonly close: () => Promise<void>
}

export type TestGatewayOptions = {
  readonly config?: Partial<GatewayConfig>
  readonly limits?: Partial<ProxyLimits>
  readonly passthrough?: string
  /** Else the system says where names lead. */
  readonly names?: KnownNames
  /** It speaks TLS with it. */
  readonly certificate?: ServedCertificate
  readonly draw?: () => number
}

/** Starts the data plane alone, on a free port, with a recorder that keeps everything. */
export async function startGateway(
  services: readonly Service[],
  options: TestGatewayOptions = {},
): Promise<TestGateway> {
  const recorder = new FakeRecorder()
  const clock = { now: () => Date.now(), monotonic: () => performance.now() }
  const exchanges = new LiveExchanges(clock)
  const accessLog: AccessLine[] = []
  const refused = new Map<ErrorCode, number>()
  const passed: (readonly [Outcome, number])[] = []
  const errors: unknown[] = []
  const warnings: unknown[] = []
  const state = { isReady: true, isDraining: false }
  const config: GatewayConfig = {
    listen: { host: '127.0.0.1', port: 0 },
    workers: 1,
    tls: null,
    trustedProxies: [],
    healthPath: '/-/ready',
    variantHeader: true,
    limits: { bodyBytes: 64 * 1024 * 1024, headerBytes: 16 * 1024, inFlight: 100 },
    drain: { waitMs: 0, deadlineMs: 0, streamsMs: 0 },
    accessSample: 1,
    ...options.config,
  }
  let ids = 0
  const names = options.names ?? namesBy()
  const upstreams = createUpstreamRegistry(names, { error: (fields) => errors.push(fields) })
  const mirrors = new Map<string, MirrorBook>()
  let { snapshot, targets } = buildSnapshot(services, recorder, upstreams, mirrors)
  const server = createDataServer(
    {
      snapshot: () => snapshot,
      config: () => config,
      draw: options.draw ?? (() => 0.5),
      newRequestId: () => `id-${++ids}`,
      clock,
      log: {
        info: (entry: AccessEntry) => accessLog.push({ level: 'info', ...entry }),
        error: (entry: unknown) => errors.push(entry),
        warn: (entry: unknown, message: string) => {
          if (message === 'request') accessLog.push({ level: 'warn', ...(entry as AccessEntry) })
          else warnings.push(entry)
        },
        debug: () => {},
      } as never,
      isDraining: () => state.isDraining,
      isReady: () => state.isReady,
      name: 'serin-test',
      exchanges,
      names,
      counters: {
        countRefusal: (code) => refused.set(code, (refused.get(code) ?? 0) + 1),
        countPassthrough: (outcome, status) => passed.push([outcome, status]),
        countDropped: () => {},
      },
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    },
    options.passthrough ?? null,
    options.certificate ?? null,
  )
  const sockets = trackSockets(server.server)
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    server,
    recorder,
    mirrors,
    exchanges,
    accessLog,
    refused,
    passed,
    errors,
    warnings,
    upstreams,
    state,
    reload: (next) => {
      const old = targets
      ;({ snapshot, targets } = buildSnapshot(next, recorder, upstreams, mirrors))
      targets.adopt()
      old.release()
    },
    onlyUses: async (origins) => {
      const isLeft = () => upstreams.upstreams().some(({ origin }) => !origins.includes(origin))
      while (isLeft()) await delay(1)
      return true
    },
    close: async () => {
      sockets.destroyAll()
      await server.close()
      await upstreams.destroy()
    },
  }
}

function buildSnapshot(
  services: readonly Service[],
  recorder: FakeRecorder,
  upstreams: UpstreamRegistry,
  mirrors: Map<string, MirrorBook>,
) {
  const targets = upstreams.open(services)
  for (const service of services) {
    for (const [name, book] of buildMirrorBooks(service, mirrors)) mirrors.set(name, book)
  }
  const runtimes = new Map<string, ServiceRuntime>(
    services.map((service) => [
      service.name,
      buildRuntime(service, {
        split: buildSplit(service, service.split.weightsBp, service.name),
        recorder,
        targets: targets.byService.get(service.name)!,
        fallbacks: new Budget(),
        mirrors: buildMirrors(service, targets.byService.get(service.name)!, mirrors),
      }),
    ]),
  )
  const snapshot: Snapshot = { table: buildTable([...runtimes.values()]), runtimes }
  return { snapshot, targets }
}
