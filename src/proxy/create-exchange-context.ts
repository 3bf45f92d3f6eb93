import { AccessLog } from './access-log.ts'
import { PROXY_LIMITS, type ExchangeContext } from './exchange-context.ts'
import type { GatewayDeps } from './gateway-deps.ts'
import { Mirroring } from './mirroring.ts'
import { PredictionReader } from './observe.ts'
import { createPeerLookup } from './peer.ts'
import { Refusals } from './refusals.ts'

/** Puts together what all exchanges have in common, out of what the data plane is handed. */
export function createExchangeContext(deps: GatewayDeps): ExchangeContext {
  const peers = createPeerLookup(() => deps.config().trustedProxies)
  const limits = { ...PROXY_LIMITS, ...deps.limits }
  const accessLog = new AccessLog(deps.log, () => deps.config().accessSample)
  return {
    clock: deps.clock,
    draw: deps.draw,
    name: deps.name,
    limits: { ...limits, bodyBytes: () => deps.config().limits.bodyBytes },
    exchanges: deps.exchanges,
    predictions: new PredictionReader(),
    mirroring: new Mirroring(deps, limits, peers.peerOf),
    accessLog,
    refusals: new Refusals(accessLog, deps.counters.countRefusal, deps.clock),
    isDraining: deps.isDraining,
    told: (variant) => (deps.config().variantHeader ? (variant ?? null) : null),
    peerOf: peers.peerOf,
    clientAddressOf: peers.clientAddressOf,
    onUpstreamError: (error, code, service, requestId) => {
      deps.log.debug({ err: error, code, service, requestId }, 'the upstream failed')
    },
    onEject: (service, variant, upstream, ms) => {
      deps.log.warn(
        { service, variant, upstream, ms },
        'an upstream is ejected: it failed too often',
      )
    },
  }
}
