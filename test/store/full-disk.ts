import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import { createFakeTimers } from './fake-timers.ts'
import { SERVICE, samplePrediction } from './samples.ts'

// Writes predictions until the disk takes no more, goes on with small writes, and prints what became of it.
// Argument: the path of the store.
const timers = createFakeTimers()
const store = await openLmdbStore({
  path: process.argv[2]!,
  maxBytes: 64 * 1024 ** 2,
  maxPending: 1_000_000,
  retentionMs: 86_400_000,
  log: { info: () => {}, warn: () => {} },
  setTimer: timers.setTimer,
})
type Failure = { readonly code: string; readonly message: string }
let failure: Failure | null = null
for (let batch = 0; failure === null; batch += 1) {
  const predictions = Array.from({ length: 100 }, (_, index) =>
    samplePrediction({ requestId: `r-${batch * 100 + index}`, rollout: 'x'.repeat(500) }),
  )
  failure = await store.putPredictions(predictions).then(
    () => null,
    (error: Failure) => error,
  )
}
let refused = 0
for (let write = 0; write < 50; write += 1) {
  // Twice a second passes.
  if (write === 10 || write === 20) timers.fire()
  await store.acquireLease('a', 1000, Date.now()).catch(() => (refused += 1))
}
const found = await store.findPredictions([{ service: SERVICE, requestId: 'r-0' }])
await store.close()
const { code, message } = failure
console.error('all else is printed')
process.stdout.write(JSON.stringify({ code, message, refused, found: found[0]!.found }))
