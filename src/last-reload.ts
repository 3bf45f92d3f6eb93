import type { ReloadStanding } from './admin/admin-deps.ts'
import type { Clock } from './domain/clock.ts'
import type { Untaken } from './evaluator/evaluator-deps.ts'

/** What is known of the configuration in force beside what reloads say. */
export type LastReloadDeps = {
  readonly clock: Pick<Clock, 'now'>
  readonly metrics: { readonly setReloadSuccess: (success: boolean) => void }
  /** What the store has not taken up of it. */
  readonly untaken: () => readonly Untaken[]
}

/** Knows since when the configuration in force is there, what of it waits for the store, and what was refused since. */
export class LastReload {
  readonly #deps: LastReloadDeps
  #standing: ReloadStanding

  /** The configuration that is in force now was taken with the start. */
  constructor(deps: LastReloadDeps) {
    this.#deps = deps
    this.#standing = { inForceSince: deps.clock.now(), waiting: [], refused: null }
  }

  /** A reload has ended: it was refused for these problems, or (null) taken. */
  readonly note = (problems: readonly string[] | null): void => {
    const at = this.#deps.clock.now()
    this.#deps.metrics.setReloadSuccess(problems === null)
    this.#standing =
      problems === null
        ? { inForceSince: at, waiting: [], refused: null }
        : { ...this.#standing, refused: { at, problems } }
  }

  /** How things stand: the same object as long as nothing has changed. */
  readonly read = (): ReloadStanding => {
    const waiting = this.#deps.untaken().map(({ sentence }) => sentence)
    const isSame = waiting.join('\n') === this.#standing.waiting.join('\n')
    if (!isSame) this.#standing = { ...this.#standing, waiting }
    return this.#standing
  }
}
