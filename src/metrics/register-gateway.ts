import { Counter, Gauge, type Registry } from 'prom-client'
import type { ErrorCode } from '../domain/errors.ts'
import type { Outcome } from '../domain/outcome.ts'
import { statusLabel } from './variant-figures.ts'

/** Counts what the data plane does beside the services. */
export type GatewayCounters = {
  /** A request that the gateway answered itself, and that is in no book of a service. */
  readonly countRefusal: (code: ErrorCode) => void
  /** A request of the passthrough that has ended, with the status that it was answered. */
  readonly countPassthrough: (outcome: Outcome, status: number) => void
  /** A connection of a client that was closed at once, because too many are open. */
  readonly countDropped: () => void
}

/** The counter of connections of clients that found no room. */
export const DROPPED = {
  name: 'serin_connections_dropped_total',
  help: 'Connections of clients that were closed at once: as many are open as the limit of open files allows.',
}

/** The counter of workers that ended and were not asked to, which their supervisor counts. */
export const WORKERS_ENDED = {
  name: 'serin_workers_ended_total',
  help: 'Workers that ended, or were killed, and were not asked to end: another one takes the place of each. 0 without workers.',
}

/**
 * Registers what belongs to no service. `certificateNotAfter`: when the certificate of the data port expires, in
 * epoch ms; null = it has none.
 */
export function registerGateway(
  registry: Registry,
  certificateNotAfter: () => number | null,
): GatewayCounters {
  new Gauge({
    name: 'serin_listener_certificate_not_after_seconds',
    help: 'When the certificate of the data port expires, in seconds since the epoch; absent without gateway.tls.',
    aggregator: 'min',
    registers: [registry],
    collect() {
      const notAfter = certificateNotAfter()
      if (notAfter === null) this.remove()
      else this.set(notAfter / 1000)
    },
  })
  const refusals = new Counter({
    name: 'serin_refused_total',
    help: 'Requests that the gateway answered with an error itself before a variant was chosen, by its code. No other metric counts them.',
    labelNames: ['code'],
    registers: [registry],
  })
  const passed = new Counter({
    name: 'serin_passthrough_requests_total',
    help: 'Requests of no service that went to the passthrough, by their one outcome. No other metric counts them.',
    labelNames: ['outcome', 'code'],
    registers: [registry],
  })
  const dropped = new Counter({ ...DROPPED, registers: [registry] })
  new Counter({ ...WORKERS_ENDED, registers: [registry] })
  return {
    countRefusal: (code) => refusals.inc({ code }),
    countPassthrough: (outcome, status) => passed.inc({ outcome, code: statusLabel(status) }),
    countDropped: () => dropped.inc(),
  }
}
