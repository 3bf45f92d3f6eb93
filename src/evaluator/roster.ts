import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import { StoreAwayError } from '../store/store-error.ts'
import { isOfStore } from './commit-error.ts'
import { OneByOne } from './one-by-one.ts'

/** A service as the configuration has it: what is decided by, and its books. */
type Given<Plan> = { readonly plan: Plan; readonly book: ServiceBook }

/** Who decides on one service. */
type Runner<Plan> = {
  /** Goes on under another plan. What the store does not take is tried again by each evaluation. */
  reconfigure(plan: Plan, book: ServiceBook, actor: string): Promise<void>
  /** Stores what it has; false = nobody knows yet who may, so that it has to be asked again. */
  flush(): Promise<boolean>
}

/** Services that are followed at once: what they write goes into the store together, and requests get their turn in between. */
const TOGETHER = 16

/**
 * The services of one kind that are decided on: those that run, those that the configuration has brought and the
 * store has not been asked for, and those that it took away and that owe the store something.
 */
export class Roster<Plan extends { readonly service: string }, R extends Runner<Plan>> {
  readonly #open: (given: Given<Plan>) => Promise<R>
  readonly #onError: (what: string, error: unknown) => void
  readonly #running = new Map<string, R>()
  readonly #joining = new Map<string, Given<Plan>>()
  readonly #leaving = new Map<string, R>()
  readonly #oneByOne = new OneByOne()

  /** `open` takes a service up from the store, or begins it; `onError` hears why the store did not do its part. */
  constructor(
    open: (given: Given<Plan>) => Promise<R>,
    onError: (what: string, error: unknown) => void,
  ) {
    this.#open = open
    this.#onError = onError
  }

  get running(): ReadonlyMap<string, R> {
    return this.#running
  }

  /** It is taken up when the store can be asked. */
  isJoining(service: string): boolean {
    return this.#joining.has(service)
  }

  /** It is gone, and owes the store something. */
  isLeaving(service: string): boolean {
    return this.#leaving.has(service)
  }

  /** All of them, wherever they stand. */
  *names(): Iterable<string> {
    for (const each of [this.#running, this.#joining, this.#leaving]) yield* each.keys()
  }

  /** Who knows what was decided on a service last, also where it is gone; undefined = nobody does. */
  find(service: string): R | undefined {
    return this.#running.get(service) ?? this.#leaving.get(service)
  }

  put(service: string, runner: R): void {
    this.#joining.delete(service)
    this.#running.set(service, runner)
  }

  /** Does what opens a service while nothing else does. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#oneByOne.run(work)
  }

  /**
   * Goes on with these services, all of them. What the store does not take or give is done by `settle` and by the
   * evaluations; rejects with the first failure that is not the store's.
   */
  follow(all: readonly Given<Plan>[], actor: string): Promise<void> {
    return this.inTurn(async () => {
      const mistakes: unknown[] = []
      // What fails of one must not leave the next one with books that are gone.
      const note = (service: string) => (error: unknown) => {
        if (isOfStore(error)) this.#onError(`a reload of ${service}`, error)
        else mistakes.push(error)
      }
      this.#name(all)
      for (let at = 0; at < all.length; at += TOGETHER) {
        await Promise.all(
          all.slice(at, at + TOGETHER).map(async ({ plan, book }) => {
            const { service } = plan
            await this.#running.get(service)?.reconfigure(plan, book, actor).catch(note(service))
          }),
        )
        await nextTurn()
      }
      await this.#settle().catch(note('what is new or gone'))
      if (mistakes.length > 0) throw mistakes[0]
    })
  }

  /**
   * Takes up and ends what waits for the store, all that can be, up to where it is away; rejects with the first
   * failure. Null: nothing waits.
   */
  settle(): Promise<void> | null {
    return this.#joining.size + this.#leaving.size === 0 ? null : this.inTurn(() => this.#settle())
  }

  /** Has each service where the configuration wants it; one that comes back goes on where it is. */
  #name(all: readonly Given<Plan>[]): void {
    const named = new Set(all.map(({ plan }) => plan.service))
    for (const [service, runner] of this.#running) {
      if (named.has(service)) continue
      this.#running.delete(service)
      this.#leaving.set(service, runner)
    }
    this.#joining.clear()
    for (const given of all) {
      const { service } = given.plan
      const runner = this.find(service)
      this.#leaving.delete(service)
      if (runner === undefined) this.#joining.set(service, given)
      else this.#running.set(service, runner)
    }
  }

  async #settle(): Promise<void> {
    const failed: unknown[] = []
    // What is wrong with one service is no reason to leave the others behind it with nobody who decides.
    const orNote = async (work: Promise<void>) => {
      await work.catch((error: unknown) => {
        if (error instanceof StoreAwayError) throw error
        failed.push(error)
      })
    }
    for (const [service, given] of this.#joining) {
      await orNote(this.#open(given).then((runner) => this.put(service, runner)))
    }
    for (const [service, runner] of this.#leaving) {
      await orNote(runner.flush().then((done) => void (done && this.#leaving.delete(service))))
    }
    if (failed.length > 0) throw failed[0]
  }
}
