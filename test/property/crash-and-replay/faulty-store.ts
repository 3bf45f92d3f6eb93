import type { Decision } from '../../../src/domain/decision.ts'
import type { RolloutState } from '../../../src/domain/rollout-state.ts'
import { StoreError } from '../../../src/store/store-error.ts'
import type { Store } from '../../../src/store/store.ts'

/** What becomes of a call: it is refused, done with its answer lost, or the process ends around it. */
export type Fault = 'fails' | 'answer lost' | 'dies before' | 'dies after'

/** What a store that fails rejects with: no other error may come out of the evaluator. */
export class StoreFault extends StoreError {}

/** A store that keeps its promises but for the calls that it is told to fail. */
export type FaultyStore = Store & {
  /** Becomes of the next commit that has a decision. */
  nextDecision: Fault | null
  /** Nothing can be read or written. */
  away: boolean
}

/**
 * Wraps `inner`. `onDecision` hears of each decision that is stored, in order, before anybody else;
 * `onDeath` is called where the process ends, and the call that it ended in never comes back.
 */
export function createFaultyStore(
  inner: Store,
  on: {
    readonly decision: (decision: Decision, state: RolloutState) => void
    readonly death: () => void
    readonly lostAnswer: () => void
  },
): FaultyStore {
  const never = (): Promise<never> => {
    on.death()
    return new Promise(() => {})
  }
  const store: FaultyStore = {
    ...inner,
    nextDecision: null,
    away: false,
    commit: async (change) => {
      mustBeThere()
      const fault = change.decision === undefined ? null : store.nextDecision
      if (fault !== null) store.nextDecision = null
      if (fault === 'fails') throw new StoreFault('the write failed')
      if (fault === 'dies before') return never()
      const result = await inner.commit(change)
      if (result.ok && result.decision !== null) on.decision(result.decision, change.state!)
      if (fault === 'answer lost') on.lostAnswer()
      if (fault === 'answer lost') throw new StoreFault('the answer was lost')
      return fault === 'dies after' ? never() : result
    },
    ...whenThere('readRollout', 'readRevision', 'decisions', 'rolledBackAt'),
    ...whenThere('acquireLease', 'releaseLease'),
  }
  return store

  function mustBeThere(): void {
    if (store.away) throw new StoreFault('the store is away')
  }

  function whenThere(...names: readonly (keyof Store)[]): Partial<Store> {
    return Object.fromEntries(
      names.map((name) => [
        name,
        async (...args: unknown[]) => {
          mustBeThere()
          return (inner[name] as (...args: unknown[]) => unknown)(...args)
        },
      ]),
    )
  }
}
