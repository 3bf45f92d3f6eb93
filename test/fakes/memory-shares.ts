import type {
  CohortOpening,
  CohortShare,
  Publication,
  ReplicaReport,
} from '../../src/domain/replica.ts'
import type { ChangedTallies, Store } from '../../src/store/store.ts'
import { copyData } from './copy-data.ts'

/** What replicas share, in memory, with the semantics of the port. */
export class MemoryShares {
  readonly #publications = new Map<string, { version: number; publication: Publication }>()
  readonly #openings = new Map<string, Map<number, CohortOpening>>()
  readonly #shares = new Map<string, CohortShare>()
  readonly reports = new Map<string, ReplicaReport>()
  readonly #claimed = new Map<string, Set<number>>()
  #version = 0

  publish(publications: readonly Publication[]): number {
    for (const publication of copyData(publications)) {
      const { service, cohort, earlier, through } = publication
      this.#publications.set(service, { version: ++this.#version, publication })
      const openings = this.#openings.get(service) ?? new Map<number, CohortOpening>()
      this.#openings.set(service, openings)
      for (const opening of cohort === null ? earlier : [...earlier, cohort]) {
        openings.set(opening.number, opening)
      }
      this.remove(service, through)
    }
    return this.#version
  }

  readPublications: Store['readPublications'] = async (after) => ({
    version: this.#version,
    publications: [...this.#publications.values()]
      .filter(({ version }) => version > after)
      .toSorted((a, b) => a.version - b.version)
      .map(({ publication }) => copyData(publication)),
  })

  readOpenings: Store['readOpenings'] = async (service) =>
    copyData([...(this.#openings.get(service)?.values() ?? [])]).toSorted(
      (a, b) => a.number - b.number,
    )

  report: Store['report'] = async (report, shares) => {
    this.reports.set(report.replica, copyData(report))
    for (const share of shares) this.#put(share)
  }

  readShares: Store['readShares'] = async (service, cohorts) =>
    copyData(
      [...this.#shares.values()]
        .filter((share) => share.service === service && cohorts.includes(share.cohort))
        .toSorted((a, b) => a.cohort - b.cohort || (a.replica < b.replica ? -1 : 1)),
    )

  feedback({ service, rollout, cohort, replica, tallies }: ChangedTallies): void {
    const before = this.#shares.get(`${service} ${cohort} ${replica}`)
    const nothing: CohortShare = {
      ...{ service, rollout, cohort, replica: replica!, newUnits: [], tallies: {} },
      ...{ assigned: [0, 0], observed: [0, 0] },
    }
    const share = before ?? nothing
    this.#put({ ...share, tallies: { ...share.tallies, ...tallies } })
  }

  claimUnits: Store['claimUnits'] = async (claims) =>
    claims.map(({ service, units }) => {
      const known = this.#claimed.get(service) ?? new Set<number>()
      this.#claimed.set(service, known)
      return units.map((unit) => !known.has(unit) && known.add(unit) !== null)
    })

  /** An attempt ends. */
  removeAll(service: string): void {
    this.remove(service, Infinity)
    this.#claimed.delete(service)
  }

  /** Forgets what is shared of a service's cohorts up to a number. */
  remove(service: string, through: number): void {
    for (const number of this.#openings.get(service)?.keys() ?? []) {
      if (number <= through) this.#openings.get(service)!.delete(number)
    }
    for (const [key, share] of this.#shares) {
      if (share.service === service && share.cohort <= through) this.#shares.delete(key)
    }
  }

  #put(share: CohortShare): void {
    const { service, cohort, replica } = share
    if (this.#openings.get(service)?.has(cohort) !== true) return
    this.#shares.set(`${service} ${cohort} ${replica}`, copyData(share))
  }
}
