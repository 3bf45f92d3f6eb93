import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startRawUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'
import { get, signal, startCanned, startWitness, statusesIn } from '../../support/witness.ts'

const RULE = 'truncation (RFC 9112 8)'
// Without Connection: close, so that the client knows from the framing alone.
const GET = 'GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n'

for (const [how, bytes] of [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
  ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ['chunks, within one', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf'],
  ['broken chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n'],
] as const) {
  t.test(`${RULE}: an answer with ${how} that breaks off is visibly broken`, async (t) => {
    const gateway = await startCanned(t, bytes)
    const text = await rawExchange(gateway.port, GET)
    t.same(statusesIn(text), [200])
    t.match(text, 'half')
    t.notMatch(text, '\r\n0\r\n\r\n')
    t.match(await gateway.recorder.ended(), { outcome: 'failed', status: 200 })
    t.same(gateway.recorder.notes, ['upstream_truncated'])
  })
}

t.test(`${RULE}: an HTTP/1.0 client, which has no framing, sees a reset`, async (t) => {
  const connected = signal<Socket>()
  const upstream = await startRawUpstream((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')
    connected.fire(socket)
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  const failed = new Promise<Error>((resolve) => client.socket.once('error', resolve))
  await client.send('GET /m/x HTTP/1.0\r\n\r\n').receive('half')
  const socket = await connected.promise
  socket.destroy()
  t.match(await failed, { code: 'ECONNRESET' })
  t.match(await gateway.recorder.ended(), { outcome: 'failed', status: 200 })
})

t.test(`${RULE}: a head that breaks off is no answer (502)`, async (t) => {
  for (const bytes of ['HTTP/1.1 20', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n']) {
    const gateway = await startCanned(t, bytes)
    const answer = parseAnswer(await rawExchange(gateway.port, get('/m/x')))
    t.equal(answer.field('x-serin-error'), 'SERIN_UPSTREAM_RESET')
    t.match(await gateway.recorder.ended(), { outcome: 'failed', status: 502 })
  }
})

t.test(`${RULE}: an answer that ends with its connection passes as a whole one`, async (t) => {
  const gateway = await startCanned(t, 'HTTP/1.1 200 OK\r\n\r\nall')
  t.match(await rawExchange(gateway.port, get('/m/x')), /\r\n3\r\nall\r\n0\r\n\r\n$/)
  t.match(await gateway.recorder.ended(), { outcome: 'ok', status: 200 })
})

t.test(
  `${RULE}: a stream that breaks off after it ran well is good, the break counted`,
  async (t) => {
    let cut: () => void = () => {}
    const { gateway } = await startWitness(t, { limits: { settleMs: 0 } }, (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('data: 1\n\n')
      cut = () => res.destroy()
    })
    const client = new RawConnection(gateway.port).send(GET)
    await client.receive('data: 1')
    t.match(await gateway.recorder.ended(), { outcome: 'ok', status: 200 })
    cut()
    await client.closed()
    t.equal(gateway.recorder.ends.length, 1)
    t.same(gateway.recorder.notes, ['upstream_truncated'])
    t.match(gateway.recorder.attempts, [{ result: 'failed' }])
  },
)

const HINT = `HTTP/1.1 103 Early Hints\r\nLink: </${'x'.repeat(8_000)}>; rel=preload\r\n\r\n`
const LENGTH = 'Content-Length: 3\r\n\r\nall'
const CHUNKED = 'Transfer-Encoding: chunked\r\n\r\n3\r\nall\r\n'

// By whether the server closes the connection with the last bytes of its answer, later, or breaks it.
const WITH_IT = 'end: with it'
const LATER = 'end: later'
const BROKEN = 'broken later'
for (const [what, bytes, good] of [
  ['a whole answer', LENGTH, [WITH_IT, LATER, BROKEN]],
  [
    'a whole answer that announces the end',
    `Connection: close\r\n${LENGTH}`,
    [WITH_IT, LATER, BROKEN],
  ],
  ['an answer that ends with its connection', '\r\nall', [WITH_IT, LATER]],
  ['an answer without its last chunk', CHUNKED, []],
  ['one without it that announces the end', `Connection: close\r\n${CHUNKED}`, []],
] as const) {
  for (const how of [WITH_IT, LATER, BROKEN] as const) {
    const isGood = (good as readonly string[]).includes(how)
    t.test(`${RULE}: ${what} is that for a client that reads later (${how})`, async (t) => {
      const connected = signal<Socket>()
      const upstream = await startRawUpstream((socket) => {
        socket.resume()
        connected.fire(socket)
      })
      const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
      t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
      const accepted = signal<Socket>()
      gateway.server.server.once('connection', accepted.fire)
      const client = new RawConnection(gateway.port)
      client.socket.pause()
      client.send(GET)
      const [server, held] = await Promise.all([connected.promise, accepted.promise])
      // Until the client takes no more.
      while (held.writableLength < held.writableHighWaterMark) {
        server.write(HINT.repeat(16))
        await delay(1)
      }
      server.write(`HTTP/1.1 200 OK\r\n${bytes}`)
      while (how !== WITH_IT && gateway.recorder.heads === 0) await delay(1)
      if (how === BROKEN) server.resetAndDestroy()
      else server.end()
      // Nothing shows that the gateway has the end.
      await delay(20)
      client.socket.resume()
      t.match(await gateway.recorder.ended(), { outcome: isGood ? 'ok' : 'failed', status: 200 })
      if (isGood) await client.receive(bytes === '\r\nall' ? 'all\r\n0\r\n\r\n' : 'all')
      else t.notOk((await client.closed()).endsWith('\r\n0\r\n\r\n'))
      client.close()
    })
  }
}
