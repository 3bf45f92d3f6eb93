import type { Clock } from '../domain/clock.ts'
import type { Lease, Store } from '../store/store.ts'
import type { FollowingDeps } from './following.ts'
import { ReplicaVoice, type Follower } from './replica-voice.ts'
import { ReplicaWatch } from './replica-watch.ts'
import type { OtherReplicas } from './shared-cohorts.ts'

/** What the rollouts of a process see of the other processes on its store. */
export type ReplicaDeps = Pick<FollowingDeps, 'word' | 'nameShares'> & {
  readonly others: OtherReplicas
}

/** This process among those that share its store, whether it decides or follows. */
export class Replicas {
  readonly #self: string
  /** While this process decides: what it hears of the others and tells them. */
  readonly #watch: ReplicaWatch
  /** While another one does: what this one hears of it and tells it. */
  readonly #voice: ReplicaVoice
  #names = 0

  constructor(store: Store, clock: Clock, self: string) {
    this.#self = self
    this.#watch = new ReplicaWatch(store, clock, self)
    this.#voice = new ReplicaVoice(store, clock, self)
  }

  get deps(): ReplicaDeps {
    const nameShares = () => `${this.#self}/${++this.#names}`
    return { others: this.#watch, word: this.#voice.word, nameShares }
  }

  /** Others that are known to be there; null = this process follows, and knows of the leader alone. */
  get present(): ReplicaWatch['present'] {
    return this.#watch.present
  }

  /** This process begins or ceases to decide. */
  turn(): void {
    this.#watch.forget()
  }

  /** What the others have said, before anything is done about it. Rejects when the store cannot be asked. */
  hear(leads: boolean, followers: () => readonly Follower[]): Promise<void> {
    return leads ? this.#watch.look() : this.#voice.look(followers())
  }

  /** Tells the others what is open now. */
  async tell(lease: Lease | null): Promise<void> {
    if (lease !== null) await this.#watch.flush(lease)
  }

  /** The process ends: what it has of others' cohorts is handed over. */
  leave(followers: readonly Follower[]): Promise<void> {
    return this.#voice.leave(followers)
  }
}
