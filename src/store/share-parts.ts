import type { Tally } from '../domain/cohort.ts'
import type { CohortShare } from '../domain/replica.ts'
import { decodeRecord } from './record-codec.ts'
import { decodeTallies } from './tally-codec.ts'

/** What an engine keeps of one replica's share of a cohort. */
export type SharePart = {
  readonly service: string
  readonly cohort: number
  readonly replica: string
  /** The share as it was reported; null where the replica has only had feedback of others' requests. */
  readonly share: Uint8Array | null
  /** What feedback has changed since; null = nothing. */
  readonly tallies: Buffer | null
}

/** The share of these parts, its tallies as feedback has left them. */
export function joinShare({ service, cohort, replica, share, tallies }: SharePart): CohortShare {
  const newer = tallies === null ? null : decodeTallies(tallies)
  const found =
    share === null
      ? noRequests(service, newer!.rollout, cohort, replica)
      : decodeRecord<CohortShare>(share)
  return { ...found, tallies: { ...found.tallies, ...newer?.tallies } }
}

function noRequests(
  service: string,
  rollout: string,
  cohort: number,
  replica: string,
): CohortShare {
  const tallies: Record<string, Tally> = {}
  const counts = { assigned: [0, 0], observed: [0, 0] } satisfies Partial<CohortShare>
  return { service, rollout, cohort, replica, ...counts, tallies, newUnits: [] }
}
