import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import { SERVICE, samplePrediction } from './samples.ts'

// Writes predictions until the disk takes no more, goes on a little, and prints what became of it.
// Argument: the path of the store.
const store = await openLmdbStore({
  path: process.argv[2]!,
  maxBytes: 64 * 1024 ** 2,
  maxPending: 1_000_000,
  retentionMs: 86_400_000,
  log: { info: () => {}, warn: () => {} },
})
const failures: unknown[] = []
for (let batch = 0; failures.length < 3; batch += 1) {
  const predictions = Array.from({ length: 100 }, (_, index) =>
    samplePrediction({ requestId: `r-${batch * 100 + index}`, rollout: 'x'.repeat(500) }),
  )
  try {
    await store.putPredictions(predictions)
  } catch (error) {
    failures.push(error)
  }
}
const found = await store.findPredictions([{ service: SERVICE, requestId: 'r-0' }])
await store.close()
const [first] = failures as [{ code: string; message: string }]
process.stdout.write(
  JSON.stringify({ code: first.code, message: first.message, found: found[0]!.found }),
)
