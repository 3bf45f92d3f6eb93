import type { Prediction } from '../domain/prediction.ts'
import { setBackgroundTimer } from './set-timer.ts'
import type { SetTimer } from './set-timer.ts'
import type { Store } from './store.ts'

/** Where predictions are written, and how many at once. */
export type PredictionBufferOptions = {
  readonly store: Pick<Store, 'putPredictions'>
  /** How long a prediction waits for others to be written with; 50 by default. */
  readonly flushMs?: number
  /** Predictions in one write; 256 by default, about a millisecond of the event loop. */
  readonly maxBatch?: number
  /** Beyond it predictions are dropped; 100,000 by default. */
  readonly maxBuffered?: number
  /** A write in the background failed; it is tried again after `RETRY_MS`. */
  readonly onError: (error: unknown) => void
  readonly setTimer?: SetTimer
}

/** Wait before a failed write is tried again, in milliseconds. */
export const RETRY_MS = 1000

/** Predictions on their way into the store: the request path hands them over and goes on. */
export type PredictionBuffer = {
  /** O(1). The first prediction of a service and request id wins; a unit's record stays. Never throws. */
  readonly add: (prediction: Prediction) => void
  /** What is not in the store yet: at most one per service; `service: null` = of all services. */
  readonly find: (service: string | null, requestId: string) => readonly Prediction[]
  /** Whether a record of this key's unit is not in the store yet. */
  readonly holdsUnit: (unit: number) => boolean
  /** Resolves when everything added so far is in the store; rejects when a write fails. */
  readonly flush: () => Promise<void>
  /** Predictions that wait. */
  readonly size: () => number
  /** Predictions lost so far: the buffer was full, or closed. */
  readonly dropped: () => number
  /** Writes what waits (rejects when that fails) and takes nothing more. */
  readonly close: () => Promise<void>
}

/** A write-behind buffer in front of `Store.putPredictions`. What waits is lost with the process. */
export function createPredictionBuffer(options: PredictionBufferOptions): PredictionBuffer {
  const { store, onError, flushMs = 50, maxBatch = 256, maxBuffered = 100_000 } = options
  const setTimer = options.setTimer ?? setBackgroundTimer
  const waiting: Prediction[] = []
  const byRequestId = new Map<string, Prediction[]>()
  const waitingUnits = new Map<number, number>()
  let addedCount = 0
  let storedCount = 0
  let droppedCount = 0
  let writing: Promise<void> | null = null
  let cancelTimer: (() => void) | null = null
  let isFlushing = false
  let closing: Promise<void> | null = null

  const countUnit = ({ unit }: Prediction, change: number) => {
    const count = (waitingUnits.get(unit!) ?? 0) + change
    if (count === 0) waitingUnits.delete(unit!)
    else waitingUnits.set(unit!, count)
  }

  /** Writes one batch. It stays in the buffer, and can be found, until it is in the store. */
  const writeBatch = async () => {
    const batch = waiting.slice(0, maxBatch)
    await store.putPredictions(batch)
    waiting.splice(0, batch.length)
    for (const prediction of batch) {
      forget(byRequestId, prediction)
      if (isUnitRecord(prediction)) countUnit(prediction, -1)
    }
    storedCount += batch.length
  }

  const flush = async () => {
    const target = addedCount
    while (storedCount < target) {
      writing ??= writeBatch().finally(() => {
        writing = null
      })
      await writing
    }
  }

  const flushInBackground = async () => {
    isFlushing = true
    let delayMs = flushMs
    try {
      await flush()
    } catch (error) {
      delayMs = RETRY_MS
      onError(error)
    } finally {
      isFlushing = false
    }
    arm(delayMs)
  }

  const arm = (delayMs: number) => {
    if (waiting.length === 0 || isFlushing || closing !== null || cancelTimer !== null) return
    cancelTimer = setTimer(() => {
      cancelTimer = null
      void flushInBackground()
    }, delayMs)
  }

  const finish = async () => {
    cancelTimer?.()
    cancelTimer = null
    await flush()
  }

  return {
    add: (prediction) => {
      if (closing !== null || waiting.length >= maxBuffered) {
        droppedCount += 1
        return
      }
      const isUnit = isUnitRecord(prediction)
      if (isUnit) countUnit(prediction, 1)
      const same = byRequestId.get(prediction.requestId)
      if (same === undefined) byRequestId.set(prediction.requestId, [prediction])
      else if (same.some(({ service }) => service === prediction.service) && !isUnit) return
      else same.push(prediction)
      waiting.push(prediction)
      addedCount += 1
      arm(flushMs)
    },
    find: (service, requestId) => {
      const same = byRequestId.get(requestId) ?? []
      return same.filter((prediction) => service === null || prediction.service === service)
    },
    holdsUnit: (unit) => waitingUnits.has(unit),
    flush,
    size: () => waiting.length,
    dropped: () => droppedCount,
    close: () => (closing ??= finish()),
  }
}

// Of a key, the request that its unit is judged by.
function isUnitRecord({ unit, cohort }: Prediction): boolean {
  return unit !== null && cohort !== -1
}

function forget(byRequestId: Map<string, Prediction[]>, prediction: Prediction): void {
  const { requestId } = prediction
  const others = byRequestId.get(requestId)!.filter((other) => other !== prediction)
  if (others.length === 0) byRequestId.delete(requestId)
  else byRequestId.set(requestId, others)
}
