import { createHash } from 'node:crypto'
import { BASELINE_SIDE, CANARY_SIDE } from '../domain/cohort.ts'
import type { Prediction } from '../domain/prediction.ts'

/** Key of a prediction: [request id or its hash, service]; all services of one id are neighbours. */
export type PredictionKey = [requestId: string, service: string]

/** Longest request id, in UTF-8 bytes, that stands in a key as it is. */
export const MAX_PLAIN_ID_BYTES = 256

const JOINED = 1
const NO_VALUE = 2
const CANARY = 4
const SEGMENT = 8

// Layout: flags u8 · cohort f64 · at f64 · value f64 · label f64 · lengths in bytes of the first three
// texts u16 · rollout · variant · service · first part of the key · where there is one, the segment and its
// length u16.
const COHORT_AT = 1
const TIME_AT = 9
const VALUE_AT = 17
const LABEL_AT = 25
const LENGTHS_AT = 33
const TEXT_AT = 39

/** First part of the key: `r` and the id, or `h` and the SHA-256 of an id that is too long or has a NUL. */
export function requestIdKey(requestId: string): string {
  // UTF-8 takes at most three bytes for a UTF-16 unit, so that most ids need no counting.
  const isShort =
    requestId.length * 3 <= MAX_PLAIN_ID_BYTES || Buffer.byteLength(requestId) <= MAX_PLAIN_ID_BYTES
  if (isShort && !requestId.includes('\0')) return `r${requestId}`
  return `h${createHash('sha256').update(requestId).digest('hex')}`
}

/** The value to store for a prediction that no label has joined yet. */
export function encodePrediction(prediction: Prediction): Buffer {
  const { rollout, variant, service, value, segment } = prediction
  const idKey = requestIdKey(prediction.requestId)
  const texts = [rollout, variant, service, idKey]
  const lengths = texts.map((text) => Buffer.byteLength(text))
  const segmentBytes = segment === undefined ? 0 : Buffer.byteLength(segment) + 2
  const textBytes = lengths.reduce((sum, length) => sum + length, 0)
  const bytes = Buffer.alloc(TEXT_AT + textBytes + segmentBytes)
  bytes[0] =
    (value === null ? NO_VALUE : 0) |
    (prediction.side === CANARY_SIDE ? CANARY : 0) |
    (segment === undefined ? 0 : SEGMENT)
  // Cohort numbers come from the time and are beyond 32 bits.
  bytes.writeDoubleLE(prediction.cohort, COHORT_AT)
  bytes.writeDoubleLE(prediction.at, TIME_AT)
  bytes.writeDoubleLE(value ?? 0, VALUE_AT)
  let at = TEXT_AT
  for (const [index, text] of texts.entries()) {
    if (index < 3) bytes.writeUInt16LE(lengths[index]!, LENGTHS_AT + 2 * index)
    at += bytes.write(text, at)
  }
  if (segment !== undefined) bytes.writeUInt16LE(bytes.write(segment, at), bytes.length - 2)
  return bytes
}

/** The prediction that was stored; its request id is the one that it was found by. */
export function decodePrediction(bytes: Buffer, requestId: string): Prediction {
  const flags = bytes[0]!
  const { variantAt, serviceAt, idKeyAt, segmentAt } = findTexts(bytes)
  const segment = bytes.toString('utf8', segmentAt, bytes.length - 2)
  return {
    service: bytes.toString('utf8', serviceAt, idKeyAt),
    requestId,
    value: (flags & NO_VALUE) === 0 ? bytes.readDoubleLE(VALUE_AT) : null,
    at: assignedAt(bytes),
    rollout: bytes.toString('utf8', TEXT_AT, variantAt),
    cohort: bytes.readDoubleLE(COHORT_AT),
    side: (flags & CANARY) === 0 ? BASELINE_SIDE : CANARY_SIDE,
    variant: bytes.toString('utf8', variantAt, serviceAt),
    ...((flags & SEGMENT) === 0 ? undefined : { segment }),
  }
}

/** The key that a stored prediction is found by. */
export function decodeKey(bytes: Buffer): PredictionKey {
  const { serviceAt, idKeyAt, segmentAt } = findTexts(bytes)
  return [bytes.toString('utf8', idKeyAt, segmentAt), bytes.toString('utf8', serviceAt, idKeyAt)]
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

function findTexts(bytes: Buffer): {
  variantAt: number
  serviceAt: number
  idKeyAt: number
  /** The end of the bytes where there is none. */
  segmentAt: number
} {
  const variantAt = TEXT_AT + bytes.readUInt16LE(LENGTHS_AT)
  const serviceAt = variantAt + bytes.readUInt16LE(LENGTHS_AT + 2)
  const idKeyAt = serviceAt + bytes.readUInt16LE(LENGTHS_AT + 4)
  const hasSegment = (bytes[0]! & SEGMENT) !== 0
  const segmentBytes = hasSegment ? bytes.readUInt16LE(bytes.length - 2) + 2 : 0
  return { variantAt, serviceAt, idKeyAt, segmentAt: bytes.length - segmentBytes }
}
