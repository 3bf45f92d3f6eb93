import t from 'tap'
import { createLog } from '../src/create-log.ts'
import { createFileSink, LogOutput, type LogSink } from '../src/log-output.ts'

/** A disk with room for so many bytes, and what is on it. */
function createDisk(room: number) {
  const disk = {
    room,
    text: '',
    write: (bytes: Buffer, at: number): number => {
      const taken = bytes.subarray(at, at + disk.room)
      if (taken.length === 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
      disk.room -= taken.length
      disk.text += taken.toString()
      return taken.length
    },
  }
  return disk
}

t.test('On a full disk lines are lost and counted, and told of when there is room.', async (t) => {
  const disk = createDisk(10)
  const output = new LogOutput(createFileSink(disk.write))
  output.write('one\n')
  t.equal(output.lost, 0)
  output.write('two is cut\n')
  output.write('three\nfour\n')
  t.equal(output.lost, 3)
  t.equal(disk.text, 'one\ntwo is')
  disk.room = 10_000
  output.write('five\n')
  output.write('six\n')
  const lines = disk.text.split('\n')
  t.same(lines.with(2, ''), ['one', 'two is', '', 'five', 'six', ''])
  t.match(JSON.parse(lines[2]!), {
    level: 40,
    lost: 3,
    msg: 'lines of the log could not be written and are lost',
  })
  t.equal(output.lost, 3)
  await output.settled()
})

t.test(
  'A line that the disk takes in parts is whole; one that it does not take is not cut.',
  async (t) => {
    const disk = createDisk(10_000)
    const output = new LogOutput(
      createFileSink((bytes, at) => disk.write(bytes.subarray(0, at + 2), at)),
    )
    output.write('in parts\n')
    disk.room = 0
    output.write('nothing of it\n')
    disk.room = 3
    output.write('a\n')
    t.equal(output.lost, 2, 'what says so has no room either')
    disk.room = 10_000
    output.write('b\n')
    const lines = disk.text.split('\n')
    t.match(lines, ['in parts', '{"l', /"lost":2/, 'b', ''])
  },
)

t.test(
  'A pipe that nobody reads takes 16 MiB; what comes then is lost, and told of later.',
  async (t) => {
    const waiting: { text: string; done: (error?: Error | null) => void }[] = []
    let read = ''
    const pipe = {
      writableLength: 0,
      write: (text: string, done: (error?: Error | null) => void) => {
        pipe.writableLength += text.length
        waiting.push({ text, done })
      },
    } satisfies LogSink
    const readOn = (error: Error | null = null) => {
      for (const { text, done } of waiting.splice(0)) {
        pipe.writableLength -= text.length
        if (error === null) read += text
        done(error)
      }
    }
    const output = new LogOutput(pipe)
    const log = createLog(output)
    const line = 'x'.repeat(1024 * 1024)
    for (let i = 0; i < 20; i++) log.info(line)
    t.equal(output.lost, 4)
    t.equal(waiting.length, 16)
    let isSettled = false
    const settling = output.settled().then(() => (isSettled = true))
    await new Promise(setImmediate)
    t.notOk(isSettled)
    readOn()
    await settling
    log.info('again')
    // Its reader leaves: that four were lost is said anew.
    readOn(new Error('EPIPE'))
    t.equal(output.lost, 5)
    read = ''
    log.info('and again')
    readOn()
    const lines = read.trim().split('\n')
    t.match(
      lines.map((each) => JSON.parse(each) as object),
      [{ lost: 5 }, { msg: 'and again' }],
    )
  },
)
