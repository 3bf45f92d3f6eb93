import { decodeRecord, encodeRecord } from './record-codec.ts'
import type { UnitBatch } from './store.ts'

/** A UnitBatch with its hashes packed: eight bytes each instead of up to ten, and fast to copy. */
type PackedUnits = {
  readonly cohort: number
  readonly epoch: number
  readonly seen: Float64Array
  readonly events: Readonly<Record<string, Float64Array>>
}

/** Hashes have 53 bits, so a double holds each of them exactly. */
export function encodeUnits(batch: UnitBatch): Buffer {
  const packed: PackedUnits = {
    cohort: batch.cohort,
    epoch: batch.epoch,
    seen: new Float64Array(batch.seen),
    events: mapValues(batch.events, (hashes) => new Float64Array(hashes)),
  }
  return encodeRecord(packed)
}

/** What `encodeUnits` was given. */
export function decodeUnits(bytes: Uint8Array): UnitBatch {
  const { cohort, epoch, seen, events } = decodeRecord<PackedUnits>(bytes)
  return {
    cohort,
    epoch,
    seen: Array.from(seen),
    events: mapValues(events, (hashes) => Array.from(hashes)),
  }
}

function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  map: (value: A) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))
}
