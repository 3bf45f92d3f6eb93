import { Counter, type Registry } from 'prom-client'
import type { ErrorCode } from '../domain/errors.ts'
import type { Outcome } from '../domain/outcome.ts'
import { statusLabel } from './variant-figures.ts'

/** Counts what the data plane does beside the services. */
export type GatewayCounters = {
  /** A request that the gateway answered itself, and that is in no book of a service. */
  readonly countRefusal: (code: ErrorCode) => void
  /** A request of the passthrough that has ended, with the status that it was answered. */
  readonly countPassthrough: (outcome: Outcome, status: number) => void
}

/** Registers the counters of what belongs to no service. */
export function registerGateway(registry: Registry): GatewayCounters {
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
  return {
    countRefusal: (code) => refusals.inc({ code }),
    countPassthrough: (outcome, status) => passed.inc({ outcome, code: statusLabel(status) }),
  }
}
