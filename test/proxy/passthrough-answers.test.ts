import t, { type Test } from 'tap'
import { startRawUpstream } from '../support/fake-upstream.ts'
import { RawConnection } from '../support/raw-client.ts'
import { startGateway } from '../support/start-gateway.ts'
import { get, statusesIn } from '../support/witness.ts'

const NEXT = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext'

/** Asks twice on one connection for what the upstream answers to the first request, and for `NEXT`. */
async function askTwice(t: Test, method: string, answer: string) {
  const upstream = await startRawUpstream((socket) => {
    socket.on('data', (chunk) => socket.write(chunk.includes(' /next ') ? NEXT : answer))
  })
  const gateway = await startGateway([], { passthrough: upstream.origin })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const client = new RawConnection(gateway.port)
  client.send(`${method} /first HTTP/1.1\r\nHost: a\r\n\r\n`)
  const first = await client.receive('\r\n\r\n')
  const text = await client.send(get('/next')).closed()
  return { first, statuses: statusesIn(text), text, gateway }
}

for (const method of ['GET', 'HEAD']) {
  for (const framing of ['Content-Length: 0', 'Transfer-Encoding: chunked']) {
    t.test(`Trailer (RFC 9110 6.6.2) stays behind: ${method}, ${framing}`, async (t) => {
      const body = method === 'GET' && framing.endsWith('chunked') ? '0\r\n\r\n' : ''
      const answer = `HTTP/1.1 200 OK\r\nTrailer: X\r\n${framing}\r\n\r\n${body}`
      const { first, statuses } = await askTwice(t, method, answer)
      t.notMatch(first, /trailer/i)
      t.same(statuses, [200, 200], 'and nobody throws')
    })
  }
}

t.test('a 304 with the length of what it stands for (RFC 9110 8.6) is whole', async (t) => {
  const answer = 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "a"\r\n\r\n'
  const { first, statuses, text, gateway } = await askTwice(t, 'GET', answer)
  t.match(first, /content-length: 5\r\n/i)
  t.same(statuses, [304, 200], 'the connection goes on')
  t.match(text, /next$/)
  t.same(gateway.passed, [
    ['ok', 304],
    ['ok', 200],
  ])
})
