import type { Cohort } from '../domain/cohort.ts'
import type { Prediction } from '../domain/prediction.ts'
import { EXPIRE_BATCH } from './limits.ts'
import type { PredictionLimits } from './limits.ts'
import type { LmdbEnvironment } from './lmdb-environment.ts'
import {
  assignedAt,
  decodeKey,
  decodePrediction,
  encodePrediction,
  isJoined,
  markJoined,
  requestIdKey,
} from './prediction-codec.ts'
import type { PredictionKey } from './prediction-codec.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import type { PredictionLookup, Store } from './store.ts'

/**
 * The label join's part of the store. Each call is one transaction or one snapshot, so callers with
 * many predictions, queries or labels hand them over in slices. Joined predictions stay until their
 * time is over, so that a label that comes twice is known.
 */
export function buildLmdbPredictions(
  env: LmdbEnvironment,
  limits: PredictionLimits,
): Pick<Store, 'putPredictions' | 'findPredictions' | 'commitLabels' | 'expirePredictions'> {
  const { predictions, predictionNumbers, cohorts } = env.tables
  /** Removed since the last time that somebody was told. */
  let removedCount = 0

  return {
    putPredictions: async (batch) => {
      const writes = batch.map((prediction) => ({
        key: keyOf(prediction),
        bytes: encodePrediction(prediction),
      }))
      removedCount += await env.write('cannot save predictions', () => {
        const first = nextNumber(env)
        let number = first
        for (const { key, bytes } of writes) {
          if (predictionNumbers.doesExist(key)) continue
          void predictionNumbers.put(key, number)
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
        queries.map(({ service, requestId }) => {
          const idKey = requestIdKey(requestId)
          if (service === null) return findAnywhere(env, idKey, requestId)
          const number = predictionNumbers.get([idKey, service])
          return number === undefined ? { found: 'none' } : toLookup(env, number, requestId)
        }),
      ),

    commitLabels: async (joined, changed) => {
      const marks = joined.map(({ prediction, label }) => ({ key: keyOf(prediction), label }))
      const puts = changed.map(({ service, cohort }) => ({
        key: [service, cohort.number],
        rollout: cohort.rollout,
        bytes: encodeRecord(cohort),
      }))
      await env.write('cannot save labels', () => {
        for (const { key, label } of marks) {
          const number = predictionNumbers.get(key)
          // Its time was over meanwhile.
          if (number === undefined) continue
          const bytes = predictions.get(number)!
          markJoined(bytes, label)
          void predictions.put(number, bytes)
        }
        for (const { key, rollout, bytes } of puts) {
          const stored = cohorts.get(key)
          // Folded and dropped meanwhile, or replaced by one of the next attempt.
          if (stored === undefined || decodeRecord<Cohort>(stored).rollout !== rollout) continue
          void cohorts.put(key, bytes)
        }
      })
    },

    expirePredictions: async (now) => {
      for (;;) {
        const removed = await env.write('cannot remove old predictions', () => {
          const expired = evictOldest(env, EXPIRE_BATCH, now - limits.retentionMs)
          const excess = measure(env).count - limits.maxPending
          return expired + evictOldest(env, Math.min(excess, EXPIRE_BATCH - expired), Infinity)
        })
        removedCount += removed
        if (removed < EXPIRE_BATCH) break
      }
      const total = removedCount
      removedCount = 0
      return total
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
    void predictionNumbers.remove(decodeKey(value))
    removed += 1
  }
  return removed
}

function keyOf({ requestId, service }: Prediction): PredictionKey {
  return [requestIdKey(requestId), service]
}

function nextNumber(env: LmdbEnvironment): number {
  for (const last of env.tables.predictions.getKeys({ reverse: true, limit: 1 })) return last + 1
  return 1
}

function toLookup(env: LmdbEnvironment, number: number, requestId: string): PredictionLookup {
  const bytes = env.tables.predictions.get(number)!
  const prediction = decodePrediction(bytes, requestId)
  return { found: isJoined(bytes) ? 'joined' : 'pending', prediction }
}

function findAnywhere(env: LmdbEnvironment, idKey: string, requestId: string): PredictionLookup {
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
