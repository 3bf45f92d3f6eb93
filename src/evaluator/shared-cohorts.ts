import type { Cohort } from '../domain/cohort.ts'
import type { RolloutState } from '../domain/rollout-state.ts'
import type {
  BreakerTrip,
  CohortOpening,
  CohortShare,
  FaultShare,
  LearntTerms,
  PairFigures,
  Publication,
  StepShare,
} from '../domain/replica.ts'
import type { CohortLedger } from '../metrics/cohort-ledger.ts'
import { mergeShares } from '../rollout/merge-shares.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { Store } from '../store/store.ts'
import { FOLDED_AT_ONCE, isDue } from './is-due.ts'
import type { SharedKeys } from './shared-keys.ts'

/** How a cohort stands with those who take part in it; `incomplete`: a share of it is lost. */
export type Standing = 'waiting' | 'complete' | 'incomplete'

/** The other replicas, as a rollout sees them that is decided here. */
export type OtherReplicas = {
  /** Whether there is any. */
  readonly areThere: () => boolean
  readonly standing: (service: string, cohort: Cohort, now: number) => Standing
  /** Tells them with the next word; never fails. */
  readonly publish: (publication: Publication) => void
  readonly readShares: Store['readShares']
  /** A replica whose own breaker has tripped in this state; null = none. */
  readonly trip: (state: RolloutState) => (BreakerTrip & { readonly replica: string }) | null
  /** Claims keys that are judged here already. */
  readonly claimUnits: (service: string, units: Iterable<number>) => Promise<void>
  /** A cohort goes on without a share of somebody who may have had one. */
  readonly noteLost: () => void
  /** What they have learnt of an attempt's values. */
  readonly learnt: (service: string, rollout: string) => readonly LearntTerms[]
  /** What they have counted of the step that a rollout is in. */
  readonly stepShares: (state: RolloutState) => readonly StepShare[]
  /** How they saw the canary fail in the attempt of a rollout. */
  readonly faultShares: (state: RolloutState) => readonly FaultShare[]
  /** What their pairs have come to in the attempt of a rollout. */
  readonly pairFigures: (state: RolloutState) => readonly PairFigures[]
}

/** What of them counts when a cohort turns. */
export type TurningReplicas = Pick<OtherReplicas, 'areThere' | 'publish' | 'learnt' | 'pairFigures'>

/** A cohort of the others goes on for so long beyond its interval when they hear nothing new. */
const LEASE_GRACE_MS = 2000

/** How far an attempt is folded: its draws, and each hypothesis by its id. */
type Folded = {
  readonly counted: number
  readonly byHypothesis: ReadonlyMap<string, number>
}

type Holder = { readonly cohort: Cohort }

/** The mirrored cohorts of an attempt, which has one open at a time, of these or of draws. */
type Mirrored = {
  readonly current: Cohort | null
  readonly slots: () => Iterable<Holder>
  /** Those whose own pairs are all known, in order, until they are folded. */
  readonly known: () => Iterable<Cohort>
  /** Folded ones whose labels are to be folded now. */
  readonly due: (now: number) => Iterable<Cohort>
}

/** What of an attempt is there to be shared. */
type Shareable = {
  readonly ledger: CohortLedger
  readonly pairs: Mirrored
  readonly folded: ReadonlyMap<string, number>
  /** That of its newest cohort. */
  readonly lastNumber: number
}

type Gathered = {
  readonly standing: Standing | NonNullable<Cohort['shares']>
  readonly shares: CohortShare[]
}

/** What one attempt's cohorts are to the other replicas, and what these add to them. */
export class SharedCohorts {
  /** Of the cohorts that are about to be folded. */
  #gathered: ReadonlyMap<number, Gathered> = new Map()
  /** Number of the cohort that was published last. */
  #previous: number | null = null
  /** The others were told of an open cohort, so they must be told that it is none any more. */
  #isOpen = false
  /** Up to which number the others know that all is folded. */
  #toldThrough = -Infinity
  /** The store had cohorts of before with shares of others. */
  #hasRestored: boolean
  readonly #keys: SharedKeys

  /** `restored`: the cohorts that the store has; `keys`: those that they judge. */
  constructor(restored: readonly Cohort[], keys: SharedKeys) {
    this.#keys = keys
    this.#hasRestored = restored.some(({ shares }) => shares !== undefined)
  }

  /** Whether any cohort may have shares of others. */
  get areAny(): boolean {
    return this.#previous !== null || this.#hasRestored
  }

  /** Whether others may take part, who are there or not: with keys not before all that were judged are claimed. */
  admits(others: boolean, { keyed }: RolloutPlan): boolean {
    return keyed ? this.#keys.admits(others) : others
  }

