import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import { checkLives } from './crash-and-replay/check.ts'

const SILENT = { info: () => {}, warn: () => {} }
const LIMITS = { retentionMs: 60_000, maxPending: 100, maxBytes: 1024 ** 2 }

t.test('The weights are what the log says, in twenty thousand lives.', async (t) => {
  t.setTimeout(7_200_000)
  const seen = await checkLives(() => new MemoryStore(), { numRuns: 20_000 })
  t.comment(JSON.stringify(seen))
  t.ok(seen.promoted > 1000 && seen.rolledBack > 5000 && seen.retried > 1000)
})

t.test('The weights are what the log says, over a store on disk.', async (t) => {
  t.setTimeout(1_000_000)
  const root = t.testdir()
  const seen = await checkLives(
    async () => {
      const path = mkdtempSync(join(root, 'store-'))
      const store = await openLmdbStore({ path, log: SILENT, ...LIMITS })
      const close = async (): Promise<void> => {
        await store.close()
        rmSync(path, { recursive: true })
      }
      return { ...store, close }
    },
    { numRuns: 300 },
  )
  t.ok(seen.promoted > 10 && seen.rolledBack > 50 && seen.retried > 10, JSON.stringify(seen))
})
