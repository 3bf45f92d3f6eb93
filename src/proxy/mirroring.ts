import type { GatewayDeps } from './gateway-deps.ts'
import { ByteBudget } from './byte-budget.ts'
import type { Prefix } from './collect-prefix.ts'
import type { ProxyLimits } from './exchange-context.ts'
import { LiveExchanges } from './live-exchanges.ts'
import type { Mirror } from './mirror.ts'
import type { MirrorDesk } from './mirror-desk.ts'
import { MirrorPairs } from './mirror-pairs.ts'
import { isCopy, MirroredRequest } from './mirrored-request.ts'
import type { Parcel } from './parcel.ts'
import type { PeerLookup } from './peer.ts'
import { isUpgrade } from './upgrade.ts'
import { UploadStream } from './upload-stream.ts'

/** All mirrors of the data plane: draws the requests that are copied, and bounds what copies may take. */
export class Mirroring {
  readonly #desk: MirrorDesk
  readonly #peerOf: PeerLookup['peerOf']

  constructor(
    deps: Pick<GatewayDeps, 'clock' | 'draw' | 'name' | 'log'>,
    limits: ProxyLimits,
    peerOf: PeerLookup['peerOf'],
  ) {
    const { clock, draw, name, log } = deps
    this.#peerOf = peerOf
    this.#desk = {
      clock,
      draw,
      name,
      limits,
      exchanges: new LiveExchanges(clock),
      memory: new ByteBudget(limits.mirrorBytes),
      pairs: new MirrorPairs(clock),
      onFailure: (error, { service, spec }) =>
        log.debug({ err: error, service: service.name, variant: spec.to }, 'a copy failed'),
      onMistake: (error) => log.error({ err: error }, 'a request could not be mirrored'),
    }
  }

  /**
   * Copies a request that is on its way, or its body as it passes, to those mirrors that it is drawn for.
   * Null: to none. Not copied are upgrades, requests that are copies themselves, and what the mirror's
   * variant answers already. Never throws.
   */
  start(mirrors: readonly Mirror[], parcel: Parcel, prefix: Prefix): MirroredRequest | null {
    const { req, requestId, ticket, watch, body } = parcel
    try {
      if (isCopy(req) || isUpgrade(req)) return null
      const drawn = mirrors.filter(
        ({ spec }) =>
          spec.to !== ticket.variant && (spec.share === 1 || this.#desk.draw() < spec.share),
      )
      if (drawn.length === 0) return null
      const peer = this.#peerOf(req)
      const source = { req, requestId, ticket, isObserved: watch.reads !== null, peer }
      const mirrored = new MirroredRequest(this.#desk, drawn, source)
      for (const chunk of prefix.chunks) mirrored.onPart(chunk)
      if (body instanceof UploadStream) body.watch(mirrored)
      else mirrored.onWhole()
      return mirrored
    } catch (error) {
      this.#desk.onMistake(error)
      return null
    }
  }

  /** Breaks off all copies, and compares the answers that are there. */
  close(): void {
    this.#desk.exchanges.closeAll('other')
    this.#desk.pairs.close()
  }
}
