import type { Clock } from '../domain/clock.ts'
import type { Lead } from '../domain/replica.ts'
import { StoreError, StoreLostError } from '../store/store-error.ts'
import type { Lease, Store } from '../store/store.ts'

/** How long a lease holds; a process that died is succeeded after this. */
export const LEASE_TTL_MS = 5000

/** Keeps the lease to decide: takes it when it is free, renews it in time, gives it back at the end. */
export class LeaseKeeper {
  readonly #store: Store
  readonly #clock: Clock
  readonly #holder: string
  #lease: Lease | null = null
  /** The store did not answer since the lease was asked for: it may come back with older data. */
  #wasAway = false
  /** Monotonic, counted from before it was asked for: the store's own clock began later. */
  #heldUntil = 0
  /** The store's last answer was that somebody else has it. */
  #isTaken = false
  /** Who has it then, and when that was asked (monotonic). */
  #takenBy: string | null = null
  #namedAt = -Infinity
  #told: Lead | null = null

  constructor(store: Store, clock: Clock, holder: string) {
    this.#store = store
    this.#clock = clock
    this.#holder = holder
  }

  /**
   * The lease while it is surely held; null = somebody else may decide. The same object as long as what was read under it
   * is what the store has: after an absence it is another one, also with the same token.
   */
  current(): Lease | null {
    return this.#lease !== null && this.#clock.monotonic() < this.#heldUntil ? this.#lease : null
  }

  /** Unknown as long as the store does not answer. */
  get lead(): Lead {
    if (this.current() !== null) return 'here'
    return this.#isTaken ? 'elsewhere' : 'unknown'
  }

  /** Who else decides; null = nobody does, or it is not known. Up to the time of a lease old. */
  get holder(): string | null {
    return this.lead === 'elsewhere' ? this.#takenBy : null
  }

  /** Whether `lead` is another one than the last time that it was asked. */
  isNews(): boolean {
    const before = this.#told
    this.#told = this.lead
    return this.#told !== before
  }

  /** `onError` for others, heard here as well: where the store did not answer them the next `keep` renews the lease. */
  hearing(onError: (what: string, error: unknown) => void): typeof onError {
    return (what, error) => {
      if (error instanceof StoreError) this.#wasAway = true
      onError(what, error)
    }
  }

  /**
   * Takes or renews it when a third of its time has passed, or the store was away. Rejects when the store cannot be asked;
   * one that has lost its data has no lease of this process either, so that it is given up at once.
   */
  async keep(): Promise<void> {
    const askedAt = this.#clock.monotonic()
    const isFresh = this.#heldUntil - askedAt > (LEASE_TTL_MS * 2) / 3
    if (this.#lease !== null && isFresh && !this.#wasAway) return
    const [now, wasAway] = [this.#clock.now(), this.#wasAway]
    this.#wasAway = false
    try {
      const lease = await this.#store.acquireLease(this.#holder, LEASE_TTL_MS, now)
      if (wasAway || lease?.token !== this.#lease?.token) this.#lease = lease
    } catch (error) {
      this.#isTaken = false
      this.#wasAway = true
      if (error instanceof StoreLostError) this.#lease = null
      throw error
    }
    this.#heldUntil = askedAt + LEASE_TTL_MS
    this.#isTaken = this.#lease === null
    if (this.#isTaken && (this.#takenBy === null || askedAt - this.#namedAt >= LEASE_TTL_MS)) {
      this.#takenBy = await this.#store.leaseHolder()
      this.#namedAt = askedAt
    }
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
  const lease = await store.acquireLease(holder, LEASE_TTL_MS, now)
  if (lease !== null) await store.releaseLease(lease)
}
