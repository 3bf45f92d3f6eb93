/** The store could not be opened, read or written. `message` says where and why; `cause` is the engine's error. */
export class StoreError extends Error {
  readonly code = 'SERIN_STORE_FAILED'
  override readonly name = 'StoreError'
}

/** The store could not be reached, or does not answer yet: another attempt may find it. */
export class StoreAwayError extends StoreError {}

/** The store is there and its data is not: it takes nothing more from who knew that data. */
export class StoreLostError extends StoreError {}

/** Wraps what the engine threw as `<what>: <why>`; a StoreError stays as it is. */
export function toStoreError(what: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause
  const why = cause instanceof Error ? cause.message : String(cause)
  return new StoreError(`${what}: ${why}`, { cause })
}
