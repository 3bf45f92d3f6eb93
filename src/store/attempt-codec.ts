import type { StoredAttempt } from './lmdb-tables.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'

type Row = [
  ...[rollout: string, configHash: string],
  ...[first: number, oldest: number, last: number],
  ...[cohorts: number, evicted: number, bytes: number],
  ...[from: number, to: number],
]

/** Encodes an attempt as a row: it is written with each cohort, and names would be most of it. */
export function encodeAttempt(attempt: StoredAttempt): Buffer {
  const { rollout, configHash, first, oldest, last, cohorts, evicted, bytes, from, to } = attempt
  const row: Row = [rollout, configHash, first, oldest, last, cohorts, evicted, bytes, from, to]
  return encodeRecord(row)
}

/** What `encodeAttempt` was given; version 1 of the layout had it as it is. */
export function decodeAttempt(stored: StoredAttempt | Uint8Array): StoredAttempt {
  if (!(stored instanceof Uint8Array)) return stored
  const [rollout, configHash, first, oldest, last, cohorts, evicted, bytes, from, to] =
    decodeRecord<Row>(stored)
  return { rollout, configHash, first, oldest, last, cohorts, evicted, bytes, from, to }
}
