import type { Prediction } from '../domain/prediction.ts'
import { EXPIRE_BATCH } from './limits.ts'
import type { PredictionLimits } from './limits.ts'
import type { LmdbEnvironment } from './lmdb-environment.ts'
import {
  assignedAt,
  countEvents,
  decodeEvents,
  decodeKey,
  decodePrediction,
  decodeUnitKey,
  encodePrediction,
  isJoined,
  markJoined,
  requestIdKey,
  unitKey,
  withEvents,
} from './prediction-codec.ts'
import type { PredictionKey } from './prediction-codec.ts'
import { encodeTallies } from './tally-codec.ts'
import type { FeedbackChange, PredictionLookup, PredictionStore } from './store.ts'

/**
 * The label join's part of the store. Each call is one transaction or one snapshot, so callers with
 * many predictions, queries or labels hand them over in slices. Joined predictions stay until their
 * time is over, so that a label that comes twice is known.
 */
export function buildLmdbPredictions(
  env: LmdbEnvironment,
  limits: PredictionLimits,
): PredictionStore {
  const { predictions, predictionNumbers, cohorts, tallies, openings, shareTallies } = env.tables
  /** Since the last time that somebody was told. */
  let evictedCount = 0

  return {
    putPredictions: async (batch) => {
      const writes = batch.map((prediction) => {
        const bytes = encodePrediction(prediction)
        return { key: keyOf(prediction), unitKey: decodeUnitKey(bytes), bytes }
      })
      evictedCount += await env.write('cannot save predictions', () => {
        const first = nextNumber(env)
        let number = first
        for (const { key, unitKey, bytes } of writes) {
          const isKnown = predictionNumbers.doesExist(key)
          // A unit has its record also where its request id was there before.
          if (isKnown && unitKey === null) continue
          if (!isKnown) void predictionNumbers.put(key, number)
          if (unitKey !== null) void predictionNumbers.put(unitKey, number)
          predictions.putSync(number, bytes, { append: true })
          number += 1
        }
        const size = measure(env)
        const excess = size.count - limits.maxPending
        const room = size.bytes > limits.maxBytes ? number - first : 0
        // What is left after a limit was lowered goes with `expirePredictions`.
        return evictOldest(env, Math.min(Math.max(excess, room), 2 * writes.length), Infinity)
      })
    },

    findPredictions: (queries) =>
      env.read('cannot look predictions up', () =>
        queries.map((query) => {
          const requestId = 'requestId' in query ? query.requestId : null
          const idKey = 'unit' in query ? unitKey(query.unit) : requestIdKey(query.requestId)
          if (query.service === null) return findAnywhere(env, idKey, requestId)
          const number = predictionNumbers.get([idKey, query.service])
          return number === undefined ? { found: 'none' } : toLookup(env, number, requestId)
        }),
      ),

    commitFeedback: async ({ labels, events, tallies: changed }) => {
      const puts = changed.map((each) => ({
        place: [each.service, each.cohort],
        replica: each.replica,
        bytes: encodeTallies(each),
      }))
      return env.write('cannot save feedback', () => {
        for (const { place, replica, bytes } of puts) {
          // Folded and dropped meanwhile, or of an attempt that is over.
          if (replica === undefined) {
            if (cohorts.doesExist(place)) void tallies.put(place, bytes)
          } else if (openings.doesExist(place)) {
            void shareTallies.put([...place, replica], bytes)
          }
        }
        return {
          labels: labels.map((each) => takeLabel(env, each)),
          events: events.map((each) => takeEvents(env, each)),
        }
      })
    },

    expirePredictions: async (now) => {
      let expiredCount = 0
      for (;;) {
        const { expired, evicted } = await env.write('cannot remove old predictions', () => {
          const expired = evictOldest(env, EXPIRE_BATCH, now - limits.retentionMs)
          const size = measure(env)
          // Records grow with the events of their units.
          const excess =
            size.bytes > limits.maxBytes ? EXPIRE_BATCH : size.count - limits.maxPending
          const room = Math.min(excess, EXPIRE_BATCH - expired)
          return { expired, evicted: evictOldest(env, room, Infinity) }
        })
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

/** Removes up to `count` predictions that were assigned before `before`; returns how many went. */
function evictOldest(env: LmdbEnvironment, count: number, before: number): number {
  if (count <= 0) return 0
  const { predictions, predictionNumbers } = env.tables
  let removed = 0
  // All are read before the first is removed: a cursor does not survive that.
  for (const { key, value } of [...predictions.getRange({ limit: count })]) {
    if (assignedAt(value) >= before) break
    void predictions.remove(key)
    for (const index of [decodeKey(value), decodeUnitKey(value)]) {
      // Another record may have taken the place: a request id that came again, a key's next attempt.
      if (index !== null && predictionNumbers.get(index) === key)
        void predictionNumbers.remove(index)
    }
    removed += 1
  }
  return removed
}

function takeLabel(
  env: LmdbEnvironment,
  { record, prediction, label }: FeedbackChange['labels'][number],
): boolean {
  const bytes = readRecord(env, record, prediction.at)
  if (bytes === null || isJoined(bytes)) return false
  markJoined(bytes, label)
  void env.tables.predictions.put(record, bytes)
  return true
}

function takeEvents(
  env: LmdbEnvironment,
  { record, prediction, before, events }: FeedbackChange['events'][number],
): boolean {
  const bytes = readRecord(env, record, prediction.at)
  if (bytes === null || countEvents(bytes) !== before) return false
  void env.tables.predictions.put(record, withEvents(bytes, events))
  return true
}

function keyOf({ requestId, service }: Prediction): PredictionKey {
  return [requestIdKey(requestId), service]
}

function nextNumber(env: LmdbEnvironment): number {
  for (const last of env.tables.predictions.getKeys({ reverse: true, limit: 1 })) return last + 1
  return 1
}

/** The bytes of a record; null when its time is over, also where a later one has its number. */
function readRecord(env: LmdbEnvironment, number: number, at: number): Buffer | null {
  const bytes = env.tables.predictions.get(number)
  return bytes === undefined || assignedAt(bytes) !== at ? null : bytes
}

function toLookup(
  env: LmdbEnvironment,
  number: number,
  requestId: string | null,
): PredictionLookup {
  const bytes = env.tables.predictions.get(number)!
  return {
    found: isJoined(bytes) ? 'joined' : 'pending',
    record: number,
    prediction: decodePrediction(bytes, requestId),
    events: decodeEvents(bytes),
  }
}

function findAnywhere(
  env: LmdbEnvironment,
  idKey: string,
  requestId: string | null,
): PredictionLookup {
  const services: string[] = []
  let number = 0
  for (const { key, value } of env.tables.predictionNumbers.getRange({ start: [idKey] })) {
    const [foundId, service] = key as PredictionKey
    if (foundId !== idKey) break
    services.push(service)
    number = value
  }
  if (services.length === 0) return { found: 'none' }
  return services.length === 1 ? toLookup(env, number, requestId) : { found: 'ambiguous', services }
}

/** Predictions kept, and the bytes of the pages that they and their index take. */
function measure(env: LmdbEnvironment): { readonly count: number; readonly bytes: number } {
  const { predictions, predictionNumbers } = env.tables
  const [records, index] = [predictions, predictionNumbers].map((table) => {
    const stats = table.getStats() as Record<string, number>
    const pages =
      stats['treeBranchPageCount']! + stats['treeLeafPageCount']! + stats['overflowPages']!
    return { count: stats['entryCount']!, bytes: pages * stats['pageSize']! }
  })
  return { count: records!.count, bytes: records!.bytes + index!.bytes }
}
