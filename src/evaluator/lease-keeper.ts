import type { Clock } from '../domain/clock.ts'
import type { Lease, Store } from '../store/store.ts'

/** How long a lease holds; a process that died is succeeded after this. */
export const LEASE_TTL_MS = 5000

/** Keeps the lease to decide: takes it when it is free, renews it in time, gives it back at the end. */
export class LeaseKeeper {
  readonly #store: Store
  readonly #clock: Clock
  readonly #holder: string
  #lease: Lease | null = null
  /** Monotonic, counted from before it was asked for: the store's own clock began later. */
  #heldUntil = 0

  constructor(store: Store, clock: Clock, holder: string) {
    this.#store = store
    this.#clock = clock
    this.#holder = holder
  }

  /** The lease while it is surely held; null = somebody else may decide. */
  current(): Lease | null {
    return this.#lease !== null && this.#clock.monotonic() < this.#heldUntil ? this.#lease : null
  }

  /** Takes or renews it when a third of its time has passed. Rejects when the store cannot be asked. */
  async keep(): Promise<void> {
    const askedAt = this.#clock.monotonic()
    if (this.#lease !== null && this.#heldUntil - askedAt > (LEASE_TTL_MS * 2) / 3) return
    const now = this.#clock.now()
    this.#lease = await this.#store.acquireLease(this.#holder, LEASE_TTL_MS, now)
    this.#heldUntil = askedAt + LEASE_TTL_MS
  }

  /** Gives the lease back, so that a successor need not wait. */
  async release(): Promise<void> {
    const lease = this.#lease
    this.#lease = null
    if (lease !== null) await this.#store.releaseLease(lease)
  }
}

/**
 * Gives back the lease of a holder that is known to have ended: a successor need not wait for its time to run
 * out. Does nothing where somebody else holds it.
 */
export async function releaseLeaseOf(
  holder: string,
  store: Pick<Store, 'acquireLease' | 'releaseLease'>,
  now: number,
): Promise<void> {
  const lease = await store.acquireLease(holder, 1, now)
  if (lease !== null) await store.releaseLease(lease)
}
