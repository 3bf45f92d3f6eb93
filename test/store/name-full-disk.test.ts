import t from 'tap'
import { nameFullDisk } from '../../src/store/name-full-disk.ts'

const failed = (
  code: unknown,
  message = 'Attempting to write page at position 221184, size 4198400',
) => Object.assign(new Error(message), { code })
const name = (error: unknown, room: boolean) => nameFullDisk(error, '/data', () => room) as Error

t.test('a full disk is named, without the words of LMDB, which are its cause', async (t) => {
  const io = failed(5)
  t.match(name(io, false), { message: /^the disk of \/data is full$/, code: 5, cause: io })
  t.match(name(failed(28), true), { message: /^the disk of \/data is full$/ }, 'as the system says')
})

t.test('what is no full disk is told as it is', async (t) => {
  const io = failed(5)
  t.equal(name(io, true), io)
  for (const other of [failed(-30_792), failed('ENOENT'), new Error('else'), 'else'])
    t.equal(name(other, false), other)
})
