import type { Store } from '../../src/store/store.ts'
import type { Agenda } from './agenda.ts'
import type { ManualClock } from './simulated-service.ts'

/** What a network does to calls of a store. */
export type Weather = {
  /** Share of calls that never arrive, and share of those that arrive and whose answer is lost. */
  readonly lost: number
  readonly unanswered: number
  /** One way, in milliseconds: uniform up to this. */
  readonly delayMs: number
}

/** Who waits for an answer waits this long. */
const TIMEOUT_MS = 2000

/** One process' way to a store over a network, on a virtual clock. */
export class NetworkStore {
  /** The process has died: what it has sent still arrives, but nothing comes back and nothing more is sent. */
  isDead = false
  readonly store: Store
  readonly #clock: ManualClock
  readonly #agenda: Agenda
  readonly #draw: () => number
  readonly #weather: () => Weather

  constructor(
    behind: Store,
    clock: ManualClock,
    agenda: Agenda,
    draw: () => number,
    weather: () => Weather,
  ) {
    this.#clock = clock
    this.#agenda = agenda
    this.#draw = draw
    this.#weather = weather
    this.store = new Proxy(behind, {
      get: (target, name: keyof Store) => {
        const method = target[name] as (...args: unknown[]) => unknown
        return (...args: unknown[]) => {
          // The lease runs on the clock of the server, when the call arrives.
          const run = () =>
            name === 'acquireLease' ? method(args[0], args[1], clock.now()) : method(...args)
          return this.#call(name, run)
        }
      },
    })
  }

  #call(name: string, run: () => unknown): Promise<unknown> {
    const { lost, unanswered } = this.#weather()
    return new Promise((resolve, reject) => {
      if (this.isDead) return
      this.#later(TIMEOUT_MS, () => reject(new Error(`${name}: no answer`)))
      if (this.#draw() < lost) return
      const answers = this.#draw() >= unanswered
      this.#pass(() => {
        void Promise.resolve(run()).then(
          (value) => answers && this.#pass(() => this.isDead || resolve(value)),
          (error: unknown) => answers && this.#pass(() => this.isDead || reject(error)),
        )
      })
    })
  }

  #pass(run: () => void): void {
    this.#later(this.#draw() * this.#weather().delayMs, run)
  }

  #later(ms: number, run: () => void): void {
    this.#agenda.add(this.#clock.ms + ms, run)
  }
}
