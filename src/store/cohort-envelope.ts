import type { Cohort } from '../domain/cohort.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'

// Layout: opened f64 · closed (opened where it is open) f64 · length in bytes of the rollout u16 · rollout ·
// record. Scripts read the head as '<ddHc0': they cannot read the record.
const CLOSED_AT = 8
const LENGTH_AT = 16
const ROLLOUT_AT = 18

/** A cohort for Redis, where scripts must see of which attempt it is and when it was. */
export function wrapCohort(cohort: Cohort): Buffer {
  const rollout = Buffer.from(cohort.rollout)
  const head = Buffer.alloc(ROLLOUT_AT)
  head.writeDoubleLE(cohort.openedAt)
  head.writeDoubleLE(cohort.closedAt ?? cohort.openedAt, CLOSED_AT)
  head.writeUInt16LE(rollout.length, LENGTH_AT)
  return Buffer.concat([head, rollout, encodeRecord(cohort)])
}

/** What `wrapCohort` was given. */
export function unwrapCohort(bytes: Buffer): Cohort {
  return decodeRecord(bytes.subarray(ROLLOUT_AT + bytes.readUInt16LE(LENGTH_AT)))
}
