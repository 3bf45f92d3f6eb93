import type { IncomingMessage } from 'node:http'
import type { Clock } from '../domain/clock.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { AccessLog } from './access-log.ts'
import type { LiveExchanges } from './live-exchanges.ts'
import type { Mirroring } from './mirroring.ts'
import type { PredictionReader } from './observe.ts'
import type { Peer } from './peer.ts'
import type { Refusals } from './refusals.ts'

/** Limits of the data plane that no configuration sets. Times in milliseconds. */
export type ProxyLimits = {
  /** Longest pause of a client within its request body. */
  readonly bodyIdleMs: number
  /** Slowest pace, over the whole, of a client that sends its body. */
  readonly bodyBytesPerSecond: number
  /** Longest time that a client may leave its answer unread. */
  readonly writeStallMs: number
  /** An answer that has streamed this long is booked as it is; what happens later is counted apart. */
  readonly settleMs: number
  /** Longest time that a WebSocket session may be quiet, in both directions. */
  readonly tunnelIdleMs: number
  /** Longest time that one side of a session may say nothing after the other one's end. */
  readonly tunnelFollowMs: number
  /** How much of a body is read for a key, and up to what size it is collected to be sent in one piece. */
  readonly inspectBytes: number
  /** Largest answer that a prediction is read from. */
  readonly copyBytes: number
  /** How much of the end of a stream of events is read. */
  readonly tailBytes: number
  /** Most copies of requests that are under way to one mirror. */
  readonly mirrorsInFlight: number
  /** Most bytes that are held for copies of requests and the comparison of their answers. */
  readonly mirrorBytes: number
  /** Longest time for a request's header section. */
  readonly headersTimeoutMs: number
  /**
   * How often Node looks for connections that take too long: what `headersTimeoutMs` is precise to. Often, since
   * all that are due at a look are answered in one turn of the event loop, and each takes 60 µs of it.
   */
  readonly connectionsCheckMs: number
  /** How long an idle client connection stays open: longer than common load balancers keep theirs. */
  readonly clientIdleMs: number
}

/** The limits as they are in service; tests use shorter times. */
export const PROXY_LIMITS: ProxyLimits = {
  bodyIdleMs: 30_000,
  bodyBytesPerSecond: 256,
  writeStallMs: 60_000,
  settleMs: 30_000,
  tunnelIdleMs: 3_600_000,
  tunnelFollowMs: 5_000,
  inspectBytes: 64 * 1024,
  copyBytes: 256 * 1024,
  tailBytes: 64 * 1024,
  mirrorsInFlight: 256,
  mirrorBytes: 64 * 1024 * 1024,
  headersTimeoutMs: 15_000,
  connectionsCheckMs: 50,
  clientIdleMs: 72_000,
}

/** What all exchanges have in common. */
export type ExchangeContext = {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly draw: () => number
  /** serin's pseudonym. */
  readonly name: string
  /** `bodyBytes`: the largest request body, by the configuration in force. */
  readonly limits: ProxyLimits & { readonly bodyBytes: () => number }
  readonly exchanges: LiveExchanges
  readonly predictions: PredictionReader
  readonly mirroring: Mirroring
  readonly accessLog: AccessLog
  readonly refusals: Refusals
  readonly isDraining: () => boolean
  /** A variant as answers name it; null = they name none (`gateway.variantHeader`). */
  readonly told: (variant: string | undefined) => string | null
  readonly peerOf: (req: IncomingMessage) => Peer
  /** The peer's, or what a trusted proxy says it is. */
  readonly clientAddressOf: (req: IncomingMessage) => string
  /** For the log: the error itself says more than the code that the client sees. */
  readonly onUpstreamError: (
    error: Error,
    code: ErrorCode,
    service: string,
    requestId: string,
  ) => void
  /** An upstream has failed so often in a row that it is left out for so long. */
  readonly onEject: (service: string, variant: string, upstream: string, ms: number) => void
}
