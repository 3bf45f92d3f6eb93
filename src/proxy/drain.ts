import type { GatewayConfig } from '../config/config.ts'
import type { ExchangeKind } from './live-exchanges.ts'

/** A span that passes, unless it is not waited for any more. */
export type Delay = { readonly done: Promise<void>; readonly cancel: () => void }

/** What the drain works on. */
export type DrainDeps = {
  readonly spans: GatewayConfig['drain']
  readonly delay: (ms: number) => Delay
  /** From now on the health path says 503, and every answer ends its connection. */
  readonly startDraining: () => void
  /** Accepts no more; resolves when the last connection has ended. */
  readonly closeServer: () => Promise<void>
  readonly closeExchanges: (kind: ExchangeKind) => void
  /** Cuts every connection that is left. */
  readonly cutConnections: () => void
}

/**
 * Takes the data plane out of service without losing a request that can still be answered:
 *
 * 1. not ready, for `waitMs`, so that load balancers look elsewhere; requests are served, and each answer ends
 *    its connection, so that those in use are gone before any is closed unasked;
 * 2. no new connections; idle ones are closed;
 * 3. at `deadlineMs` what still runs is broken off, except streams;
 * 4. at `streamsMs` (both counted from step 2) the streams are, and whatever connection is left.
 *
 * Resolves when the last connection has ended.
 */
export async function drain(deps: DrainDeps): Promise<void> {
  const { waitMs, deadlineMs, streamsMs } = deps.spans
  deps.startDraining()
  await deps.delay(waitMs).done
  const closed = deps.closeServer()
  if (await endsWithin(closed, deps.delay(deadlineMs))) return
  deps.closeExchanges('other')
  if (await endsWithin(closed, deps.delay(Math.max(streamsMs - deadlineMs, 0)))) return
  deps.closeExchanges('other')
  deps.closeExchanges('stream')
  deps.cutConnections()
  await closed
}

async function endsWithin(ends: Promise<void>, span: Delay): Promise<boolean> {
  const isEnded = await Promise.race([ends.then(() => true), span.done.then(() => false)])
  span.cancel()
  return isEnded
}
