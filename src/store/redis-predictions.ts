import { randomUUID } from 'node:crypto'
import { EXPIRE_BATCH } from './limits.ts'
import type { PredictionLimits } from './limits.ts'
import {
  decodePrediction,
  decodeUnitKey,
  encodePrediction,
  isJoined,
  requestIdKey,
  unitKey,
} from './prediction-codec.ts'
import { NO_EVENTS, type UnitEvents } from '../domain/prediction.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import type { RedisConnection } from './redis-connection.ts'
import { EXPIRE, FEEDBACK, FIND, PUT } from './redis-prediction-scripts.ts'
import type { FeedbackChange, PredictionLookup, PredictionQuery, PredictionStore } from './store.ts'
import { encodeTallies } from './tally-codec.ts'

/**
 * The join's part of the store. Each call is one script, so callers with many predictions, queries or
 * labels hand them over in slices. Joined predictions stay until their time is over, so that a label
 * that comes twice is known.
 */
export function buildRedisPredictions(
  redis: RedisConnection,
  limits: PredictionLimits,
): PredictionStore {
  const { maxPending, maxBytes, retentionMs } = limits
  /** Since the last time that somebody was told. */
  let evictedCount = 0
  /** Names the changes of this store among those of all others. */
  const self = randomUUID()
  const changes = new WeakMap<FeedbackChange, number>()
  let lastChange = 0
  return {
    putPredictions: async (batch) => {
      const args = batch.flatMap((prediction) => {
        const bytes = encodePrediction(prediction)
        const unit = decodeUnitKey(bytes)?.[0] ?? ''
        const { service, requestId, at } = prediction
        return [service, requestIdKey(requestId), unit, at, bytes]
      })
      const head = [maxPending, maxBytes, batch.length]
      const removed = await redis.run('cannot save predictions', PUT, [...head, ...args])
      evictedCount += removed as number
    },
    findPredictions: async (queries) => {
      const keys = queries.map((query) =>
        'unit' in query ? unitKey(query.unit) : requestIdKey(query.requestId),
      )
      const found = await redis.run('cannot look predictions up', FIND, keys)
      return (found as Buffer[][]).map((parts, index) => toLookup(parts, queries[index]!))
    },
    commitFeedback: async (change) => {
      const { labels, events, tallies } = change
      if (!changes.has(change)) changes.set(change, (lastChange += 1))
      const args = [
        ...[self, changes.get(change)!],
        labels.length,
        ...labels.flatMap(({ record, prediction, label }) => {
          const bytes = Buffer.alloc(8)
          bytes.writeDoubleLE(label)
          return [record, prediction.at, bytes]
        }),
        events.length,
        ...events.flatMap(({ record, prediction, before, events: said }) => [
          ...[record, prediction.at, before],
          encodeEvents(said),
        ]),
        tallies.length,
        ...tallies.flatMap((each) => [
          ...[each.service, each.cohort, each.replica ?? ''],
          encodeTallies(each),
        ]),
      ]
      const answer = (await redis.run('cannot save feedback', FEEDBACK, args)) as Buffer
      const taken = Array.from(answer, (each) => each === ONE)
      return { labels: taken.slice(0, labels.length), events: taken.slice(labels.length) }
    },
    expirePredictions: async (now) => {
      let expiredCount = 0
      for (;;) {
        const args = [EXPIRE_BATCH, now - retentionMs, maxPending, maxBytes]
        const answer = await redis.run('cannot remove old predictions', EXPIRE, args)
        const [expired, evicted] = answer as [number, number]
        expiredCount += expired
        evictedCount += evicted
        if (expired + evicted < EXPIRE_BATCH) break
      }
      const removed = { expired: expiredCount, evicted: evictedCount }
      evictedCount = 0
      return removed
    },
  }
}

/** `parts`: a service that has the key, the number of its prediction, its bytes, its events, and so on. */
function toLookup(parts: readonly Buffer[], query: PredictionQuery): PredictionLookup {
  const found = Array.from({ length: parts.length / 4 }, (_, i) => ({
    service: String(parts[4 * i]),
    record: Number(parts[4 * i + 1]),
    bytes: parts[4 * i + 2]!,
    said: parts[4 * i + 3]!,
  })).filter(({ service }) => query.service === null || service === query.service)
  const [first] = found
  if (first === undefined) return { found: 'none' }
  if (found.length > 1) {
    return { found: 'ambiguous', services: found.map(({ service }) => service).sort() }
  }
  const { record, bytes, said } = first
  return {
    found: isJoined(bytes) ? 'joined' : 'pending',
    record,
    prediction: decodePrediction(bytes, 'requestId' in query ? query.requestId : null),
    events: said.length === 0 ? NO_EVENTS : decodeEvents(said),
  }
}

const COUNT_BYTES = 2
const ONE = '1'.charCodeAt(0)

function decodeEvents(said: Buffer): UnitEvents {
  // An earlier version wrote them by V8's serializer (255, its version, `o`), without their count.
  const isBare = said[0] === 255 && said[2] === 'o'.charCodeAt(0)
  return decodeRecord<UnitEvents>(isBare ? said : said.subarray(COUNT_BYTES))
}

/** For the scripts, how many events there are stands before them. */
function encodeEvents({ seen, totals }: UnitEvents): Buffer {
  const count = Buffer.alloc(COUNT_BYTES)
  count.writeUInt16LE(seen.length)
  return Buffer.concat([count, encodeRecord({ seen, totals })])
}
