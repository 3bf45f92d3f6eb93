import type { Store } from './store.ts'

/** The store, with every commit telling whether it could be written. */
export function meterStore(store: Store, setUp: (up: boolean) => void): Store {
  return {
    ...store,
    commit: async (change) => {
      try {
        const result = await store.commit(change)
        setUp(true)
        return result
      } catch (error) {
        setUp(false)
        throw error
      }
    },
  }
}
