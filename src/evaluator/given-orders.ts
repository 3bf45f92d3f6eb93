import type { Clock } from '../domain/clock.ts'
import type { CommandOutcome, Order } from '../domain/order.ts'
import type { OrderStore } from '../store/store.ts'
import { LEASE_TTL_MS } from './lease-keeper.ts'

/** So long an order waits to be taken: a command outlasts the death of who decides, whose lease another one has by then. */
export const ORDER_WAIT_MS = LEASE_TTL_MS + 1000

/** So much longer the answer to one that was taken is waited for. */
export const ANSWER_WAIT_MS = 2000

/** Orders and answers are gone after this, where nobody waits for them any more. */
export const ORDER_TTL_MS = 15_000

/**
 * What is heard of an order. Of one that was not carried out, and is not any more: `free` = this process decides by now,
 * `not-taken` = it waited in vain. `taken`: it was taken, and no answer has come.
 */
export type Heard = CommandOutcome | 'free' | 'not-taken' | 'taken'

type Waiting = {
  readonly order: Order
  /** It is withdrawn at this time (monotonic). */
  until: number
  /** When it was found to be taken (monotonic); null = it waits, as far as is known. */
  takenAt: number | null
  readonly hear: (heard: Heard) => void
  readonly fail: (error: unknown) => void
}

/**
 * The orders that a process which follows has given, until it hears what became of them. An order is carried out once
 * at most, and not after it was withdrawn: who takes it and who withdraws it remove the same thing.
 */
export class GivenOrders {
  readonly #store: OrderStore
  readonly #clock: Clock
  readonly #self: string
  readonly #waiting = new Set<Waiting>()
  #given = 0

  constructor(store: OrderStore, clock: Clock, self: string) {
    this.#store = store
    this.#clock = clock
    this.#self = self
  }

  /**
   * Gives an order, and resolves when it is known what became of it. Rejects where the store fails so that nobody knows;
   * of an abort at once, since it need not wait for the store.
   */
  async give(given: Omit<Order, 'id' | 'givenAt'>): Promise<Heard> {
    const id = `${this.#self}/${++this.#given}`
    const order = { ...given, id, givenAt: this.#clock.now() }
    try {
      await this.#store.putOrder(order, ORDER_TTL_MS)
    } catch (error) {
      // It may be there all the same, and nobody would wait for it.
      if (given.command.verb !== 'abort' && (await this.#store.withdrawOrder(id)))
        return 'not-taken'
      throw error
    }
    return new Promise((hear, fail) => {
      const until = this.#clock.monotonic() + ORDER_WAIT_MS
      this.#waiting.add({ order, until, takenAt: null, hear, fail })
    })
  }

  /** Asks what became of them; `leads`: this process decides by now. Never rejects. */
  async hear(leads: boolean): Promise<void> {
    await Promise.all([...this.#waiting].map((each) => this.#hear(each, leads)))
  }

  /** This process ends: what nobody has taken by now is withdrawn. Never rejects. */
  async end(): Promise<void> {
    const now = this.#clock.monotonic()
    for (const each of this.#waiting) each.until = now
    await this.hear(false)
    for (const each of this.#waiting) this.#settle(each, () => each.hear('taken'))
  }

  async #hear(each: Waiting, leads: boolean): Promise<void> {
    try {
      const heard = await this.#ask(each, leads)
      if (heard !== null) this.#settle(each, () => each.hear(heard))
    } catch (error) {
      const isOver = this.#clock.monotonic() >= each.until
      if (isOver || each.order.command.verb === 'abort') {
        this.#settle(each, () => each.fail(error))
      }
    }
  }

  /** Null: nothing is known yet. */
  async #ask(each: Waiting, leads: boolean): Promise<Heard | null> {
    const now = this.#clock.monotonic()
    if (each.takenAt === null && (leads || now >= each.until)) {
      // Without an answer to this it is not known whether it was taken: it is not asked again.
      each.until = Math.min(each.until, now)
      if (await this.#store.withdrawOrder(each.order.id)) return leads ? 'free' : 'not-taken'
      each.takenAt = now
    }
    const answer = await this.#store.readAnswer(each.order.id)
    if (answer !== null || each.takenAt === null) return answer
    return now - each.takenAt >= ANSWER_WAIT_MS ? 'taken' : null
  }

  #settle(each: Waiting, tell: () => void): void {
    this.#waiting.delete(each)
    tell()
  }
}
