import type { SetTimer } from './set-timer.ts'

/** A store that did not take a write is tried again after this, in milliseconds. */
export const PROBE_AFTER_MS = 1000

/** Keeps writes from a store that cannot take them. */
export type WriteGate = {
  /** No write may be tried before `open` has resolved. */
  readonly isShut: () => boolean
  /** Resolves when a probe has been written; until then rejects with what the last failure was. */
  readonly open: () => Promise<void>
  /** A write has failed for a reason that the next one would meet too. */
  readonly shut: (cause: unknown) => void
}

/**
 * A gate in front of a store's writes. One that fails shuts it: a small write may find room where a large one
 * does not, so that one by one they would say now this and now that. Only a write of `probe` opens it again,
 * tried when somebody wants to write and a second has passed since the last failure.
 */
export function createWriteGate(probe: () => Promise<unknown>, setTimer: SetTimer): WriteGate {
  let failure: { readonly cause: unknown } | null = null
  let isResting = false
  let probing: Promise<void> | null = null
  const shut = (cause: unknown) => {
    failure = { cause }
    if (isResting) return
    isResting = true
    setTimer(() => (isResting = false), PROBE_AFTER_MS)
  }
  const attempt = async () => {
    try {
      await probe()
      failure = null
    } catch (error) {
      shut(error)
      throw error
    } finally {
      probing = null
    }
  }
  return {
    isShut: () => failure !== null,
    open: async () => {
      if (isResting && failure !== null) throw failure.cause
      await (probing ??= attempt())
    },
    shut,
  }
}
