import type { Clock } from '../domain/clock.ts'
import type { Cohort } from '../domain/cohort.ts'
import { rolloutId, type RolloutState } from '../domain/rollout-state.ts'
import type {
  BreakerTrip,
  FaultShare,
  LearntTerms,
  PairFigures,
  Publication,
  ReplicaReport,
  StepShare,
} from '../domain/replica.ts'
import { SETTLE_MS } from '../domain/outcome.ts'
import { PAIR_WINDOW_MS } from '../metrics/pair-ledger.ts'
import { isTripOf } from '../rollout/breaker-trip.ts'
import type { Lease, Store } from '../store/store.ts'
import type { OtherReplicas, Standing } from './shared-cohorts.ts'
import { isOfStep } from './step-shares.ts'

/** Who has said nothing new for so long is gone. */
export const SILENT_MS = 5000

/** Its requests had their time when a share is given up, and so much more. */
const SHARE_GRACE_MS = 15_000

/** A share that has not come by then, after its cohort has closed, is lost. */
export const SHARE_DEADLINE_MS = SETTLE_MS + SHARE_GRACE_MS

/** The same of a mirrored cohort. */
const PAIRS_DEADLINE_MS = PAIR_WINDOW_MS + SHARE_GRACE_MS

/** What a replica that is gone has said is of use for so long: until no cohort waits that it may have opened. */
const FORGET_MS = 2 * Math.max(SHARE_DEADLINE_MS, PAIRS_DEADLINE_MS)

/**
 * What a replica has said of late is of late for so long where it says nothing newer: it says so once a second at least, and
 * the figures of one that is gone would not fade any more.
 */
const LATE_MS = 2500

/** How often a leader that is alone looks whether it still is. */
const ALONE_LOOK_MS = 1000

/** Keys of one claim, at most. */
const CLAIMED_AT_ONCE = 5000

const NOBODY: readonly ReplicaReport[] = []
const NOTHING: readonly never[] = []

/** `beat`: that of the report that it came with. */
type SaidOfStep = { readonly share: StepShare; readonly beat: number }

type Heard = {
  readonly report: ReplicaReport
  readonly owes: ReadonlySet<string>
  /** Monotonic. */
  heardAt: number
}

/** What was told of a cohort; `version: null` = not known to have arrived. */
type Told = { readonly number: number | null; readonly version: number | null }

/**
 * What the replica that decides knows of the others, and tells them. Whether one is there is counted on the own
 * monotonic clock, from when it last said something new: no two clocks need to agree.
 */
export class ReplicaWatch implements OtherReplicas {
  readonly #store: Store
  readonly #clock: Clock
  readonly #self: string
  readonly #heard = new Map<string, Heard>()
  /** By service and replica: also of those that are gone, as long as their step lasts. */
  readonly #steps = new Map<string, Map<string, SaidOfStep>>()
  /** The same, as long as their attempt lasts. */
  readonly #faults = new Map<string, Map<string, FaultShare>>()
  readonly #pairs = new Map<string, Map<string, PairFigures>>()
  /** By service: when another one said last that labels have come since, monotonic. */
  readonly #labelledAt = new Map<string, number>()
  readonly #told = new Map<string, Told[]>()
  readonly #queue = new Map<string, Publication>()
  #lookedAt = -Infinity
  #lostShares = 0

  constructor(store: Store, clock: Clock, self: string) {
    this.#store = store
    this.#clock = clock
    this.#self = self
  }

  readonly readShares: Store['readShares'] = (service, cohorts) =>
    this.#store.readShares(service, cohorts)

