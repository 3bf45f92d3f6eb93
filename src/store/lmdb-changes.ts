import type { LmdbCells } from './lmdb-cells.ts'

/** Tells whether what this store knows of its last commits is still what is stored. All of it in a write transaction. */
export type LmdbChanges = {
  /** Whether nobody else has committed since this store did last. */
  readonly isAlone: () => boolean
  /** This store has changed a rollout. */
  readonly record: () => void
  /** A transaction was taken back: nothing is known until this store has committed again. */
  readonly forget: () => void
}

/** Every commit of any process counts up one number: this store knows the last one that it made itself. */
export function createLmdbChanges(cells: LmdbCells): LmdbChanges {
  let last = -1
  const count = () => (cells.get('changes') as number | undefined) ?? 0
  return {
    isAlone: () => count() === last,
    record: () => cells.put('changes', (last = count() + 1)),
    forget: () => (last = -1),
  }
}
