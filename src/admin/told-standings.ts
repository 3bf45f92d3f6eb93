import type { AdminDeps, ReloadStanding } from './admin-deps.ts'
import { encodeReload, encodeStore } from './live-events.ts'

/** Events for those who read of all services, and for those who read of one. */
type Events = { readonly ofAll: readonly Buffer[]; readonly ofOne: readonly Buffer[] }

/** `away`: what is said of a store that cannot be used; null = it can. */
type Standings = { readonly reload: ReloadStanding; readonly away: string | null }

/** Knows what was told of the store and of the last reload, so that what becomes of them is told once. */
export class ToldStandings {
  readonly #deps: Pick<AdminDeps, 'lastReload' | 'ready'>
  #told: Standings | null = null

  constructor(deps: Pick<AdminDeps, 'lastReload' | 'ready'>) {
    this.#deps = deps
  }

  /** Forgets what was told. */
  clear(): void {
    this.#told = null
  }

  /** What a reader begins with, after the snapshot: that the store is there goes without saying. */
  whole(): Events {
    this.#told ??= this.#read()
    const { reload, away } = this.#told
    const ofOne = away === null ? [] : [encodeStore(away)]
    return { ofAll: [encodeReload(reload), ...ofOne], ofOne }
  }

  /** What has changed since it was told. */
  changes(): Events {
    const before = this.#told
    const { reload, away } = (this.#told = this.#read())
    const ofOne = before === null || before.away === away ? [] : [encodeStore(away)]
    if (before === null || before.reload === reload) return { ofAll: ofOne, ofOne }
    return { ofAll: [encodeReload(reload), ...ofOne], ofOne }
  }

  #read(): Standings {
    const { store = 'up' } = this.#deps.ready().checks
    return { reload: this.#deps.lastReload(), away: store === 'up' ? null : store }
  }
}
