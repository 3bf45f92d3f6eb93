import { createHash } from 'node:crypto'
import { BASELINE_SIDE, CANARY_SIDE } from '../domain/cohort.ts'
import {
  NO_EVENTS,
  type PairedPrediction,
  type Prediction,
  type UnitEvents,
} from '../domain/prediction.ts'

/** Key of a prediction: [request id or its hash, service]; all services of one id are neighbours. */
export type PredictionKey = [requestId: string, service: string]

/** Longest request id, in UTF-8 bytes, that stands in a key as it is. */
export const MAX_PLAIN_ID_BYTES = 256

const JOINED = 1
const NO_VALUE = 2
const CANARY = 4
const HAS_UNIT = 8
const SEGMENT = 16
const PAIRED = 32
const RULE = 64
const RULE_BYTES = 4

// Layout: flags u8 · cohort f64 · at f64 · value f64 · label f64 · lengths in bytes of the first three
// texts u16 · rollout · variant · service · first part of the key · with PAIRED the mirrored cohort f64 and the
// copy's value f64 (NaN = none) · where there is one, the segment and its length u16 · where there is one, the
// rule u32. With HAS_UNIT there follow: unit f64 (NaN = none) · hashes of events f64 · totals f64 · how many
// hashes u16 · how many totals u16.
const COHORT_AT = 1
const TIME_AT = 9
const VALUE_AT = 17
const LABEL_AT = 25
const LENGTHS_AT = 33
const TEXT_AT = 39
const PAIR_BYTES = 16

/** First part of the key: `r` and the id, or `h` and the SHA-256 of an id that is too long or has a NUL. */
export function requestIdKey(requestId: string): string {
  // UTF-8 takes at most three bytes for a UTF-16 unit, so that most ids need no counting.
  const isShort =
    requestId.length * 3 <= MAX_PLAIN_ID_BYTES || Buffer.byteLength(requestId) <= MAX_PLAIN_ID_BYTES
  if (isShort && !requestId.includes('\0')) return `r${requestId}`
  return `h${createHash('sha256').update(requestId).digest('hex')}`
}

/** First part of the key of a unit's record: no request id's key begins like this. */
export function unitKey(unit: number): string {
  return `k${unit.toString(36)}`
}

/** The value to store for a request that no feedback has joined yet. */
export function encodePrediction(prediction: Prediction, events = NO_EVENTS): Buffer {
  const { rollout, variant, service, value, unit, segment, pair, rule } = prediction
  const idKey = requestIdKey(prediction.requestId)
  const texts = [rollout, variant, service, idKey]
  const lengths = texts.map((text) => Buffer.byteLength(text))
  const textBytes = lengths.reduce((sum, length) => sum + length, 0)
  const segmentBytes = segment === undefined ? 0 : Buffer.byteLength(segment) + 2
  const ruleBytes = rule === undefined ? 0 : RULE_BYTES
  const hasTail = unit !== null || events !== NO_EVENTS
  const restBytes = (pair === undefined ? 0 : PAIR_BYTES) + segmentBytes + ruleBytes
  const bytes = Buffer.alloc(TEXT_AT + textBytes + restBytes + (hasTail ? tailBytes(events) : 0))
  bytes[0] =
    (value === null ? NO_VALUE : 0) |
    (prediction.side === CANARY_SIDE ? CANARY : 0) |
    (hasTail ? HAS_UNIT : 0) |
    (segment === undefined ? 0 : SEGMENT) |
    (pair === undefined ? 0 : PAIRED) |
    (rule === undefined ? 0 : RULE)
  // Cohort numbers come from the time and are beyond 32 bits.
  bytes.writeDoubleLE(prediction.cohort, COHORT_AT)
  bytes.writeDoubleLE(prediction.at, TIME_AT)
  bytes.writeDoubleLE(value ?? 0, VALUE_AT)
  let at = TEXT_AT
  for (const [index, text] of texts.entries()) {
    if (index < 3) bytes.writeUInt16LE(lengths[index]!, LENGTHS_AT + 2 * index)
    at += bytes.write(text, at)
  }
  if (pair !== undefined) {
    at = bytes.writeDoubleLE(pair.cohort, at)
    at = bytes.writeDoubleLE(pair.copy ?? NaN, at)
  }
  if (segment !== undefined) {
    const length = bytes.write(segment, at)
    at = bytes.writeUInt16LE(length, at + length)
  }
  if (rule !== undefined) at = bytes.writeUInt32LE(rule, at)
  if (hasTail) writeTail(bytes, at, unit, events)
  return bytes
}

/** The prediction that was stored; its request id is the one that it was found by, else what is known of it. */
export function decodePrediction(bytes: Buffer, requestId: string | null): Prediction {
  const flags = bytes[0]!
  const { variantAt, serviceAt, idKeyAt, pairAt, segmentAt, ruleAt, tailAt } = findTexts(bytes)
  const unit = tailAt < bytes.length ? bytes.readDoubleLE(tailAt) : NaN
  return {
    service: bytes.toString('utf8', serviceAt, idKeyAt),
    // Without its first letter; of a long one only the hash is kept.
    requestId: requestId ?? bytes.toString('utf8', idKeyAt + 1, pairAt),
    value: (flags & NO_VALUE) === 0 ? bytes.readDoubleLE(VALUE_AT) : null,
    at: assignedAt(bytes),
    rollout: bytes.toString('utf8', TEXT_AT, variantAt),
    cohort: bytes.readDoubleLE(COHORT_AT),
    side: (flags & CANARY) === 0 ? BASELINE_SIDE : CANARY_SIDE,
    variant: bytes.toString('utf8', variantAt, serviceAt),
    unit: Number.isNaN(unit) ? null : unit,
    ...((flags & SEGMENT) === 0
      ? undefined
      : { segment: bytes.toString('utf8', segmentAt, ruleAt - 2) }),
    ...((flags & PAIRED) === 0 ? undefined : { pair: decodePair(bytes, pairAt) }),
    ...((flags & RULE) === 0 ? undefined : { rule: bytes.readUInt32LE(ruleAt) }),
  }
}

