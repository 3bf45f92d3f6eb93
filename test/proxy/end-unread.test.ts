import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { endUnread } from '../../src/proxy/end-unread.ts'
import { RawConnection } from '../support/raw-client.ts'
import { startGateway } from '../support/start-gateway.ts'
import { statusesIn } from '../support/witness.ts'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

async function start(t: Test, answer: (url: string, res: ServerResponse) => void) {
  const server = createServer((req, res) => answer(req.url!, res))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close().closeAllConnections())
  const connected = new Promise<Socket>((resolve) => server.once('connection', resolve))
  return { client: new RawConnection((server.address() as AddressInfo).port), connected }
}

t.test('a client that does not read answers of the gateway itself is cut off', async (t) => {
  const { client, connected } = await start(t, (_url, res) => {
    endUnread(res, 50)
    res.end(Buffer.alloc(20 * 1024 * 1024))
  })
  client.socket.pause()
  client.send(get('/'))
  await new Promise((resolve) => void connected.then((socket) => socket.once('close', resolve)))
  client.close()
})

t.test('the limit ends with its answer, and holds for none behind it', async (t) => {
  const slow: ServerResponse[] = []
  const { client, connected } = await start(t, (url, res) => {
    if (url === '/slow') return void slow.push(res)
    endUnread(res, 40)
    res.end('own')
  })
  client.send(get('/own') + get('/slow'))
  await client.receive('own')
  t.equal((await connected).timeout, 0)
  await delay(100)
  slow[0]!.end('late')
  await client.receive('late')
  client.send(get('/own'))
  while (statusesIn(client.text).length < 3) await delay(1)
  t.ok((await connected).timeout! >= 5_000, "Node's, for a next request")
  client.close()
})

t.test('a minute is what refusals and the health path give', async (t) => {
  const gateway = await startGateway([])
  t.teardown(() => gateway.close())
  for (const path of ['/none', '/-/ready']) {
    const set: number[] = []
    gateway.server.server.once('connection', (socket: Socket) => {
      const setTimeout = socket.setTimeout.bind(socket)
      socket.setTimeout = (ms, done) => {
        set.push(ms)
        return setTimeout(ms, done)
      }
    })
    const client = new RawConnection(gateway.port).send(get(path))
    await client.receive('\r\n\r\n')
    t.same(set.slice(0, 2), [60_000, 0], path)
    t.ok(set[2]! >= 72_000)
    client.close()
  }
})