  /** Reads what the others have said since. */
  async look(): Promise<void> {
    const now = this.#clock.monotonic()
    if (this.#heard.size === 0 && now - this.#lookedAt < ALONE_LOOK_MS) return
    const reports = await this.#store.readReports()
    // While nobody could be heard, nobody was silent.
    const missed = Math.max(0, now - this.#lookedAt - ALONE_LOOK_MS)
    for (const heard of this.#heard.values()) heard.heardAt += missed
    this.#lookedAt = now
    const names = new Set(reports.map(({ replica }) => replica))
    for (const name of this.#heard.keys()) if (!names.has(name)) this.#heard.delete(name)
    for (const report of reports) {
      // What this process has said while it followed.
      if (report.replica !== this.#self) this.#hear(report, now)
      else await this.#store.forgetReplica(this.#self)
    }
    for (const [name, { heardAt }] of this.#heard) {
      if (now - heardAt >= FORGET_MS) await this.#store.forgetReplica(name)
    }
  }

  /** Those that are there. */
  get present(): readonly ReplicaReport[] {
    // Asked for of each rollout at each look, and mostly there is nobody.
    if (this.#heard.size === 0) return NOBODY
    const now = this.#clock.monotonic()
    return [...this.#heard.values()]
      .filter(({ heardAt }) => now - heardAt < SILENT_MS)
      .map(({ report }) => report)
  }

  trip = (state: RolloutState): (BreakerTrip & { readonly replica: string }) | null => {
    for (const { replica, trips } of this.present) {
      const found = trips.find((trip) => isTripOf(trip, state))
      if (found !== undefined) return { ...found, replica }
    }
    return null
  }

  claimUnits = async (service: string, all: Iterable<number>): Promise<void> => {
    const units = [...all]
    for (let at = 0; at < units.length; at += CLAIMED_AT_ONCE) {
      await this.#store.claimUnits([{ service, units: units.slice(at, at + CLAIMED_AT_ONCE) }])
    }
  }

  get lostShares(): number {
    return this.#lostShares
  }

  noteLost = (): void => {
    this.#lostShares += 1
  }

  /** When another one said last that labels of a service have come, monotonic; by service. */
  get labelledAt(): ReadonlyMap<string, number> {
    return this.#labelledAt
  }

  areThere = (): boolean => this.present.length > 0

  learnt = (service: string, rollout: string): readonly LearntTerms[] => {
    const { present } = this
    if (present.length === 0) return NOTHING
    return present.flatMap((report) =>
      report.learnt.filter((l) => l.service === service && l.rollout === rollout),
    )
  }

  stepShares = (state: RolloutState): readonly StepShare[] => {
    const known = this.#steps.get(state.service)
    if (known === undefined) return []
    for (const [replica, said] of known) {
      if (!isOfStep(said.share, state)) known.delete(replica)
      else if (said.share.recent !== undefined && !this.#isOfLate(replica, said)) {
        const { recent: _, ...share } = said.share
        known.set(replica, { share, beat: said.beat })
      }
    }
    return Array.from(known.values(), ({ share }) => share)
  }

  faultShares = (state: RolloutState): readonly FaultShare[] => {
    const known = [...(this.#faults.get(state.service)?.values() ?? [])]
    return known.filter(({ rollout }) => rollout === rolloutId(state))
  }

  pairFigures = (state: RolloutState): readonly PairFigures[] => {
    const known = this.#pairs.get(state.service)
    if (known === undefined) return NOTHING
    return [...known.values()].filter(({ rollout }) => rollout === rolloutId(state))
  }

  standing = (service: string, cohort: Cohort, now: number): Standing => {
    const { number, closedAt, mirrored } = cohort
    const deadline = closedAt! + (mirrored === true ? PAIRS_DEADLINE_MS : SHARE_DEADLINE_MS)
    const told = this.#told.get(service) ?? []
    const index = told.findIndex((each) => each.number === number)
    if (index === -1) return 'complete'
    const { version } = told[index]!
    if (version === null) return 'incomplete'
    const next = told.find((each, i) => i > index && each.version !== null)?.version ?? Infinity
    const monotonicNow = this.#clock.monotonic()
    let standing: Standing = 'complete'
    for (const { report, owes, heardAt } of this.#heard.values()) {
      if (report.seen >= next && !owes.has(`${service} ${number}`)) continue
      const isThere = monotonicNow - heardAt < SILENT_MS
      if (isThere && now < deadline) return 'waiting'
      // One that had not heard of it when it was heard last has not opened it.
      if (report.seen >= version) standing = 'incomplete'
    }
    return standing
  }

  publish = (publication: Publication): void => {
    this.#queue.set(publication.service, publication)
  }

  /** Tells the others what is queued. */
  async flush(lease: Lease): Promise<void> {
    const all = [...this.#queue.values()]
    this.#queue.clear()
    if (all.length === 0) return
    let last: number | null = null
    try {
      last = await this.#store.publish(lease, all)
    } finally {
      // Without an answer it may have arrived all the same.
      for (const [index, publication] of all.entries()) {
        this.#note(publication, last === null ? null : last - all.length + 1 + index)
      }
    }
  }

  /** Another replica decides now: what was told is another one's. */
  forget(): void {
    this.#queue.clear()
    this.#told.clear()
    this.#heard.clear()
    this.#steps.clear()
    this.#faults.clear()
    this.#pairs.clear()
    this.#labelledAt.clear()
    this.#lookedAt = -Infinity
  }

  #hear(report: ReplicaReport, now: number): void {
    const before = this.#heard.get(report.replica)
    if (before?.report.beat === report.beat) return
    const owes = new Set(report.owes.map(([service, cohort]) => `${service} ${cohort}`))
    this.#heard.set(report.replica, { report, owes, heardAt: now })
    const { replica, beat, steps } = report
    for (const share of steps) {
      const known = this.#steps.get(share.service) ?? new Map<string, SaidOfStep>()
      this.#steps.set(share.service, known.set(replica, { share, beat }))
    }
    const known = new Map(before?.report.labelled)
    for (const [service, labels] of report.labelled ?? []) {
      // Those of one that has just been heard of may have come at any time.
      if (labels > (known.get(service) ?? 0)) this.#labelledAt.set(service, now)
    }
    for (const share of report.faults ?? []) keep(this.#faults, replica, share)
    for (const share of report.pairs ?? []) keep(this.#pairs, replica, share)
  }

  #isOfLate(replica: string, { beat }: SaidOfStep): boolean {
    const heard = this.#heard.get(replica)
    if (heard === undefined || heard.report.beat !== beat) return false
    return this.#clock.monotonic() - heard.heardAt < LATE_MS
  }

  #note({ service, cohort, through }: Publication, version: number | null): void {
    const number = cohort?.number ?? null
    const kept = (this.#told.get(service) ?? []).filter(
      (each) => each.number === null || each.number > through,
    )
    // Of those without a cohort only the last one says when the one before it was closed.
    const told = kept.filter((each, i) => each.number !== null || i === kept.length - 1)
    this.#told.set(service, [...told, { number, version }])
  }
}

function keep<S extends { readonly service: string }>(
  all: Map<string, Map<string, S>>,
  replica: string,
  share: S,
): void {
  const known = all.get(share.service) ?? new Map<string, S>()
  all.set(share.service, known.set(replica, share))
}
