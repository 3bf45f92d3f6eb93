import type { ReloadStanding } from './admin/admin-deps.ts'
import type { Clock } from './domain/clock.ts'

/** Knows since when the configuration in force is there, and what was refused since. */
export class LastReload {
  readonly #clock: Pick<Clock, 'now'>
  readonly #setSuccess: (success: boolean) => void
  #standing: ReloadStanding

  /** The configuration that is in force now was taken with the start. */
  constructor(clock: Pick<Clock, 'now'>, setSuccess: (success: boolean) => void) {
    this.#clock = clock
    this.#setSuccess = setSuccess
    this.#standing = { inForceSince: clock.now(), refused: null }
  }

  /** A reload has ended: it was refused for these problems, or (null) taken. */
  readonly note = (problems: readonly string[] | null): void => {
    const at = this.#clock.now()
    this.#setSuccess(problems === null)
    this.#standing =
      problems === null
        ? { inForceSince: at, refused: null }
        : { ...this.#standing, refused: { at, problems } }
  }

  /** How things stand. */
  readonly read = (): ReloadStanding => this.#standing
}
