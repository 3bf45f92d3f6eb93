import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import type { Prediction } from '../../src/domain/prediction.ts'
import { createPredictionBuffer } from '../../src/store/prediction-buffer.ts'
import type { PredictionBufferOptions } from '../../src/store/prediction-buffer.ts'
import { createFakeTimers } from './fake-timers.ts'
import { SERVICE, samplePrediction } from './samples.ts'

t.test('predictions are written together after the wait, in batches, in order', async (t) => {
  const { buffer, batches, timers } = makeBuffer({ flushMs: 40, maxBatch: 2 })
  const all = ['a', 'b', 'c'].map((requestId) => samplePrediction({ requestId }))
  for (const prediction of all) buffer.add(prediction)
  t.strictSame(timers.delays(), [40], 'one timer for all')
  t.equal(batches.length, 0)
  timers.fire()
  await settle()
  t.strictSame(batches, [all.slice(0, 2), all.slice(2)])
  t.strictSame(timers.delays(), [], 'nothing waits, no timer')
  t.equal(buffer.size(), 0)
})

t.test('a prediction is found until it is in the store, also while it is written', async (t) => {
  const write = defer<void>()
  const { buffer } = makeBuffer({ store: { putPredictions: () => write.promise } })
  const mine = samplePrediction()
  const other = samplePrediction({ service: 'other' })
  buffer.add(mine)
  buffer.add(other)
  const flushed = buffer.flush()
  t.strictSame(buffer.find(SERVICE, 'r-1'), [mine])
  t.strictSame(buffer.find(null, 'r-1'), [mine, other])
  t.strictSame(buffer.find('third', 'r-1'), [])
  t.strictSame(buffer.find(null, 'r-2'), [])
  write.resolve()
  await flushed
  t.strictSame(buffer.find(null, 'r-1'), [])
})

t.test('the first prediction of a service and request wins', async (t) => {
  const { buffer, batches } = makeBuffer()
  const first = samplePrediction({ value: 1 })
  buffer.add(first)
  buffer.add(samplePrediction({ value: 2 }))
  await buffer.flush()
  t.strictSame(batches, [[first]])
  t.equal(buffer.dropped(), 0)
})

t.test('what comes to a full buffer is dropped and counted', async (t) => {
  const { buffer, batches } = makeBuffer({ maxBuffered: 2 })
  for (const requestId of ['a', 'b', 'c', 'd']) buffer.add(samplePrediction({ requestId }))
  t.equal(buffer.dropped(), 2)
  t.equal(buffer.size(), 2)
  await buffer.flush()
  buffer.add(samplePrediction({ requestId: 'e' }))
  await buffer.flush()
  t.strictSame(
    batches.flat().map(({ requestId }) => requestId),
    ['a', 'b', 'e'],
  )
})

t.test('flush waits for what was added before it, not for what comes later', async (t) => {
  const { buffer, batches } = makeBuffer({
    maxBatch: 1,
    store: {
      putPredictions: async (batch) => {
        batches.push(batch)
        // Traffic that never pauses.
        buffer.add(samplePrediction({ requestId: `next-${batches.length}` }))
      },
    },
  })
  buffer.add(samplePrediction({ requestId: 'a' }))
  buffer.add(samplePrediction({ requestId: 'b' }))
  await buffer.flush()
  t.equal(batches.length, 2)
  t.equal(buffer.size(), 2)
})

t.test('a write that fails is reported, kept and tried again', async (t) => {
  const errors: unknown[] = []
  const failure = new Error('disk full')
  const written: (readonly Prediction[])[] = []
  let isBroken = true
  const { buffer, timers } = makeBuffer({
    onError: (error) => errors.push(error),
    store: {
      putPredictions: async (batch) => {
        if (isBroken) throw failure
        written.push(batch)
      },
    },
  })
  buffer.add(samplePrediction())
  timers.fire()
  await settle()
  t.strictSame(errors, [failure])
  t.strictSame(timers.delays(), [1000])
  buffer.add(samplePrediction({ requestId: 'r-2' }))
  t.strictSame(timers.delays(), [1000], 'new ones do not make it sooner')
  await t.rejects(buffer.flush(), failure)
  t.equal(buffer.find(SERVICE, 'r-1').length, 1)
  isBroken = false
  timers.fire()
  await settle()
  t.strictSame(
    written.flat().map(({ requestId }) => requestId),
    ['r-1', 'r-2'],
  )
  t.equal(errors.length, 1)
})

t.test('what came while a batch was written gets a timer of its own', async (t) => {
  const write = defer<void>()
  const { buffer, timers } = makeBuffer({ store: { putPredictions: () => write.promise } })
  buffer.add(samplePrediction())
  timers.fire()
  buffer.add(samplePrediction({ requestId: 'r-2' }))
  t.strictSame(timers.delays(), [])
  write.resolve()
  await settle()
  t.strictSame(timers.delays(), [50])
})

t.test('closing writes what waits, stops the timer and takes nothing more', async (t) => {
  const { buffer, batches, timers } = makeBuffer()
  buffer.add(samplePrediction())
  await Promise.all([buffer.close(), buffer.close()])
  t.equal(batches.flat().length, 1)
  t.strictSame(timers.delays(), [])
  buffer.add(samplePrediction({ requestId: 'r-2' }))
  t.equal(buffer.dropped(), 1)
  t.strictSame(timers.delays(), [])
})

t.test('closing tells when what waits could not be written', async (t) => {
  const failure = new Error('disk full')
  const { buffer } = makeBuffer({ store: { putPredictions: () => Promise.reject(failure) } })
  buffer.add(samplePrediction())
  await t.rejects(buffer.close(), failure)
})

t.test('the timer that is used by default writes by itself', async (t) => {
  const written = defer<readonly Prediction[]>()
  const buffer = createPredictionBuffer({
    store: { putPredictions: async (batch) => written.resolve(batch) },
    flushMs: 1,
    onError: (error) => t.fail(String(error)),
  })
  buffer.add(samplePrediction())
  // Nothing but this keeps the process alive until then.
  const keepAlive = setInterval(() => {}, 1000)
  t.strictSame(await written.promise, [samplePrediction()])
  clearInterval(keepAlive)
  await buffer.close()
})

function makeBuffer(options: Partial<PredictionBufferOptions> = {}) {
  const batches: (readonly Prediction[])[] = []
  const timers = createFakeTimers()
  const buffer = createPredictionBuffer({
    store: {
      putPredictions: async (batch) => {
        batches.push(batch)
      },
    },
    onError: (error) => {
      throw error
    },
    setTimer: timers.setTimer,
    ...options,
  })
  return { buffer, batches, timers }
}

/** A promise and what settles it. */
function defer<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

async function settle(): Promise<void> {
  await nextTurn()
  await nextTurn()
}
