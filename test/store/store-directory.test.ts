import t from 'tap'
import { readFreeBytes, requireRoom } from '../../src/store/store-directory.ts'

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
