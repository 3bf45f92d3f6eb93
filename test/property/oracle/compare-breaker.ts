import { Process, type Attempts } from './breaker.ts'
import type { Case } from './cases.ts'
import type { History } from './history.ts'
import type { Seen } from './world.ts'

/** What protects without evidence, at a look. */
export type Protection = {
  /** Whether the breaker of the gateway that decides trips. */
  readonly isTripped: boolean
  /** Those whose breakers trip that follow. */
  readonly tripped: readonly string[]
  /** Nothing is rolled back onto it. */
  readonly isSick: boolean
}

/** The breaker of each gateway, and whether the baseline is sick, at each look of a life. */
export class Breakers {
  readonly #seen: readonly Seen[]
  readonly #life: Case
  readonly #restartedAt: number | null
  readonly #processes: ReadonlyMap<string, Process>

  constructor(life: Case, history: History, seen: readonly Seen[]) {
    this.#life = life
    this.#seen = seen
    this.#restartedAt = history.restartedAt
    const names = new Set(history.requests.map(({ gateway }) => gateway))
    this.#processes = new Map(
      [...names].map((name) => {
        const own = history.requests.filter(({ gateway }) => gateway === name)
        return [name, new Process(own)] as const
      }),
    )
  }

  /** Of the state before this look. */
  at(look: number): Protection {
    const { at, weights, leader } = this.#seen[look]!
    const { startedAt } = this.#seen[look - 1]!.state
    const { warmUpMs, breakerFailures: failures } = this.#life.service.rollout!.analysis
    // A process that starts is in warm-up, too.
    const isAnother = this.#restartedAt !== null && this.#restartedAt <= at
    const terms = {
      failures,
      isWarmUp: at < (isAnother ? this.#restartedAt! : startedAt) + warmUpMs,
    }
    const since = this.#lookedAnewAt(look)
    const standings = Object.keys(weights).flatMap((name) => {
      const own = this.#processes.get(name)
      return own === undefined
        ? []
        : [[name, own.standing(at, since, this.#last(own, look), terms)] as const]
    })
    const own = standings.find(([name]) => name === leader)?.[1]
    return {
      isTripped: own?.trips ?? false,
      tripped: standings.flatMap(([name, { trips }]) => (trips && name !== leader ? [name] : [])),
      isSick: own?.isSick ?? false,
    }
  }

  /** When a rollout went on after its baseline was sick. */
  #lookedAnewAt(look: number): number {
    const before = this.#seen.slice(0, look)
    const isResumed = (n: number) => {
      const [a, b] = [before[n - 1]?.state, before[n]!.state]
      return a?.phase === 'paused' && a.pausedBy === 'baseline' && b.phase !== 'paused'
    }
    const at = before.findLastIndex((_, n) => isResumed(n))
    return at === -1 ? 0 : before[at]!.at
  }

  /** The baseline's shares in its last step that had any requests. */
  #last(process: Process, look: number): Attempts['shares'] | null {
    const entered = [...new Set(this.#seen.slice(0, look).map(({ state }) => state.stepEnteredAt))]
    for (let n = entered.length - 1; n > 0; n--) {
      const rates = process.rates(0, entered[n - 1]! + 1, entered[n]!)
      if (rates !== null) return rates
    }
    return null
  }
}
