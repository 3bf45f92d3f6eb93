/** The store could not be opened, read or written. `message` says where and why; `cause` is the engine's error. */
export class StoreError extends Error {
  readonly code = 'SERIN_STORE_FAILED'
  override readonly name = 'StoreError'
}

/** The store could not be reached, or does not answer yet: another attempt may find it. */
export class StoreAwayError extends StoreError {}

/** The store is there and its data is not: it takes nothing more from who knew that data. */
export class StoreLostError extends StoreError {}

/** A version of serin after this one has opened the store, and may have stored what this one cannot read. */
export class NewerStoreError extends StoreError {}

/** The one of a store of `place` with this schema, and what to do; `name`: what another store is told apart by. */
export function newerStore(
  place: string,
  { found, known, name }: { found: unknown; known: number; name: 'path' | 'prefix' },
): NewerStoreError {
  return new NewerStoreError(
    `store ${place} was written by a newer serin (schema ${String(found)}, this one knows ${known}): ` +
      `run that version, restore a backup from before it, or give this one another ${name}, where every rollout begins anew`,
  )
}

/** Wraps what the engine threw as `<what>: <why>`; a StoreError stays as it is. */
export function toStoreError(what: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause
  const why = cause instanceof Error ? cause.message : String(cause)
  return new StoreError(`${what}: ${why}`, { cause })
}
