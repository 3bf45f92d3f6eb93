import type { Clock } from '../domain/clock.ts'
import type { BreakerTrip, FaultShare, StepShare } from '../domain/replica.ts'
import type { Store } from '../store/store.ts'
import type { FollowedCohorts } from './followed-cohorts.ts'
import type { Word } from './following.ts'
import type { Labelled } from './labelled-on.ts'

/** Says that it is there this often, where it has nothing else to say. */
const BEAT_MS = 1000

/** What a rollout that is followed here has to say. */
export type Follower = {
  readonly service: string
  readonly followed: FollowedCohorts | null
  readonly trip: BreakerTrip | null
  /** What absolute limits are read from; null = nothing. */
  readonly step: StepShare | null
  /** How its canary failed; null = it did not. */
  readonly faults: FaultShare | null
  /** Whose labels are told: the book's service, and how many have joined; null = no metric asks for any. */
  readonly labelled: Labelled | null
  /** The configuration here makes another rollout of what is stored than who decides does. */
  readonly departs: boolean
}

/**
 * The word of a replica that follows: it hears what the leader publishes, says so, and only then takes part, so
 * that the leader knows of every cohort that it may have opened. One read and at most one write, whatever the
 * number of services.
 */
export class ReplicaVoice {
  readonly #store: Store
  readonly #clock: Clock
  readonly #replica: string
  readonly #words = new Map<string, Word>()
  #seen = 0
  #beat = 0
  #saidAt = -Infinity
  #lastWords = ''
  #differs: readonly string[] = []

  constructor(store: Store, clock: Clock, replica: string) {
    this.#store = store
    this.#clock = clock
    this.#replica = replica
  }

  /** Hears and says. Rejects when the store cannot be asked: then nothing new is opened. */
  async look(followers: readonly Follower[]): Promise<void> {
    const askedAt = this.#clock.monotonic()
    const { version, publications } = await this.#store.readPublications(this.#seen)
    await this.#hand(followers, version, false)
    this.#seen = version
    for (const publication of publications) {
      this.#words.set(publication.service, { publication, askedAt })
    }
  }

  /** The leader's newest word on a service; null = none. */
  word = (service: string): Word | null => this.#words.get(service) ?? null

  /** Services whose configuration here is another one than that of who decides, at the last look. */
  get differs(): readonly string[] {
    return this.#differs
  }

  /** Hands over all that there is, and says good-bye: no request is under way, no answer is being read. */
  async leave(followers: readonly Follower[]): Promise<void> {
    for (const { followed } of followers) followed?.close(this.#clock.now())
    if (this.#beat === 0) return
    await this.#hand(followers, this.#seen, true)
    // What it still owes is lost: whoever waits for it has to see that.
    if (followers.every(({ followed }) => (followed?.owed.length ?? 0) === 0)) {
      await this.#store.forgetReplica(this.#replica)
    }
  }

  async #hand(followers: readonly Follower[], seen: number, isOver: boolean): Promise<void> {
    const taking = followers.flatMap(({ followed }) => (followed === null ? [] : [followed]))
    const [now, monotonicNow] = [this.#clock.now(), this.#clock.monotonic()]
    const handed = taking.map((followed) => followed.settle(now, monotonicNow, isOver))
    await this.#say(followers, seen, handed.flat())
    for (const [index, followed] of taking.entries()) followed.reported(handed[index]!)
  }

  async #say(
    followers: readonly Follower[],
    seen: number,
    shares: Parameters<Store['report']>[1],
  ): Promise<void> {
    const handed = new Set(shares.map(({ service, cohort }) => `${service} ${cohort}`))
    const differs = this.#differing(followers)
    this.#differs = differs
    const report = {
      replica: this.#replica,
      seen,
      owes: followers.flatMap(({ service, followed }) =>
        (followed?.owed ?? [])
          .filter((cohort) => !handed.has(`${service} ${cohort}`))
          .map((cohort) => [service, cohort] as const),
      ),
      differs,
      learnt: followers.flatMap(({ followed }) => followed?.learnt ?? []),
      trips: followers.flatMap(({ trip }) => (trip === null ? [] : [trip])),
    }
    const now = this.#clock.monotonic()
    const words = JSON.stringify(report)
    if (shares.length === 0 && words === this.#lastWords && now - this.#saidAt < BEAT_MS) return
    // They grow with every request: told with what is told anyhow.
    const counting = followers.filter(
      ({ service, followed }) => followed !== null && !differs.includes(service),
    )
    const steps = counting.flatMap(({ step }) => step ?? [])
    const faults = counting.flatMap((each) => each.faults ?? [])
    const pairs = counting.flatMap(({ followed }) => followed?.pairFigures ?? [])
    // Challengers of one service have one book.
    const all = followers.flatMap((each) => (each.labelled === null ? [] : [each.labelled]))
    const labelled = [...new Map(all)]
    const beat = this.#beat + 1
    await this.#store.report({ ...report, steps, faults, labelled, pairs, beat }, shares)
    this.#beat += 1
    this.#saidAt = now
    this.#lastWords = words
  }

  #differing(followers: readonly Follower[]): readonly string[] {
    return followers
      .filter(({ service, followed, departs }) => {
        if (departs) return true
        const word = this.#words.get(service)
        // Of the rollout that it knows: another one may have begun in this moment.
        return (
          word?.publication.rollout === followed?.rollout &&
          followed?.agrees(word!.publication) === false
        )
      })
      .map(({ service }) => service)
  }
}
