import type { Decision } from '../../../src/domain/decision.ts'
import type { RolloutState } from '../../../src/domain/rollout-state.ts'
import { openLmdbStore } from '../../../src/store/lmdb-store.ts'
import { StoreAwayError } from '../../../src/store/store-error.ts'
import type { StoreAbsence } from '../../../src/store/redis-store.ts'
import type { RolloutChange, Store } from '../../../src/store/store.ts'
import type { LifeTime } from './life-time.ts'

const LIMITS = { retentionMs: 3_600_000, maxPending: 100_000, maxBytes: 64 * 1024 ** 2 }
const LOSES_NOTHING = (): boolean => false
const SILENT = { info: () => {}, warn: () => {} }

/** What was stored of a service: its state, and the decision that came with it. */
export type Stored = {
  /** What the state is kept under. */
  readonly kept: string
  readonly state: RolloutState
  readonly decision: Decision | null
}

/** One process's way to a store. */
export class StoreWay {
  /** Nothing comes through. */
  isCut = false
  /** Asked before each call and after it: whether just that is lost, the call or its answer. */
  loses: () => boolean = LOSES_NOTHING
  #isOver = false
  #mended: () => void = () => {}

  get isWhole(): boolean {
    return !this.isCut && this.loses === LOSES_NOTHING
  }

  cut(): void {
    this.isCut = true
  }

  mend(): void {
    if (this.#isOver) return
    this.isCut = false
    this.loses = LOSES_NOTHING
    this.#mended()
  }

  /** The process is gone: nothing comes through any more. */
  end(): void {
    this.cut()
    this.#isOver = true
  }

  /** For who begins: null = it is there. */
  absence(): StoreAbsence | null {
    if (!this.isCut) return null
    const ended = new Promise<void>((resolve) => (this.#mended = resolve))
    return { why: () => 'the store is away', ended }
  }
}

/**
 * One store of several gateways, as a server's is: leases and orders end by its own clock. It lies on disk, and is opened
 * anew when nobody has had it open.
 */
export class SharedStore {
  readonly #path: string
  readonly #time: LifeTime
  readonly #onStored: (stored: Stored) => void
  readonly #ways = new Set<StoreWay>()
  readonly #underWay = new Set<Promise<unknown>>()
  #inner: Store | null = null

  /** `onStored` hears of each change of a state, in order, before anybody else. */
  constructor(path: string, time: LifeTime, onStored: (stored: Stored) => void) {
    this.#path = path
    this.#time = time
    this.#onStored = onStored
  }

  /** The store as one process has it. */
  async open(way: StoreWay): Promise<Store> {
    this.#inner ??= await openLmdbStore({ path: this.#path, log: SILENT, ...LIMITS })
    this.#ways.add(way)
    const inner = this.#inner
    const mustBeThere = () => {
      if (way.isCut || way.loses()) throw new StoreAwayError('the store is away')
    }
    const passed = Object.entries({ ...inner, ...this.#byItsClock(inner) }).map(([name, call]) => {
      const ask = call as (...given: unknown[]) => Promise<unknown>
      const pass = async (...given: unknown[]) => {
        mustBeThere()
        const answer = await this.#follow(ask(...given))
        // What was done has been done; its answer is lost.
        mustBeThere()
        return answer
      }
      return [name, pass]
    })
    return { ...(Object.fromEntries(passed) as Store), close: () => this.#leave(way) }
  }

  /** What is stored, for who looks from outside; it has to be open. */
  get inside(): Store {
    return this.#inner!
  }

  /** Resolves when nothing that was asked of it waits for an answer. */
  readonly settled = async (): Promise<void> => {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
  }

  #byItsClock(inner: Store): Partial<Store> {
    const now = () => this.#time.now()
    return {
      commit: async (change) => {
        const result = await inner.commit(change)
        if (result.ok) this.#tell(change, result.decision)
        return result
      },
      acquireLease: (holder, ttlMs) => inner.acquireLease(holder, ttlMs, now()),
      putOrder: (order, ttlMs) => inner.putOrder({ ...order, givenAt: now() }, ttlMs),
      takeOrders: (lease) => inner.takeOrders(lease, now()),
      answerOrder: (id, answer, ttlMs) => inner.answerOrder(id, answer, ttlMs, now()),
    }
  }

  #tell({ service: kept, state }: RolloutChange, decision: Decision | null): void {
    if (state !== undefined) this.#onStored({ kept, state, decision })
  }

  #follow<T>(asked: Promise<T>): Promise<T> {
    const leave = () => void this.#underWay.delete(settled)
    const settled: Promise<void> = asked.then(leave, leave)
    this.#underWay.add(settled)
    return asked
  }

  async #leave(way: StoreWay): Promise<void> {
    if (!this.#ways.delete(way) || this.#ways.size > 0) return
    const inner = this.#inner!
    this.#inner = null
    await inner.close()
  }
}
