import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { createDialogue } from '../../src/workers/dialogue.ts'
import { createDoor } from '../../src/door.ts'
import { endWorkers } from '../../src/workers/end-workers.ts'
import { forwardLines } from '../../src/workers/forward-lines.ts'
import { inTime } from '../../src/workers/in-time.ts'
import { restartDelayMs } from '../../src/workers/restart-delay.ts'
import { WorkerPlace } from '../../src/workers/worker-place.ts'
import type { SupervisorApi } from '../../src/workers/worker-api.ts'
import { configOf, file } from '../config/problems-of.ts'
import { createFakeWorker, pipe } from './fake-worker.ts'

t.test('A question is answered, or fails as it did over there.', async (t) => {
  const [here, there] = pipe()
  type Theirs = {
    readonly add: (a: number, b: number) => Promise<number>
    readonly fail: () => Promise<void>
    readonly never: () => Promise<void>
  }
  createDialogue(there, {
    add: async (a: number, b: number) => a + b,
    fail: async () => {
      throw Object.assign(new Error('taken'), { code: 'EADDRINUSE', port: 80, address: '::1' })
    },
    never: () => new Promise(() => {}),
  })
  const dialogue = createDialogue<Theirs>(here, {})
  t.equal(await dialogue.ask('add', 1, Infinity), Infinity)
  t.same(await Promise.all([dialogue.ask('add', 1, 2), dialogue.ask('add', 3, 4)]), [3, 7])
  const failure = { message: 'taken', code: 'EADDRINUSE', port: 80, address: '::1' }
  await t.rejects(dialogue.ask('fail'), failure)
  const open = dialogue.ask('never')
  dialogue.close(new Error('it ended'))
  await t.rejects(open, { message: 'it ended' })
  await t.rejects(dialogue.ask('add', 1, 2), { message: 'it ended' })
})

t.test('A connection goes on to the next where the first one ends before it has it.', async (t) => {
  const taken: Socket[] = []
  let asked = 0
  const door = createDoor(
    async () => async (socket) => {
      asked++
      if (asked === 1) return false
      taken.push(socket)
      return true
    },
    (socket) => socket.destroy(),
  )
  t.teardown(door.close)
  const address = await door.listen({ host: 'localhost', port: 0 })
  const port = Number(address.slice(address.lastIndexOf(':') + 1))
  const client = connect(port, 'localhost')
  await once(client, 'connect')
  while (taken.length === 0) await delay(1)
  t.equal(asked, 2)
  t.equal((taken[0]!.address() as AddressInfo).port, port)
  taken[0]!.destroy()
  await once(client, 'close')
})

t.test('Output is handed on in whole lines.', async (t) => {
  const from = new PassThrough()
  const written: string[] = []
  forwardLines(from, { write: (text) => written.push(text) })
  for (const text of ['{"a"', ':1}\n{"b":2}\n{"c', '":3}', '\n', 'the end']) from.write(text)
  from.end()
  await once(from, 'end')
  t.same(written, ['{"a":1}\n{"b":2}\n', '{"c":3}\n', 'the end\n'])
})

t.test('An answer that takes too long is none.', async (t) => {
  t.equal(await inTime(60_000, Promise.resolve(1)), 1)
  await t.rejects(inTime(1, new Promise(() => {})), { message: 'no answer within 1 ms' })
})

t.test('The delay before a start grows to half a minute.', async (t) => {
  t.same(
    [0, 1, 2, 3, 4, 5, 6, 60].map(restartDelayMs),
    [0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000],
  )
})

t.test('A worker that has not ended when the time is up is killed.', async (t) => {
  const place = new WorkerPlace(1)
  await t.rejects(place.ask('drain'), { message: 'worker 1 is not running' })
  const { process } = createFakeWorker(7, { drain: () => new Promise(() => {}) })
  const given = { config: configOf(file({})), version: '1.2.3' }
  await place.start(process, given, {} as SupervisorApi, () => {})
  t.equal(place.pid, 7)
  const lost = await endWorkers(
    [place, new WorkerPlace(2)],
    5,
    async () => {},
    async (each) => {
      await each.ask('drain')
    },
  )
  t.same(lost, ['worker 1 was ended by SIGKILL'])
  t.equal(place.pid, null)
})
