import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import { samplePrediction } from './samples.ts'

// A process that takes the labels of all records when it is told to, in slices and in an order of its own, and
// prints the records that it won. Arguments: the path of the store, how many records, and its step.
const [path, count, step] = process.argv.slice(2) as [string, string, string]
const store = await openLmdbStore({
  path,
  maxBytes: 64 * 1024 ** 2,
  maxPending: 1_000_000,
  retentionMs: 86_400_000,
  log: { info: () => {}, warn: () => {} },
})
const prediction = samplePrediction()
const records = Array.from(
  { length: Number(count) },
  (_, index) => ((index * Number(step)) % Number(count)) + 1,
)
writeSync(1, 'ready\n')
await once(process.stdin, 'data')
const won: number[] = []
for (let first = 0; first < records.length; first += 10) {
  const slice = records.slice(first, first + 10)
  const labels = slice.map((record) => ({ record, prediction, label: 1 }))
  const taken = await store.commitFeedback({ labels, events: [], tallies: [] })
  won.push(...slice.filter((_, index) => taken.labels[index]))
}
writeSync(1, `${won.join(' ')}\n`)
await store.close()
process.stdin.destroy()
