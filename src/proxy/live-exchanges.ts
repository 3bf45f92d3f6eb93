import { Bag, type Placed } from '../metrics/bag.ts'

/** What an exchange is, for the drain: streams (server-sent events) have a deadline of their own. */
export type ExchangeKind = 'stream' | 'other'

/** A request in flight. */
export type LiveExchange = Placed & {
  readonly kind: ExchangeKind
  /** Ends it now: with an error answer, or by cutting an answer that has begun. */
  readonly breakOff: () => void
}

/** The requests in flight on service routes: counted against the limit, and closed by the drain. */
export class LiveExchanges {
  readonly #live = new Bag<LiveExchange>()

  get count(): number {
    return this.#live.size
  }

  add(exchange: LiveExchange): void {
    this.#live.add(exchange)
  }

  remove(exchange: LiveExchange): void {
    this.#live.remove(exchange)
  }

  /** Breaks off all exchanges of a kind. */
  closeAll(kind: ExchangeKind): void {
    for (const exchange of [...this.#live]) {
      if (exchange.kind === kind) exchange.breakOff()
    }
  }
}
