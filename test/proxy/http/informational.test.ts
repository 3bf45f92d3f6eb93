import type { Socket } from 'node:net'
import t from 'tap'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { get, startCanned, statusesIn } from '../../support/witness.ts'

const RULE = 'informational answers (RFC 9110 15.2)'
const FINAL = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

t.test(`${RULE}: 102 and 103 pass before the final answer, and others do not`, async (t) => {
  const gateway = await startCanned(
    t,
    'HTTP/1.1 102 Processing\r\n\r\n' +
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nContent-Length: 5\r\n\r\n' +
      'HTTP/1.1 103 Early Hints\r\nLink: nonsense\r\n\r\n' +
      `HTTP/1.1 104 What\r\n\r\n${FINAL}`,
  )
  const text = await rawExchange(gateway.port, get('/m/x'))
  t.same(statusesIn(text), [102, 103, 200])
  t.match(text, 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n')
  t.notMatch(text, 'nonsense')
  t.match(text, /\r\n\r\nok$/)
  t.match(await gateway.recorder.ended(), { outcome: 'ok', status: 200 })
})

t.test(`${RULE}: no more of them are kept for a client than it reads`, async (t) => {
  const hint = `HTTP/1.1 103 Early Hints\r\nLink: </${'x'.repeat(4_000)}>; rel=preload\r\n\r\n`
  const gateway = await startCanned(t, hint.repeat(5_000) + FINAL)
  let mostBytes = 0
  const look = setInterval(
    () => (mostBytes = Math.max(mostBytes, accepted?.writableLength ?? 0)),
    1,
  )
  let accepted: Socket | undefined
  gateway.server.server.on('connection', (socket: Socket) => (accepted = socket))
  const client = new RawConnection(gateway.port)
  client.socket.pause()
  client.send(get('/m/x'))
  await gateway.recorder.ended()
  clearInterval(look)
  t.ok(mostBytes < 100_000, `${mostBytes}`)
  client.socket.resume()
  const tail = (await client.closed()).slice(-200)
  t.match(tail, /ok$/, JSON.stringify(gateway.recorder.ends))
})

t.test(`${RULE}: an HTTP/1.0 client gets none`, async (t) => {
  const gateway = await startCanned(t, `HTTP/1.1 102 Processing\r\n\r\n${FINAL}`)
  const text = await rawExchange(gateway.port, 'GET /m/x HTTP/1.0\r\n\r\n')
  t.same(statusesIn(text), [200])
})

for (const [what, answer] of [
  ['100 that nobody asked for', `HTTP/1.1 100 Continue\r\n\r\n${FINAL}`],
  ['101 that nobody asked for', 'HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nraw'],
  ['101 without an upgrade', `HTTP/1.1 101 S\r\n\r\n${FINAL}`],
  ['a 1xx status as the last answer', 'HTTP/1.1 199 X\r\nContent-Length: 2\r\n\r\nok'],
] as const) {
  t.test(`${RULE}: ${what} is the upstream's fault (502)`, async (t) => {
    const gateway = await startCanned(t, answer)
    const lines = ['Connection: upgrade', 'Upgrade: h2c']
    const text = await rawExchange(gateway.port, get('/m/x', lines))
    t.same(statusesIn(text), [502])
    t.equal(parseAnswer(text).field('x-serin-error'), 'SERIN_UPSTREAM_PROTOCOL')
    t.match(await gateway.recorder.ended(), { outcome: 'failed', status: 502 })
  })
}