  /** What the others have to know now, who may all be gone; null = nothing that they do not know. */
  publication(
    plan: RolloutPlan,
    rollout: string,
    { ledger, pairs, folded, lastNumber }: Shareable,
    areThere: boolean,
  ): Publication | null {
    const current = areThere ? (ledger.current ?? pairs.current) : null
    const isOver =
      !areThere && this.areAny && !hasShared(ledger.slots()) && !hasShared(pairs.slots())
    if (!areThere && !this.#isOpen && !isOver) return null
    const through =
      Math.min(firstNumber(ledger.slots()), firstNumber(pairs.slots()), lastNumber + 1) - 1
    // Where nothing opens any more, after a rollback, say, labels come to the others all the same.
    const isNews = this.areAny && through > this.#toldThrough
    if (current === null && !this.#isOpen && !isOver && !isNews) return null
    this.#toldThrough = through
    const [previous, earlier] = [this.#previous, [] as CohortOpening[]]
    if (previous === null && current !== null) {
      for (const { cohort } of inOrder([...ledger.slots(), ...pairs.slots()])) {
        if (cohort === current) continue
        // Nobody else has drawn for it, but feedback may go to anybody from now on.
        cohort.shares ??= 'complete'
        earlier.push(openingOf(cohort))
      }
    }
    if (current !== null) {
      current.shares = 'expected'
      this.#previous = current.number
    }
    this.#isOpen = current !== null
    // Alone again: this word removes what is left in the store.
    if (isOver) {
      this.#previous = null
      this.#hasRestored = false
    }
    return {
      service: plan.service,
      rollout,
      sharingKey: plan.sharingKey,
      cohort: current === null ? null : openingOf(current),
      leaseMs: plan.spec.analysis.intervalMs + LEASE_GRACE_MS,
      previous,
      earlier,
      folded: Object.fromEntries(folded),
      through,
    }
  }

  /** Reads what others have added to the settled cohorts that are to be folded `now`, and keeps it until then. */
  async gather(
    others: OtherReplicas,
    { service, hypotheses }: RolloutPlan,
    ledger: CohortLedger,
    pairs: Mirrored,
    folded: Folded,
    now: number,
  ): Promise<void> {
    await this.#keys.claimKnown(others)
    const wanted = new Map<number, Gathered>()
    for (const cohort of pairs.known()) {
      const standing = others.standing(service, cohort, now)
      if (standing === 'waiting') break
      if (cohort.shares !== undefined) wanted.set(cohort.number, { standing, shares: [] })
    }
    for (const { cohort, settled } of ledger.slotsAfter(folded.counted)) {
      const standing = settled ? others.standing(service, cohort, now) : 'waiting'
      if (standing === 'waiting') break
      if (cohort.shares !== undefined) wanted.set(cohort.number, { standing, shares: [] })
    }
    for (const hypothesis of hypotheses) {
      let left = FOLDED_AT_ONCE
      for (const { cohort, counted } of ledger.slotsAfter(
        folded.byHypothesis.get(hypothesis.id)!,
      )) {
        if (!counted || !isDue(cohort, hypothesis, now) || left-- === 0) break
        if (cohort.shares === undefined) continue
        wanted.set(cohort.number, { standing: cohort.shares, shares: [] })
      }
    }
    for (const { shares: standing, number } of pairs.due(now)) {
      if (standing !== undefined) wanted.set(number, { standing, shares: [] })
    }
    if (wanted.size === 0) return
    const shares = await others.readShares(service, [...wanted.keys()])
    for (const share of shares) wanted.get(share.cohort)!.shares.push(share)
    const fresh = [...ledger.slotsAfter(folded.counted)].map(({ cohort }) => cohort)
    for (const { number } of [...fresh, ...pairs.known()]) {
      if (wanted.get(number)?.standing === 'incomplete') others.noteLost()
    }
    this.#gathered = wanted
  }

  /** Whether nothing is missing that can still come. */
  isWhole({ shares, number }: Cohort): boolean {
    return shares === undefined || this.#gathered.has(number)
  }

  /** A cohort whose draws are counted now says for ever who was there. */
  settle(cohort: Cohort, now: number): void {
    const found = this.#gathered.get(cohort.number)
    if (cohort.shares !== 'expected' || found === undefined) return
    cohort.shares = found.standing === 'complete' ? 'complete' : 'incomplete'
    cohort.settledAt = now
  }

  sharesOf({ number, rollout }: Cohort): readonly CohortShare[] {
    const shares = this.#gathered.get(number)?.shares ?? []
    return shares.filter((share) => share.rollout === rollout)
  }

  /** The cohort with what the others have added. */
  whole(cohort: Cohort): Cohort {
    const shares = this.sharesOf(cohort)
    return shares.length === 0 ? cohort : mergeShares(cohort, shares)
  }

  /** What was gathered has been folded. */
  release(): void {
    if (this.#gathered.size > 0) this.#gathered = new Map()
  }
}

function hasShared(all: Iterable<Holder>): boolean {
  for (const { cohort } of all) if (cohort.shares !== undefined) return true
  return false
}

function firstNumber(all: Iterable<Holder>): number {
  const [first] = all
  return first?.cohort.number ?? Infinity
}

function inOrder(all: readonly Holder[]): readonly Holder[] {
  return all.toSorted((a, b) => a.cohort.number - b.cohort.number)
}

function openingOf(cohort: Cohort): CohortOpening {
  const { number, rollout, step, pi, epoch, judged, openedAt, mirrored, terms } = cohort
  const opening = { number, rollout, step, pi, epoch, judged, openedAt, terms }
  return mirrored === undefined ? opening : { ...opening, mirrored }
}
