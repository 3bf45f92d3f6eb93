import type { UnitBatch } from './store.ts'
import { decodeUnits } from './unit-codec.ts'

/** First byte of such a record; that of evidence alone, as older versions wrote it, is another one. */
const LIVE = 2

/** First byte of batches that stand apart together; that of a batch alone, as older versions wrote it, is another one. */
const TOGETHER = 3

/** Bytes of units in a record from which on they get places of their own: half a page of LMDB with the evidence. */
const MOST_UNITS = 1024

const UNITS_AT = 5
const BATCH_AT = 12

/** No units. */
export const NO_UNITS: Buffer = Buffer.alloc(0)

/** An encoded batch of units, and the number of its cohort. */
export type EncodedUnits = { readonly cohort: number; readonly bytes: Buffer }

/**
 * The evidence of a service with the units of its newest cohorts behind it, encoded, those that stood there and those
 * that are `added`; and all of these. With a place of its own for each batch, every tick of every service would be a
 * page of the disk more.
 * Layout: 2 · length of the evidence u32 · evidence · units (of each batch: cohort f64 · length u32 · batch).
 */
export function joinLive(
  evidence: Buffer,
  units: Buffer,
  added: readonly EncodedUnits[],
): { readonly record: Buffer; readonly units: Buffer } {
  // A batch replaces that of the same cohort.
  const isNew = added.every(({ cohort }) => !holds(units, cohort))
  const kept = isNew ? units : without(units, added)
  const start = UNITS_AT + evidence.length
  const length = added.reduce((sum, { bytes }) => sum + BATCH_AT + bytes.length, kept.length)
  const record = Buffer.allocUnsafe(start + length)
  record[0] = LIVE
  record.writeUInt32LE(evidence.length, 1)
  evidence.copy(record, UNITS_AT)
  kept.copy(record, start)
  let at = start + kept.length
  for (const { cohort, bytes } of added) {
    record.writeDoubleLE(cohort, at)
    record.writeUInt32LE(bytes.length, at + 8)
    bytes.copy(record, at + BATCH_AT)
    at += BATCH_AT + bytes.length
  }
  return { record, units: record.subarray(start) }
}

/** The evidence and the units of a record; also of evidence alone. */
export function splitLive(record: Buffer): { readonly evidence: Buffer; readonly units: Buffer } {
  if (record[0] !== LIVE) return { evidence: record, units: NO_UNITS }
  const end = UNITS_AT + record.readUInt32LE(1)
  return { evidence: record.subarray(UNITS_AT, end), units: record.subarray(end) }
}

function without(units: Buffer, gone: readonly EncodedUnits[]): Buffer {
  const kept = listUnits(units).filter(({ cohort }) => !gone.some((each) => each.cohort === cohort))
  return joinLive(NO_UNITS, NO_UNITS, kept).units
}

function holds(units: Buffer, cohort: number): boolean {
  for (let at = 0; at < units.length; at += BATCH_AT + units.readUInt32LE(at + 8)) {
    if (units.readDoubleLE(at) === cohort) return true
  }
  return false
}

/** Whether they should get places of their own. */
export function isMuch(units: Buffer): boolean {
  return units.length > MOST_UNITS
}

/**
 * Batches as one record of their own, under the number of the first: with those that stand there already (undefined =
 * none), of which they replace those of the same cohorts. Layout: 3 · units, as behind evidence.
 */
export function joinApart(there: Buffer | undefined, added: readonly EncodedUnits[]): Buffer {
  const before = there === undefined ? NO_UNITS : unitsApart(there)
  const { units } = joinLive(NO_UNITS, before, added)
  return Buffer.concat([Buffer.of(TOGETHER), units])
}

/** The units of such a record; also of a batch alone. */
function unitsApart(record: Buffer): Buffer {
  if (record[0] === TOGETHER) return record.subarray(1)
  const { cohort } = decodeUnits(record)
  return joinLive(NO_UNITS, NO_UNITS, [{ cohort, bytes: record }]).units
}

/** The batches of a record. */
export function listUnits(units: Buffer): readonly EncodedUnits[] {
  const batches: EncodedUnits[] = []
  for (let at = 0; at < units.length; at += BATCH_AT + batches.at(-1)!.bytes.length) {
    const start = at + BATCH_AT
    const bytes = units.subarray(start, start + units.readUInt32LE(at + 8))
    batches.push({ cohort: units.readDoubleLE(at), bytes })
  }
  return batches
}

/** All batches of a service in the order of their cohorts: those in records `apart`, and those behind its evidence. */
export function allUnits(apart: Iterable<Buffer>, units: Buffer): readonly UnitBatch[] {
  const batches = new Map<number, UnitBatch>()
  for (const all of [...Array.from(apart, unitsApart), units]) {
    for (const { cohort, bytes } of listUnits(all)) batches.set(cohort, decodeUnits(bytes))
  }
  return [...batches.values()].sort((a, b) => a.cohort - b.cohort)
}
