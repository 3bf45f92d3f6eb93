import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import t from 'tap'
import { createDoor } from '../../src/door.ts'
import { createOwnCounts } from '../../src/workers/own-counts.ts'

t.test('Connections that wait for a worker take no more files than there are.', async (t) => {
  const logs: Record<string, unknown>[] = []
  const log = pino({}, { write: (line: string) => void logs.push(JSON.parse(line) as never) })
  const clock = { now: () => 0, monotonic: () => 0 }
  // 48 are the process's own, 16 the admin port's, 60 those of the pipes of 20 workers.
  const counts = createOwnCounts({ clock, log, linesLost: () => 3 }, 20, 126)
  const door = createDoor(
    () => new Promise(() => {}),
    (socket) => socket.destroy(),
  )
  t.teardown(door.close)
  const address = await door.listen({ host: '127.0.0.1', port: 0 }, counts.boundData)
  const clients: Socket[] = []
  for (let n = 0; n < 5; n++) {
    const client = connect(Number(address.split(':')[1]), '127.0.0.1').on('error', () => {})
    clients.push(client)
    await once(client, 'connect')
  }
  t.teardown(() => clients.forEach((client) => client.destroy()))
  while (clients.filter((client) => client.closed).length < 3) {
    for (const client of clients) client.resume()
    await delay(1)
  }
  t.match(logs, [{ msg: /closed at once: too many are open/, most: 2, openFiles: 126 }])
  const counted = (await counts.take()).map(({ name, values }) => [name, ...values])
  t.same(counted, [
    ['serin_log_lines_lost_total', 3],
    ['serin_connections_dropped_total', 3],
    ['serin_workers_ended_total', 0],
  ])
})

t.test('A worker that ends is counted and told of.', async (t) => {
  const logs: object[] = []
  const log = pino({}, { write: (line: string) => void logs.push(JSON.parse(line) as object) })
  const clock = { now: () => 0, monotonic: () => 0 }
  const counts = createOwnCounts({ clock, log, linesLost: () => 0 }, 2, null)
  counts.tellOfEnd(2, { code: null, signal: 'SIGKILL' })
  const msg = 'worker 2 was ended by SIGKILL: another one takes its place'
  t.match(logs, [{ level: 50, worker: 2, signal: 'SIGKILL', msg }])
  const counted = (await counts.take()).find(({ name }) => name === 'serin_workers_ended_total')
  t.same([...counted!.values], [1])
})

t.test('Without a limit of files there is none of connections to the data port.', async (t) => {
  const log = pino({}, { write: () => {} })
  const clock = { now: () => 0, monotonic: () => 0 }
  const { boundAdmin, boundData } = createOwnCounts({ clock, log, linesLost: () => 0 }, 2, null)
  const server = {} as { maxConnections?: number }
  boundData(server as never)
  t.equal(server.maxConnections, undefined)
  boundAdmin(server as never)
  t.equal(server.maxConnections, 1024)
})
