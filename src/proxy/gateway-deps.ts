import type { Logger } from 'pino'
import type { GatewayConfig } from '../config/config.ts'
import type { Clock } from '../domain/clock.ts'
import type { GatewayCounters } from '../metrics/register-gateway.ts'
import type { ProxyLimits } from './exchange-context.ts'
import type { KnownNames } from './known-names.ts'
import type { LiveExchanges } from './live-exchanges.ts'
import type { Snapshot } from './service-runtime.ts'

/** What the data plane is handed. Functions are asked anew for every request, so that a reload changes them. */
export type GatewayDeps = {
  readonly snapshot: () => Snapshot
  readonly config: () => GatewayConfig
  /** Uniform in [0, 1). */
  readonly draw: () => number
  readonly newRequestId: () => string
  readonly clock: Clock
  readonly log: Pick<Logger, 'info' | 'warn' | 'error' | 'debug'>
  /** Every answer ends its connection. */
  readonly isDraining: () => boolean
  /** What the health path answers. */
  readonly isReady: () => boolean
  /**
   * serin's pseudonym in `Via` and `Proxy-Status`; a token. A request that carries it in `Via` is refused
   * as a loop, so two gateways in a row need two names.
   */
  readonly name: string
  readonly exchanges: LiveExchanges
  /** Those that upstreams are connected to by. */
  readonly names: KnownNames
  readonly counters: GatewayCounters
  /** Replaces some of `PROXY_LIMITS`. */
  readonly limits?: Partial<ProxyLimits>
}
