import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { RolloutState } from '../domain/rollout-state.ts'
import type { DecisionSeed } from '../rollout/transition.ts'
import { makeDirectories } from './store-directory.ts'
import type { StoreLog } from './store-log.ts'

/** What a replica remembers by itself of a store that may be away when it starts. */
export type LastWeights = {
  /** The state that a rollout's weights were last served by; null = none is known. */
  readonly rollout: (service: string) => RolloutState | null
  /** Who had all of a fixed split's traffic last; null = nobody, or it is not known. */
  readonly winner: (service: string) => KeptWinner | null
  /** The rollback that made this state where the store did not have it; null = it had. */
  readonly unstored: (service: string) => DecisionSeed | null
  readonly keepRollout: (state: RolloutState, unstored?: DecisionSeed | null) => void
  readonly keepWinner: (service: string, winner: KeptWinner | null) => void
  /** Writes what is not written yet. */
  readonly close: () => void
}

/** A promoted variant, with what it was promoted of: a split of other steps or versions has no winner. */
export type KeptWinner = {
  readonly variant: string
  readonly version: string
  readonly steps: string
}

/** Of the file's format. */
const FORMAT = 1

type Kept = {
  readonly format: typeof FORMAT
  /** Which store they are of. */
  readonly store: string
  readonly rollouts: Record<string, RolloutState>
  /** Rollbacks that the store did not have. */
  readonly unstored: Record<string, DecisionSeed>
  readonly winners: Record<string, KeptWinner>
}

/** Remembers nothing: for a store that is the disk itself. */
export const NO_LAST_WEIGHTS: LastWeights = {
  rollout: () => null,
  unstored: () => null,
  winner: () => null,
  keepRollout: () => {},
  keepWinner: () => {},
  close: () => {},
}

/**
 * The last weights in the file `path`, which is read now and written anew, whole, at the end of each turn of
 * the event loop in which they changed. `store` names their store: what is of another one is not taken. A
 * file that cannot be read or written is said in the log and changes nothing else.
 */
export function openLastWeights(path: string, store: string, log: StoreLog): LastWeights {
  const kept = readKept(path, store, log)
  let isDue = false
  let isFailing = false
  const write = () => {
    if (!isDue) return
    isDue = false
    try {
      replaceFile(path, JSON.stringify(kept))
      isFailing = false
    } catch (error) {
      if (!isFailing) log.warn({ err: error, path }, 'the last weights cannot be kept on this disk')
      isFailing = true
    }
  }
  const change = () => {
    // Many services change in one turn of a start or a reload.
    if (!isDue) setImmediate(write)
    isDue = true
  }
  return {
    rollout: (service) => kept.rollouts[service] ?? null,
    unstored: (service) => kept.unstored[service] ?? null,
    winner: (service) => kept.winners[service] ?? null,
    keepRollout: (state, unstored = null) => {
      kept.rollouts[state.service] = state
      if (unstored === null) delete kept.unstored[state.service]
      else kept.unstored[state.service] = unstored
      change()
    },
    keepWinner: (service, winner) => {
      if (winner === null && kept.winners[service] === undefined) return
      if (winner === null) delete kept.winners[service]
      else kept.winners[service] = winner
      change()
    },
    close: write,
  }
}

function readKept(path: string, store: string, log: StoreLog): Kept {
  const nothing: Kept = {
    ...{ format: FORMAT, store },
    ...{ rollouts: bare(), unstored: bare(), winners: bare() },
  }
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      log.warn({ err: error, path }, 'the last weights on this disk cannot be read')
    }
    return nothing
  }
  try {
    // An earlier version keeps no rollbacks.
    const found = JSON.parse(text) as Omit<Kept, 'unstored'> & Partial<Kept>
    if (found.format !== FORMAT) throw new Error('it is of another version of serin')
    if (found.store !== store) return nothing
    const [rollouts, unstored] = [bare(found.rollouts), bare(found.unstored)]
    return { ...nothing, rollouts, unstored, winners: bare(found.winners) }
  } catch (error) {
    log.warn({ err: error, path }, 'the last weights on this disk cannot be read')
    return nothing
  }
}

/** Without a prototype: a service may have any name. */
function bare<T>(entries: Record<string, T> = {}): Record<string, T> {
  return Object.assign(Object.create(null) as Record<string, T>, entries)
}

/** Whole or not at all; several processes may do so at once. */
function replaceFile(path: string, text: string): void {
  makeDirectories(dirname(path))
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, text, { mode: 0o600 })
  renameSync(draft, path)
}
