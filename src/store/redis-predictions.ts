import type { RedisConnection } from './redis-connection.ts'
import { EXPIRE, FIND, LABEL, PUT } from './redis-prediction-scripts.ts'
import { wrapCohort } from './cohort-envelope.ts'
import { EXPIRE_BATCH } from './limits.ts'
import type { PredictionLimits } from './limits.ts'
import { decodePrediction, encodePrediction, isJoined, requestIdKey } from './prediction-codec.ts'
import type { PredictionLookup, Store } from './store.ts'

/**
 * The label join's part of the store. Each call is one script, so callers with many predictions, queries
 * or labels hand them over in slices. Joined predictions stay until their time is over, so that a label
 * that comes twice is known.
 */
export function buildRedisPredictions(
  redis: RedisConnection,
  limits: PredictionLimits,
): Pick<Store, 'putPredictions' | 'findPredictions' | 'commitLabels' | 'expirePredictions'> {
  const { maxPending, maxBytes, retentionMs } = limits
  /** Removed since the last time that somebody was told. */
  let removedCount = 0
  return {
    putPredictions: async (batch) => {
      const args = batch.flatMap((prediction) => [
        requestIdKey(prediction.requestId),
        prediction.service,
        encodePrediction(prediction),
      ])
      const head = [maxPending, maxBytes, batch.length]
      const removed = await redis.run('cannot save predictions', PUT, [...head, ...args])
      removedCount += removed as number
    },
    findPredictions: async (queries) => {
      const keys = queries.map(({ requestId }) => requestIdKey(requestId))
      const found = await redis.run('cannot look predictions up', FIND, keys)
      return (found as Buffer[][]).map((pairs, index) => toLookup(pairs, queries[index]!))
    },
    commitLabels: async (joined, changed) => {
      const marks = joined.flatMap(({ prediction, label }) => {
        const bytes = Buffer.alloc(8)
        bytes.writeDoubleLE(label)
        return [requestIdKey(prediction.requestId), prediction.service, bytes]
      })
      const puts = changed.flatMap(({ service, cohort }) => [
        ...[service, cohort.number, cohort.rollout],
        wrapCohort(cohort),
      ])
      const args = [joined.length, ...marks, changed.length, ...puts]
      await redis.run('cannot save labels', LABEL, args)
    },
    expirePredictions: async (now) => {
      for (;;) {
        const args = [EXPIRE_BATCH, now - retentionMs, maxPending]
        const removed = await redis.run('cannot remove old predictions', EXPIRE, args)
        removedCount += removed as number
        if ((removed as number) < EXPIRE_BATCH) break
      }
      const total = removedCount
      removedCount = 0
      return total
    },
  }
}

/** `pairs`: a service that has the request id, then its prediction, and so on. */
function toLookup(
  pairs: readonly Buffer[],
  query: { readonly service: string | null; readonly requestId: string },
): PredictionLookup {
  const found = Array.from({ length: pairs.length / 2 }, (_, i) => ({
    service: String(pairs[2 * i]),
    bytes: pairs[2 * i + 1]!,
  })).filter(({ service }) => query.service === null || service === query.service)
  const [first] = found
  if (first === undefined) return { found: 'none' }
  if (found.length > 1) {
    return { found: 'ambiguous', services: found.map(({ service }) => service).sort() }
  }
  const prediction = decodePrediction(first.bytes, query.requestId)
  return { found: isJoined(first.bytes) ? 'joined' : 'pending', prediction }
}
