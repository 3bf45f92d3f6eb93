import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { rememberPlace } from '../../src/store/lmdb-place.ts'
import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import { samplePrediction } from './samples.ts'

t.test('a store whose folder is taken away refuses writes until it is back', async (t) => {
  const [path, away] = placesOf(t)
  const store = await openStore(t, path)
  await store.putPredictions([samplePrediction({ requestId: 'r-1' })])
  renameSync(path, away)
  const gone = {
    code: 'SERIN_STORE_FAILED',
    message:
      /data\.mdb is gone: the store's folder was removed or replaced .* move the same folder/,
  }
  await t.rejects(store.putPredictions([samplePrediction({ requestId: 'r-2' })]), gone)
  await t.rejects(store.acquireLease('a', 1000, 0), gone)
  await t.rejects(store.commitFeedback({ labels: [], events: [], tallies: [] }), gone)
  const [query] = [{ service: 'model', requestId: 'r-1' }]
  t.ok(await store.findPredictions([query]), 'what was there can be read')

  renameSync(away, path)
  t.match(await store.acquireLease('a', 1000, 0), { holder: 'a', token: 1 }, 'nothing was written')
})

t.test('a store in whose place another one lies writes into neither', async (t) => {
  const [path, away] = placesOf(t)
  const store = await openStore(t, path)
  t.match(await store.acquireLease('a', 1000, 0), { token: 1 })
  renameSync(path, away)
  cpSync(away, path, { recursive: true })
  const replaced = { message: /data\.mdb is not the file that was opened: the store's folder/ }
  await t.rejects(store.acquireLease('b', 1000, 5000), replaced)
  const other = await openStore(t, path)
  t.match(await other.acquireLease('b', 1000, 5000), { token: 2 }, 'which is another one to open')
})

t.test('a lock that others would not see counts as well', async (t) => {
  const [path] = placesOf(t)
  const store = await openStore(t, path)
  rmSync(join(path, 'lock.mdb'))
  await t.rejects(store.acquireLease('a', 1000, 0), { message: /lock\.mdb is gone/ })
})

t.test('what cannot be looked at is not taken for gone', (t) => {
  const name = 'x'.repeat(300)
  t.doesNotThrow(rememberPlace(join(t.testdir(), name)), 'a name that no file system takes')
  const path = t.testdir({ 'data.mdb': '', 'lock.mdb': '' })
  const assertInPlace = rememberPlace(path)
  writeFileSync(join(path, 'data.mdb'), 'more')
  t.doesNotThrow(assertInPlace, 'a file that has grown is the same')
  t.end()
})

function placesOf(t: Test): readonly [string, string] {
  const folder = t.testdir({})
  return [join(folder, 'data'), join(folder, 'away')]
}

async function openStore(t: Test, path: string) {
  const store = await openLmdbStore({
    ...{ path, maxBytes: 1024 ** 2, maxPending: 1000, retentionMs: 86_400_000 },
    log: { info: () => {}, warn: () => {} },
  })
  t.teardown(() => store.close())
  return store
}
