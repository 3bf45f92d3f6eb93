import type { CohortOpening, Publication, ReplicaReport } from '../domain/replica.ts'
import { isLeaseHeld } from './lmdb-lease.ts'
import type { LmdbEnvironment } from './lmdb-environment.ts'
import { MAX_UNITS } from './limits.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import { joinShare } from './share-parts.ts'
import type { ReplicaStore } from './store.ts'

type Published = { readonly version: number; readonly publication: Publication }

/** The part of the store that replicas share cohorts through. */
export function buildLmdbReplicas(env: LmdbEnvironment): ReplicaStore {
  const {
    meta,
    publications,
    publicationOrder,
    openings,
    shares,
    shareTallies,
    reports,
    unitClaims,
  } = env.tables
  const newest = () => (meta.get('published') as number | undefined) ?? 0

  const put = (publication: Publication, version: number) => {
    const { service, cohort, earlier, through } = publication
    const before = publications.get(service)
    if (before !== undefined) void publicationOrder.remove(decodeRecord<Published>(before).version)
    void publicationOrder.put(version, service)
    void publications.put(service, encodeRecord({ version, publication }))
    for (const opening of cohort === null ? earlier : [...earlier, cohort]) {
      void openings.put([service, opening.number], encodeRecord(opening))
    }
    removeShared(env, service, through)
  }

  return {
    publish: (lease, all) =>
      env.write('cannot publish cohorts', () => {
        if (!isLeaseHeld(env, lease)) return null
        const first = newest() + 1
        for (const [index, publication] of all.entries()) put(publication, first + index)
        const last = first + all.length - 1
        void meta.put('published', last)
        return last
      }),
    readPublications: (after) =>
      env.read('cannot read what was published', () => {
        const version = newest()
        if (version === after) return { version, publications: [] }
        const services = [...publicationOrder.getRange({ start: after + 1 })]
        return {
          version,
          publications: services.map(
            ({ value }) => decodeRecord<Published>(publications.get(value)!).publication,
          ),
        }
      }),
    readOpenings: (service) =>
      env.read(`cannot read the cohorts of ${service}`, () =>
        Array.from(openings.getRange({ start: [service], end: [service, Infinity] }), (found) =>
          decodeRecord<CohortOpening>(found.value),
        ),
      ),
    report: async (report, all) => {
      const bytes = encodeRecord(report)
      const puts = all.map((share) => ({ share, bytes: encodeRecord(share) }))
      await env.write('cannot store the shares of cohorts', () => {
        void reports.put(report.replica, bytes)
        for (const { share, bytes } of puts) {
          const { service, cohort, replica } = share
          // Folded by all meanwhile, or of an attempt that is over.
          if (!openings.doesExist([service, cohort])) continue
          void shares.put([service, cohort, replica], bytes)
          // What feedback had changed by then is in it.
          void shareTallies.remove([service, cohort, replica])
        }
      })
    },
    readReports: () =>
      env.read('cannot read of the other replicas', () =>
        Array.from(reports.getRange({}), ({ value }) => decodeRecord<ReplicaReport>(value)),
      ),
    forgetReplica: (replica) =>
      env.write('cannot forget a replica', () => void reports.remove(replica)),
    claimUnits: (claims) =>
      env.write('cannot claim keys', () =>
        claims.map(({ service, units }) => {
          let count = unitClaims.get([service]) ?? 0
          const won = units.map((unit) => {
            if (count >= MAX_UNITS || unitClaims.doesExist([service, unit])) return false
            void unitClaims.put([service, unit], 1)
            count += 1
            return true
          })
          void unitClaims.put([service], count)
          return won
        }),
      ),
    readShares: (service, cohorts) =>
      env.read(`cannot read the shares of ${service}`, () =>
        cohorts.flatMap((cohort) => {
          const replicas = new Set<string>()
          for (const table of [shares, shareTallies]) {
            for (const key of table.getKeys(rangeOf(service, cohort))) {
              replicas.add((key as [string, number, string])[2])
            }
          }
          return [...replicas].sort().map((replica) => {
            const key = [service, cohort, replica]
            const [share = null, tallies = null] = [shares.get(key), shareTallies.get(key)]
            return joinShare({ service, cohort, replica, share, tallies })
          })
        }),
      ),
  }
}

/** Removes what replicas share of a service's cohorts, up to a number; in a write transaction. */
function removeShared(env: LmdbEnvironment, service: string, through: number): void {
  const { openings, shares, shareTallies } = env.tables
  for (const table of [openings, shares, shareTallies]) {
    // All are read before the first is removed: a cursor does not survive that.
    const range = { start: [service], end: [service, through, LAST] }
    for (const key of [...table.getKeys(range)]) void table.remove(key)
  }
}

/** Removes all that replicas share of an attempt; in a write transaction. */
export function removeAllShared(env: LmdbEnvironment, service: string): void {
  removeShared(env, service, Infinity)
  const { unitClaims } = env.tables
  const range = { start: [service], end: [service, Infinity] }
  for (const key of [...unitClaims.getKeys(range)]) void unitClaims.remove(key)
}

/** Behind every name in the order of keys. */
const LAST = '\u{10ffff}'

function rangeOf(service: string, cohort: number) {
  return { start: [service, cohort], end: [service, cohort, LAST] }
}
