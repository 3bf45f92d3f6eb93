import { once, type EventEmitter } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'

/** What is used here of the `ws` package. */
type Ws = EventEmitter & {
  readonly protocol: string
  readonly extensions: string
  readonly send: (data: Buffer | string) => void
  readonly ping: (data: string) => void
  readonly close: (code: number, reason: string) => void
}
type WsLibrary = {
  readonly WebSocket: new (url: string, protocols: readonly string[], options?: object) => Ws
  readonly WebSocketServer: new (options: object) => EventEmitter
}

// The library that the passthrough brings along.
const load = createRequire(createRequire(import.meta.url).resolve('@fastify/http-proxy'))
const { WebSocket, WebSocketServer } = load('ws') as WsLibrary

t.test(
  'a real client talks to a real server: messages, compression, pings, close codes',
  async (t) => {
    const server = createServer()
    const sessions = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 } })
    sessions.on('connection', (session: Ws) => {
      session.on('message', (data: Buffer, isBinary: boolean) => {
        session.send(isBinary ? data : data.toString().toUpperCase())
      })
    })
    const closed = new Promise<string>((resolve) => {
      sessions.on('connection', (session: Ws) => {
        session.on('close', (code: number, why: Buffer) => resolve(`${code} ${why.toString()}`))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const gateway = await startGateway([
      serviceWith([variantAt('baseline', `http://127.0.0.1:${port}`)]),
    ])
    t.teardown(async () => {
      await gateway.close()
      await new Promise((resolve) => server.close(resolve))
    })
    const url = `${gateway.url.replace('http', 'ws')}/m/chat`
    const client = new WebSocket(url, ['one', 'two'], { perMessageDeflate: { threshold: 0 } })
    const [[response]] = await Promise.all([once(client, 'upgrade'), once(client, 'open')])
    t.equal(response.headers['x-serin-variant'], 'baseline')
    t.equal(client.protocol, 'one')
    t.match(client.extensions, 'permessage-deflate')
    client.send('hello')
    t.equal(String((await once(client, 'message'))[0]), 'HELLO')
    const large = Buffer.alloc(3_000_000, 'abcdefg')
    client.send(large)
    t.ok(large.equals((await once(client, 'message'))[0]))
    client.ping('are you there')
    t.equal(String((await once(client, 'pong'))[0]), 'are you there')
    client.close(4_001, 'enough')
    const [code, reason] = await once(client, 'close')
    t.same([code, String(reason)], [4_001, 'enough'])
    await gateway.recorder.until((recorder) => recorder.sessions === 0)
    t.equal(await closed, '4001 enough')
    t.match(gateway.accessLog, [{ status: 101, outcome: 'ok', code: null }])
  },
)
