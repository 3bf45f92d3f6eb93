import { writeSync } from 'node:fs'
import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import {
  SERVICE,
  sampleCohort,
  sampleDecision,
  sampleEvidence,
  samplePrediction,
  sampleState,
} from './samples.ts'

// A process that commits for ever, with everything in one change, and prints each revision once it
// is committed. Arguments: the path of the store, and the name under which it takes the lease.
const [path, holder] = process.argv.slice(2) as [string, string]
const store = await openLmdbStore({
  path,
  maxBytes: 64 * 1024 ** 2,
  maxPending: 1_000_000,
  retentionMs: 86_400_000,
  log: { info: () => {}, warn: () => {} },
})
for (;;) {
  const lease = await store.acquireLease(holder, 60_000, Date.now())
  const record = await store.readRollout(SERVICE)
  if (lease === null) continue
  const expectedRevision = record?.state.revision ?? null
  const revision = (expectedRevision ?? 0) + 1
  const weightBp = (revision * 7) % 10_000
  const standing = { phase: 'progressing', step: 0, weights: { canary: weightBp / 100 } } as const
  await store.putPredictions([samplePrediction({ requestId: `r-${revision}` })])
  const result = await store.commit({
    service: SERVICE,
    expectedRevision,
    lease,
    state: sampleState({ revision, weightBp }),
    decision: sampleDecision({ to: standing }),
    evidence: sampleEvidence({ starts: [revision] }),
    putCohorts: [sampleCohort(revision)],
    dropCohorts: [revision - 1],
    putUnits: [{ cohort: revision, epoch: 0, seen: [revision], events: {} }],
  })
  // Straight to the descriptor: what is printed is true even if the process dies the moment after.
  if (result.ok) writeSync(1, `${revision}\n`)
}
