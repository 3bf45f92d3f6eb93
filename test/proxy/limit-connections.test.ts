import { EventEmitter } from 'node:events'
import type { Server } from 'node:http'
import t from 'tap'
import { limitConnections } from '../../src/proxy/limit-connections.ts'

/** A server that only says so, a clock that is set, and what was done. */
function start() {
  const done: unknown[] = []
  let now = 1_000
  let looks: (() => void)[] = []
  const server = Object.assign(new EventEmitter(), {
    maxConnections: 0,
    closeIdleConnections: () => done.push('idle ones are closed'),
  })
  const write = (fields: unknown, message: string) => done.push([message, fields])
  limitConnections(
    server as unknown as Server,
    {
      clock: { now: () => now, monotonic: () => now },
      config: () => ({ limits: { inFlight: 10 } }) as never,
      counters: { countDropped: () => done.push('counted') } as never,
      log: { info: write, error: write } as never,
    },
    128,
    (run) => {
      looks.push(run)
      return () => (looks = looks.filter((each) => each !== run))
    },
  )
  return {
    server,
    take: () => done.splice(0),
    isLooking: () => looks.length > 0,
    pass: (ms: number) => {
      now += ms
      for (const look of looks) look()
    },
  }
}

const BEGUN = [
  'connections of clients are closed at once: too many are open',
  { most: 54, openFiles: 128 },
]

t.test('connections that are turned away are counted, and told of once until it is over', (t) => {
  const { server, take, isLooking, pass } = start()
  t.equal(server.maxConnections, 54)
  t.notOk(isLooking())
  server.emit('drop')
  t.same(take(), ['counted', BEGUN, 'idle ones are closed'])
  pass(500)
  server.emit('drop')
  t.same(take(), ['counted'], 'room is made once a second')
  pass(9_999)
  server.emit('drop')
  t.same(take(), ['counted', 'idle ones are closed'], 'it goes on')
  pass(9_999)
  t.same(take(), [])
  pass(1)
  t.same(take(), [
    ['connections of clients are closed at once no more', { dropped: 3, seconds: 10 }],
  ])
  t.notOk(isLooking())
  pass(60_000)
  server.emit('drop')
  t.same(take(), ['counted', BEGUN, 'idle ones are closed'], 'the next time is told anew')
  server.emit('close')
  t.notOk(isLooking(), 'nothing is left behind')
  t.end()
})
