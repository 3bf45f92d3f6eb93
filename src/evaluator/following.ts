import type { Clock } from '../domain/clock.ts'
import type { CohortOpening, Publication } from '../domain/replica.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type { ServiceBook } from '../metrics/service-recorder.ts'
import type { UnitClaims } from '../metrics/unit-claims.ts'
import { tripOf } from '../rollout/breaker-trip.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { Transition } from '../rollout/transition.ts'
import type { Store } from '../store/store.ts'
import type { CycleBook } from './cycle-book.ts'
import { faultShareOf } from './fault-shares.ts'
import { FollowedCohorts } from './followed-cohorts.ts'
import { labelledOn } from './labelled-on.ts'
import type { Follower } from './replica-voice.ts'
import { stepShareOf } from './step-shares.ts'
import { departsFrom } from './take-up.ts'

/** What the leader has said of a service, and when it was asked (monotonic). */
export type Word = { readonly publication: Publication; readonly askedAt: number }

/** Takes part in what the leader has opened, from this moment on. */
export type TakePart = (now: number, monotonicNow: number) => void

/** What following needs of the world. */
export type FollowingDeps = {
  readonly store: Pick<Store, 'readOpenings'>
  readonly clock: Clock
  /** The leader's newest word on a service; null = none. */
  readonly word: (service: string) => Word | null
  /** A name that no other shares have. */
  readonly nameShares: () => string
}

/** One rollout's cohorts while another replica decides; null while this one does. */
export class Following {
  readonly #deps: FollowingDeps
  #cohorts: FollowedCohorts | null = null
  #heard: Publication | null = null

  constructor(deps: FollowingDeps) {
    this.#deps = deps
  }

  get cohorts(): FollowedCohorts | null {
    return this.#cohorts
  }

  /** What has to be said of it. */
  follower(
    plan: RolloutPlan,
    state: RolloutState,
    book: ServiceBook,
    known: { readonly stored: RolloutState | null; readonly pending: Transition | null },
  ): Follower {
    const [service, followed] = [plan.service, this.#cohorts]
    const trip = tripOf(state, known.pending)
    const departs = departsFrom(known.stored, known.pending)
    const step = followed === null ? null : stepShareOf(plan, state, book)
    const faults = followed === null ? null : faultShareOf(state, book)
    return { service, followed, trip, step, faults, labelled: labelledOn(book), departs }
  }

  /**
   * Asks for what the leader's newest word needs. What comes back does what `turn` does, at once: several that listen
   * together begin in the same moment (wall and monotonic), and judge keys together where they have the same `claims`.
   */
  async listen(
    plan: RolloutPlan,
    state: RolloutState,
    book: CycleBook,
    claims?: UnitClaims,
  ): Promise<TakePart> {
    const { word, nameShares } = this.#deps
    if (this.#cohorts?.rollout !== rolloutId(state)) {
      this.#cohorts = new FollowedCohorts(plan, state, book, nameShares(), claims)
      this.#heard = null
    } else this.#cohorts.replan(plan, book)
    const cohorts = this.#cohorts
    const found = word(plan.service)
    const news = found === null || found.publication === this.#heard ? null : found
    const missed = news === null ? [] : await this.#readMissed(cohorts, news.publication)
    return (now, monotonicNow) => {
      if (news !== null) {
        cohorts.addForFeedback(missed)
        cohorts.hear(news.publication, now, news.askedAt)
        this.#heard = news.publication
      }
      cohorts.turn(state, now, monotonicNow)
    }
  }

  /** Takes part in what the leader has opened, where `state`, which is served, goes with it. */
  async turn(
    plan: RolloutPlan,
    state: RolloutState,
    book: CycleBook & Pick<ServiceBook, 'fade'>,
  ): Promise<void> {
    // What is said of late has to fade here as well.
    book.fade()
    const takePart = await this.listen(plan, state, book)
    takePart(this.#deps.clock.now(), this.#deps.clock.monotonic())
  }

  /** This process decides now. True where it followed before. */
  end(): boolean {
    const has = this.#cohorts !== null
    this.#cohorts = null
    return has
  }

  async #readMissed(
    cohorts: FollowedCohorts,
    publication: Publication,
  ): Promise<readonly CohortOpening[]> {
    if (!cohorts.agrees(publication) || !cohorts.hasMissed(publication)) return []
    const openings = await this.#deps.store.readOpenings(publication.service)
    const end = publication.cohort?.number ?? Infinity
    return openings.filter(({ number }) => number < end)
  }
}
