import type { Clock } from '../domain/clock.ts'
import type { ServiceReplicas } from '../domain/replica.ts'
import type { UnitClaim, UnitClaims } from '../metrics/unit-claims.ts'
import type { Lease, Store } from '../store/store.ts'
import type { FollowingDeps } from './following.ts'
import { ReplicaVoice, type Follower } from './replica-voice.ts'
import { ReplicaWatch } from './replica-watch.ts'
import type { OtherReplicas } from './shared-cohorts.ts'

/** What the rollouts of a process see of the other processes on its store. */
export type ReplicaDeps = Pick<FollowingDeps, 'word' | 'nameShares'> & {
  readonly others: OtherReplicas
}

/** A rollout or an experiment whose keys others may judge too, by the name that they are claimed under. */
export type Claimant = { readonly service: string; readonly claims: UnitClaims }

/** A process, and the services that it has another configuration of. */
export type Differing = { readonly replica: string; readonly services: readonly string[] }

/** What is known of the other processes on a store by the one that decides. */
export type SeenReplicas = {
  readonly others: number
  /** Those that have another configuration of some services: what they serve of these is no evidence. */
  readonly differing: readonly Differing[]
  /** Cohorts since the process began in which the share of another one is missing. */
  readonly lostShares: number
  /** When another one said last that labels of a service have joined requests on it, monotonic; by service. */
  readonly labelledAt: ReadonlyMap<string, number>
}

/** This process among those that share its store, whether it decides or follows. */
export class Replicas {
  readonly #store: Store
  readonly #self: string
  /** While this process decides: what it hears of the others and tells them. */
  readonly #watch: ReplicaWatch
  /** While another one does: what this one hears of it and tells it. */
  readonly #voice: ReplicaVoice
  /** Of the lease that was had last; null = none was. */
  #token: number | null = null
  #names = 0
  #claiming: Promise<void> | null = null
  #told = JSON.stringify([0, []])

  constructor(store: Store, clock: Clock, self: string) {
    this.#store = store
    this.#self = self
    this.#watch = new ReplicaWatch(store, clock, self)
    this.#voice = new ReplicaVoice(store, clock, self)
  }

  get deps(): ReplicaDeps {
    const nameShares = () => `${this.#self}/${++this.#names}`
    return { others: this.#watch, word: this.#voice.word, nameShares }
  }

  /** The others that are there, as the process that decides knows them. */
  get seen(): SeenReplicas {
    const reports = this.#watch.present
    return {
      others: reports.length,
      differing: reports
        .filter(({ differs }) => differs.length > 0)
        .map(({ replica, differs }) => ({ replica, services: [...differs].sort() }))
        .sort((a, b) => (a.replica < b.replica ? -1 : 1)),
      lostShares: this.#watch.lostShares,
      labelledAt: this.#watch.labelledAt,
    }
  }

  /** Whether there are others, as far as the process that decides knows. */
  get areThere(): boolean {
    return this.#watch.areThere()
  }

  /** Who of them takes part in a service that is shared under these names, as the process that decides knows them. */
  seenOf(names: readonly string[]): ServiceReplicas {
    const reports = this.#watch.present
    const differing = reports.filter(({ differs }) => differs.some((name) => names.includes(name)))
    return {
      contributing: 1 + reports.length - differing.length,
      differing: differing.map(({ replica }) => replica).sort(),
    }
  }

  /** Whether who decides has another configuration of what is shared under these names. */
  differs(names: readonly string[]): boolean {
    return this.#voice.differs.some((name) => names.includes(name))
  }

  /** Whether others have come, gone, or changed since the last time that it was asked. */
  isNews({ others, differing }: SeenReplicas): boolean {
    const before = this.#told
    this.#told = JSON.stringify([others, differing])
    return this.#told !== before
  }

  /** This process decides under this lease: what it knows from an earlier one is of another time. */
  decide({ token }: Lease): void {
    if (token !== this.#token) this.#watch.forget()
    this.#token = token
  }

  /** What the others have said, before anything is done about it. Rejects when the store cannot be asked. */
  hear(leads: boolean, followers: () => readonly Follower[]): Promise<void> {
    return leads ? this.#watch.look() : this.#voice.look(followers())
  }

  /** Tells the others what is open now. */
  async tell(lease: Lease | null): Promise<void> {
    if (lease !== null) await this.#watch.flush(lease)
  }

  /** Asks for the keys that are new here: whoever asks first has them. One question at a time. */
  claim(claimants: readonly Claimant[]): Promise<void> {
    this.#claiming ??= this.#claim(claimants).finally(() => (this.#claiming = null))
    return this.#claiming
  }

  async #claim(claimants: readonly Claimant[]): Promise<void> {
    const asked = claimants
      .map(({ service, claims }) => ({ service, pending: claims.pending }))
      .filter(({ pending }) => pending.length > 0)
    if (asked.length === 0) return
    const units = (pending: readonly UnitClaim[]) => pending.map(({ unit }) => unit)
    const won = await this.#store.claimUnits(
      asked.map(({ service, pending }) => ({ service, units: units(pending) })),
    )
    for (const [index, { pending }] of asked.entries()) {
      for (const [place, claim] of pending.entries()) claim.settle(won[index]![place]!)
    }
  }

  /** The process ends: what it has of others' cohorts is handed over. */
  leave(followers: readonly Follower[]): Promise<void> {
    return this.#voice.leave(followers)
  }
}
