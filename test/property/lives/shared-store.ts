import { setTimeout as delay } from 'node:timers/promises'
import type { Decision } from '../../../src/domain/decision.ts'
import type { RolloutState } from '../../../src/domain/rollout-state.ts'
import { StoreAwayError } from '../../../src/store/store-error.ts'
import type { StoreAbsence } from '../../../src/store/redis-store.ts'
import type { CommitResult, RolloutChange, Store } from '../../../src/store/store.ts'
import type { LifeTime } from './life-time.ts'
import type { StoreEngine } from './store-engine.ts'

const LOSES_NOTHING = (): boolean => false

/** Between two attempts to reach a server that comes back, in real milliseconds. */
const AGAIN_MS = 20

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
 * One store of several gateways, as a server's is: leases and orders end by its own clock. What is one for all of them is
 * opened anew when nobody has had it open.
 */
export class SharedStore {
  readonly #engine: StoreEngine
  readonly #time: LifeTime
  readonly #onStored: (stored: Stored) => void
  readonly #ways = new Map<StoreWay, Store>()
  readonly #underWay = new Set<Promise<unknown>>()
  /** Asked once, when the next commit has been sent. */
  #strike: (() => Promise<void>) | null = null
  /** Their server went away within them: nobody has heard whether they were taken. */
  #doubtful: RolloutChange[] = []

  /** `onStored` hears of each change of a state, in order, before anybody else. */
  constructor(engine: StoreEngine, time: LifeTime, onStored: (stored: Stored) => void) {
    this.#engine = engine
    this.#time = time
    this.#onStored = onStored
  }

  /** The store as one process has it. */
  async open(way: StoreWay): Promise<Store> {
    const [known] = this.#ways.values()
    const inner = this.#engine.isOne && known !== undefined ? known : await this.#engine.open()
    this.#ways.set(way, inner)
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

  /** The next commit is sent, and then this happens before its answer can come. */
  strikeNextCommit(strike: () => Promise<void>): void {
    this.#strike = strike
  }

  /** Resolves when a server that was away answers everybody again. No time passes meanwhile. */
  async reached(): Promise<void> {
    this.#strike = null
    for (const inner of this.#ways.values()) {
      while (!(await answers(inner))) await delay(AGAIN_MS)
    }
    const [inner] = this.#ways.values()
    for (const change of this.#doubtful) {
      const { service: kept, state, decision } = change
      const record = await inner!.readRollout(kept)
      if (state === undefined || record?.state.revision !== state.revision) continue
      const [last = null] =
        decision === undefined ? [] : await inner!.decisions(decision.service, NEWEST)
      this.#tell(change, last)
    }
    this.#doubtful = []
  }

  /** Resolves when nothing that was asked of it waits for an answer. */
  readonly settled = async (): Promise<void> => {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
  }

  #byItsClock(inner: Store): Partial<Store> {
    const now = () => this.#time.now()
    return {
      commit: async (change) => {
        const result = await this.#commit(inner, change)
        if (result.ok) this.#tell(change, result.decision)
        return result
      },
      acquireLease: (holder, ttlMs) => inner.acquireLease(holder, ttlMs, now()),
      putOrder: (order, ttlMs) => inner.putOrder({ ...order, givenAt: now() }, ttlMs),
      takeOrders: (lease) => inner.takeOrders(lease, now()),
      answerOrder: (id, answer, ttlMs) => inner.answerOrder(id, answer, ttlMs, now()),
    }
  }

  async #commit(inner: Store, change: RolloutChange): Promise<CommitResult> {
    const strike = change.state === undefined ? null : this.#strike
    if (strike !== null) this.#strike = null
    const asked = inner.commit(change).catch((error: unknown) => {
      this.#doubtful.push(change)
      throw error
    })
    if (strike !== null) {
      // Heard of below, where it is awaited.
      asked.catch(() => {})
      await strike()
    }
    return asked
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
    const inner = this.#ways.get(way)
    if (!this.#ways.delete(way)) return
    if (![...this.#ways.values()].includes(inner!)) await inner!.close()
  }
}

const NEWEST = { after: 0, limit: 1 }

function answers(store: Store): Promise<boolean> {
  return store.readRevision('').then(
    () => true,
    () => false,
  )
}
