import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import type { ReloadResult } from './admin/admin-deps.ts'
import type { Clock } from './domain/clock.ts'
import type { Command } from './domain/decision.ts'
import type { GatewayTimers } from './gateway-timers.ts'
import type { MetricsSnapshot } from './metrics/take-snapshot.ts'
import type { openStore } from './open-store.ts'
import type { PrepareReload } from './reload.ts'
import type { FiguresByService } from './service-figures.ts'
import type { Siblings } from './siblings.ts'

/** What the process edge hands to the gateway. */
export type GatewayDeps = {
  readonly log: FastifyBaseLogger
  /** Lines of its log that could not be written, since the process began. */
  readonly linesLost: () => number
  readonly clock: Clock
  /** A fresh number in [0, 1). */
  readonly draw: () => number
  readonly newRequestId: () => string
  /** serin's own version. */
  readonly version: string
  /** Carries out a reload: reads the configuration, and has `prepare` check and take it. */
  readonly reload: (prepare: PrepareReload) => Promise<ReloadResult>
  /** The other processes of this gateway; null = it is the only one. */
  readonly siblings: Siblings | null
  /** What waits for the control loop and for the store goes by them; absent = by timers of Node.js. */
  readonly timers?: GatewayTimers
  /** Opens the store that a configuration names; absent = `openStore`. */
  readonly openStore?: typeof openStore
}

/** A gateway between its start and its end. */
export type RunningGateway = {
  /** Opens both ports; resolves with their addresses. With siblings they are not its own: null. */
  readonly listen: () => Promise<{ readonly data: string | null; readonly admin: string | null }>
  /** Reads the configuration file again and takes it over, or refuses it whole. Reloads never overlap. */
  readonly reload: () => Promise<ReloadResult>
  /** Takes no more work and waits for what is in flight, within the configured limits. */
  readonly drain: () => Promise<void>
  /** Ends everything; what was acknowledged or folded is stored. */
  readonly close: () => Promise<void>
}

/** What a gateway that is one of several processes does for the others. */
export type WorkerGateway = RunningGateway & {
  readonly prepareReload: PrepareReload
  readonly snapshot: () => AsyncGenerator<MetricsSnapshot>
  /** What this process counts, of one service or (null) of all. */
  readonly figures: (service: string | null) => FiguresByService
  /** Aborts a service in this process, at once: another one was told to, and could not store it. */
  readonly abortHere: (service: string, order: Command) => Promise<void>
  /**
   * Serves a connection to one of the ports that another process accepted. At the admin port it carries
   * one request, so that the next one comes to whoever decides by then.
   */
  readonly serveConnection: (to: 'data' | 'admin', socket: Socket) => void
  /** Names this process in the lease to decide. */
  readonly holder: string
  /** The process of that name has ended: whoever is first decides at once. */
  readonly succeed: (holder: string) => Promise<void>
}