/** How many events have reached the stored unit. */
export function countEvents(bytes: Buffer): number {
  return (bytes[0]! & HAS_UNIT) === 0 ? 0 : bytes.readUInt16LE(bytes.length - 4)
}

/** What events have said of the stored unit. */
export function decodeEvents(bytes: Buffer): UnitEvents {
  const { tailAt } = findTexts(bytes)
  if (tailAt === bytes.length) return NO_EVENTS
  const seenCount = countEvents(bytes)
  const totalCount = bytes.readUInt16LE(bytes.length - 2)
  if (seenCount + totalCount === 0) return NO_EVENTS
  const read = (count: number, at: number) =>
    Array.from({ length: count }, (_, index) => bytes.readDoubleLE(at + 8 * index))
  return {
    seen: read(seenCount, tailAt + 8),
    totals: read(totalCount, tailAt + 8 + 8 * seenCount),
  }
}

/** The stored value with these events in the place of those that it had; the bytes are made anew. */
export function withEvents(bytes: Buffer, events: UnitEvents): Buffer {
  const { tailAt } = findTexts(bytes)
  const unit = tailAt < bytes.length ? bytes.readDoubleLE(tailAt) : NaN
  const next = Buffer.alloc(tailAt + tailBytes(events))
  bytes.copy(next, 0, 0, tailAt)
  next[0] = next[0]! | HAS_UNIT
  writeTail(next, tailAt, Number.isNaN(unit) ? null : unit, events)
  return next
}

/** The key that a stored prediction is found by. */
export function decodeKey(bytes: Buffer): PredictionKey {
  const { serviceAt, idKeyAt, pairAt } = findTexts(bytes)
  return [bytes.toString('utf8', idKeyAt, pairAt), bytes.toString('utf8', serviceAt, idKeyAt)]
}

/** The second key that the record of a unit is found by; null for every other record. */
export function decodeUnitKey(bytes: Buffer): PredictionKey | null {
  const { serviceAt, idKeyAt, tailAt } = findTexts(bytes)
  if (tailAt === bytes.length || bytes.readDoubleLE(COHORT_AT) === -1) return null
  const unit = bytes.readDoubleLE(tailAt)
  return Number.isNaN(unit) ? null : [unitKey(unit), bytes.toString('utf8', serviceAt, idKeyAt)]
}

/** When the request of a stored prediction was assigned, in milliseconds since the epoch. */
export function assignedAt(bytes: Buffer): number {
  return bytes.readDoubleLE(TIME_AT)
}

/** Whether a label was joined to the stored prediction. */
export function isJoined(bytes: Buffer): boolean {
  return (bytes[0]! & JOINED) !== 0
}

/** Puts the label into a stored prediction, in place. */
export function markJoined(bytes: Buffer, label: number): void {
  bytes[0] = bytes[0]! | JOINED
  bytes.writeDoubleLE(label, LABEL_AT)
}

/** Where the parts begin; what is not there begins where the next one does, or at the end. */
function findTexts(bytes: Buffer) {
  const flags = bytes[0]!
  const variantAt = TEXT_AT + bytes.readUInt16LE(LENGTHS_AT)
  const serviceAt = variantAt + bytes.readUInt16LE(LENGTHS_AT + 2)
  const idKeyAt = serviceAt + bytes.readUInt16LE(LENGTHS_AT + 4)
  const tail = (flags & HAS_UNIT) === 0 ? 0 : 12 + 8 * countsOf(bytes)
  const tailAt = bytes.length - tail
  const ruleAt = tailAt - ((flags & RULE) === 0 ? 0 : RULE_BYTES)
  const segmentAt = ruleAt - ((flags & SEGMENT) === 0 ? 0 : 2 + bytes.readUInt16LE(ruleAt - 2))
  const pairAt = segmentAt - ((flags & PAIRED) === 0 ? 0 : PAIR_BYTES)
  return { variantAt, serviceAt, idKeyAt, pairAt, segmentAt, ruleAt, tailAt }
}

function decodePair(bytes: Buffer, at: number): PairedPrediction {
  const copy = bytes.readDoubleLE(at + 8)
  return { cohort: bytes.readDoubleLE(at), copy: Number.isNaN(copy) ? null : copy }
}

function countsOf(bytes: Buffer): number {
  return bytes.readUInt16LE(bytes.length - 4) + bytes.readUInt16LE(bytes.length - 2)
}

function tailBytes({ seen, totals }: UnitEvents): number {
  return 12 + 8 * (seen.length + totals.length)
}

function writeTail(bytes: Buffer, at: number, unit: number | null, events: UnitEvents): void {
  let next = bytes.writeDoubleLE(unit ?? NaN, at)
  for (const hash of events.seen) next = bytes.writeDoubleLE(hash, next)
  for (const total of events.totals) next = bytes.writeDoubleLE(total, next)
  next = bytes.writeUInt16LE(events.seen.length, next)
  bytes.writeUInt16LE(events.totals.length, next)
}
