import t from 'tap'
import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import { describeExposure, readFreeBytes, requireRoom } from '../../src/store/store-directory.ts'

t.test('a full disk is an error before LMDB meets it', async (t) => {
  const folder = t.testdir()
  t.throws(() => requireRoom(folder, 10 * 1024 + 1), {
    code: 'SERIN_STORE_FAILED',
    message: `the disk of ${folder} is full: 10 KiB are free, and a new store takes up to 1024 KiB`,
  })
  t.doesNotThrow(() => requireRoom(folder, 1024 ** 2))
  t.doesNotThrow(() => requireRoom(folder), 'this disk has room')
  t.equal(readFreeBytes(`${folder}/gone`), Infinity, 'not told is not full')
})

t.test('a new store is for its user alone; of one that all may read it is said', async (t) => {
  const root = t.testdir()
  const warnings: [object, string][] = []
  const open = (path: string) =>
    openLmdbStore({
      ...{ path, maxBytes: 1024 ** 2, maxPending: 10, retentionMs: 1000 },
      log: { info: () => {}, warn: (fields, message) => warnings.push([fields, message]) },
    })
  const modeOf = (...path: string[]) => (statSync(join(root, ...path)).mode & 0o777).toString(8)
  const before = process.umask(0o022)
  t.teardown(() => process.umask(before))

  const path = join(root, 'deep', 'data')
  await (await open(path)).close()
  t.equal(modeOf('deep'), '700')
  t.equal(modeOf('deep', 'data'), '700')
  for (const name of ['data.mdb', 'lock.mdb']) t.equal(modeOf('deep', 'data', name), '600', name)
  t.match(warnings, [[{ path }, /store is empty/]])

  chmodSync(path, 0o755)
  await (await open(path)).close()
  t.equal(warnings.length, 1, 'a folder of somebody else is left as it is')
  chmodSync(join(path, 'data.mdb'), 0o644)
  await (await open(path)).close()
  const exposure = `every user of this machine may read ${path}: chmod -R go= ${path}`
  t.strictSame(warnings[1], [{ path, exposure }, 'the store is open to all'])
  t.equal(modeOf('deep', 'data', 'data.mdb'), '644', 'what is not ours to change stays')
  chmodSync(path, 0o750)
  t.equal(describeExposure(path), null, 'who is let in by a group has been let in by somebody')
  t.equal(describeExposure(join(root, 'none')), null)
})
