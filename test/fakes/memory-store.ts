import { isReplayed, type Cohort } from '../../src/domain/cohort.ts'
import type { Decision } from '../../src/domain/decision.ts'
import { StoreAwayError, StoreError } from '../../src/store/store-error.ts'
import type { RolloutPlan } from '../../src/rollout/plan.ts'
import { copyData } from './copy-data.ts'
import { MemoryOrders } from './memory-orders.ts'
import { MemoryShares } from './memory-shares.ts'
import type {
  ArchivedAttempt,
  CommitResult,
  Lease,
  RolloutChange,
  RolloutRecord,
  Store,
  UnitBatch,
} from '../../src/store/store.ts'

/** A store in memory with the semantics of the port, and switches that make commits or all of it fail. */
export class MemoryStore implements Store {
  readonly records = new Map<string, RolloutRecord>()
  readonly log: Decision[] = []
  readonly changes: RolloutChange[] = []
  /** Of one service. */
  readonly archive: Cohort[] = []
  readonly plans = new Map<string, RolloutPlan>()
  /** What replicas share. */
  readonly shares = new MemoryShares()
  readonly orders = new MemoryOrders(({ token }) => token === this.#token)
  fails = false
  /** Nothing can be read or written. */
  away = false
  #lease: { readonly holder: string; readonly expiresAt: number } | null = null
  readonly #cursors = new Map<string, number>()
  #token = 0

  readRollout = async (service: string): Promise<RolloutRecord | null> => {
    this.#mustBeThere()
    return copyData(this.records.get(service) ?? null)
  }

  readRevision = async (service: string): Promise<number | null> => {
    this.#mustBeThere()
    return this.records.get(service)?.state.revision ?? null
  }

  commit = async (change: RolloutChange): Promise<CommitResult> => {
    this.#mustBeThere()
    if (this.fails) throw new StoreError('disk full')
    if (change.lease.token !== this.#token) return { ok: false, reason: 'fenced' }
    const record = this.records.get(change.service) ?? null
    if ((record?.state.revision ?? null) !== change.expectedRevision) {
      return { ok: false, reason: 'conflict' }
    }
    const taken = copyData(change)
    this.changes.push(taken)
    this.#store(taken, record)
    if (taken.decision === undefined) return { ok: true, decision: null }
    const { service } = taken.decision
    const id = this.log.filter((d) => d.service === service).length + 1
    const decision = { ...taken.decision, id }
    this.log.push(decision)
    return { ok: true, decision }
  }

  decisions = async (
    service: string,
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly Decision[]> =>
    this.log
      .filter((d) => d.service === service && d.id > page.after)
      .toReversed()
      .slice(0, page.limit)

  decision = async (service: string, id: number): Promise<Decision | null> =>
    this.log.find((d) => d.service === service && d.id === id) ?? null

  rolledBackAt = async (service: string, canaryVersion: string): Promise<number | null> => {
    this.#mustBeThere()
    const rolledBack = this.changes.findLast(
      ({ state }) =>
        state?.service === service &&
        state.canaryVersion === canaryVersion &&
        state.phase === 'rolled-back',
    )?.state
    return rolledBack?.phase === 'rolled-back' ? rolledBack.rolledBackAt : null
  }

  attempts = async (): Promise<readonly ArchivedAttempt[]> =>
    [...new Set(this.archive.map((c) => c.rollout))].map((rollout) => {
      const cohorts = this.archive.filter((c) => c.rollout === rollout)
      return {
        rollout,
        first: cohorts[0]!.number,
        cohorts: cohorts.length,
        from: cohorts[0]!.openedAt,
        to: cohorts.at(-1)!.closedAt!,
        evicted: 0,
      }
    })

  archivedPlan = async (_service: string, rollout: string): Promise<RolloutPlan | null> =>
    this.plans.get(rollout) ?? null

  archivedCohorts = async (
    service: string,
    rollout: string,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<readonly Cohort[]> =>
    [...this.archive, ...(this.records.get(service)?.cohorts ?? []).filter(isReplayed)]
      .filter((c) => c.rollout === rollout && c.number > after)
      .slice(0, limit)

  acquireLease = async (holder: string, ttlMs: number, now: number): Promise<Lease | null> => {
    this.#mustBeThere()
    const isMine = this.#lease?.holder === holder
    if (this.#lease !== null && !isMine && this.#lease.expiresAt > now) {
      const expiresAt = Math.min(this.#lease.expiresAt, now + ttlMs)
      this.#lease = { ...this.#lease, expiresAt }
      return null
    }
    if (!isMine) this.#token++
    this.#lease = { holder, expiresAt: now + ttlMs }
    return { holder, token: this.#token }
  }

  releaseLease = async (): Promise<void> => {
    this.#mustBeThere()
    this.#lease = null
  }

  leaseHolder = async (): Promise<string | null> => {
    this.#mustBeThere()
    return this.#lease?.holder ?? null
  }

  openNotifyCursor = async (service: string, hook: string): Promise<number> => {
    this.#mustBeThere()
    const last = this.log.findLast((d) => d.service === service)?.id ?? 0
    const cursor = this.#cursors.get(`${service} ${hook}`) ?? last
    this.#cursors.set(`${service} ${hook}`, cursor)
    return cursor
  }

  moveNotifyCursor = async (service: string, hook: string, id: number): Promise<void> => {
    const before = await this.openNotifyCursor(service, hook)
    this.#cursors.set(`${service} ${hook}`, Math.max(before, id))
  }

  putPredictions = async (): Promise<void> => {}
  findPredictions = async (): Promise<never[]> => []
  commitFeedback: Store['commitFeedback'] = async ({ labels, events, tallies }) => {
    for (const each of tallies) {
      const { service, cohort, rollout, tallies: changed, replica } = each
      if (replica !== undefined) this.shares.feedback(each)
      const record = this.records.get(service)
      const kept = record?.cohorts.find((c) => c.number === cohort)
      if (replica !== undefined || kept?.rollout !== rollout) continue
      const fed = { ...kept, tallies: { ...kept.tallies, ...copyData(changed) } }
      const cohorts = record!.cohorts.map((c) => (c === kept ? fed : c))
      this.records.set(service, { ...record!, cohorts })
    }
    return { labels: labels.map(() => true), events: events.map(() => true) }
  }
  publish: Store['publish'] = async (lease, publications) => {
    this.#mustBeThere()
    return lease.token === this.#token ? this.shares.publish(publications) : null
  }
  readPublications: Store['readPublications'] = async (after) => {
    this.#mustBeThere()
    return this.shares.readPublications(after)
  }
  readOpenings = this.shares.readOpenings
  report: Store['report'] = async (report, shares) => {
    this.#mustBeThere()
    await this.shares.report(report, shares)
  }
  readReports: Store['readReports'] = async () => {
    this.#mustBeThere()
    return copyData([...this.shares.reports.values()])
  }
  forgetReplica = async (replica: string): Promise<void> => {
    this.shares.reports.delete(replica)
  }
  readShares = this.shares.readShares
  claimUnits: Store['claimUnits'] = async (claims) => {
    this.#mustBeThere()
    return this.shares.claimUnits(claims)
  }
  putOrder: Store['putOrder'] = async (...given) => {
    this.#mustBeThere()
    await this.orders.putOrder(...given)
  }
  takeOrders: Store['takeOrders'] = async (...given) => {
    this.#mustBeThere()
    return this.orders.takeOrders(...given)
  }
  withdrawOrder: Store['withdrawOrder'] = async (id) => {
    this.#mustBeThere()
    return this.orders.withdrawOrder(id)
  }
  answerOrder: Store['answerOrder'] = async (...given) => {
    this.#mustBeThere()
    await this.orders.answerOrder(...given)
  }
  readAnswer: Store['readAnswer'] = async (id) => {
    this.#mustBeThere()
    return this.orders.readAnswer(id)
  }
  expirePredictions = async () => ({ expired: 0, evicted: 0 })
  close = async (): Promise<void> => {}

  #mustBeThere(): void {
    if (this.away) throw new StoreAwayError('the store is away')
  }

  /** What is stored is never changed afterwards: a copy of what was given, or replaced. */
  #store(change: RolloutChange, before: RolloutRecord | null): void {
    const kept = change.resetEvidence === true ? null : before
    if (kept === null) this.shares.removeAll(change.service)
    if (change.archive !== undefined) this.plans.set(change.archive.rollout, change.archive.plan)
    this.archive.push(...(change.archive?.cohorts ?? []))
    if (kept === null) this.archive.push(...(before?.cohorts ?? []).filter(isReplayed))
    const cohorts = new Map<number, Cohort>(kept?.cohorts.map((c) => [c.number, c]))
    for (const cohort of change.putCohorts ?? []) cohorts.set(cohort.number, cohort)
    for (const number of change.dropCohorts ?? []) cohorts.delete(number)
    const units: UnitBatch[] = [...(kept?.units ?? []), ...(change.putUnits ?? [])]
    this.records.set(change.service, {
      state: change.state ?? before!.state,
      evidence: change.evidence ?? kept?.evidence ?? null,
      cohorts: [...cohorts.values()].sort((a, b) => a.number - b.number),
      units,
    })
  }
}
