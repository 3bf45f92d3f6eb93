import t from 'tap'
import { startRawUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'
import { get, startCanned, startWitness, statusesIn } from '../../support/witness.ts'

const RULE = 'answers without a body (RFC 9110 6.4.1)'

t.test(
  `${RULE}: HEAD keeps the length, 204 and 304 have none, the connection goes on`,
  async (t) => {
    const { gateway } = await startWitness(t, {}, (req, res) => {
      if (req.url === '/m/204') res.writeHead(204).end()
      else if (req.url === '/m/304') res.writeHead(304, { etag: '"a"' }).end()
      else res.writeHead(200, { 'content-length': '5' }).end('hello')
    })
    const client = new RawConnection(gateway.port)
    const ask = async (line: string) => {
      const before = client.text.length
      client.send(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`)
      while (!client.text.slice(before).includes('\r\n\r\n')) {
        await new Promise((resolve) => client.socket.once('data', resolve))
      }
      return parseAnswer(client.text.slice(before))
    }
    const head = await ask('HEAD /m/x')
    t.equal(head.field('content-length'), '5')
    t.equal(head.body, '')
    t.match(await ask('GET /m/204'), { status: 204, body: '' })
    const unchanged = await ask('GET /m/304')
    t.match(unchanged, { status: 304, body: '' })
    t.equal(unchanged.field('etag'), '"a"')
    t.notOk(client.isClosed)
    await gateway.recorder.ended(3)
    t.same(
      gateway.recorder.ends.map(({ outcome }) => outcome),
      ['ok', 'ok', 'ok'],
    )
    client.close()
  },
)

t.test(`${RULE}: a 204 that announces a length is an answer like any other`, async (t) => {
  const gateway = await startCanned(t, 'HTTP/1.1 204 None\r\nContent-Length: 7\r\n\r\n', true)
  const answer = parseAnswer(await rawExchange(gateway.port, get('/m/x')))
  t.equal(answer.status, 204)
  t.equal(answer.field('content-length'), null, 'which RFC 9110 section 8.6 forbids')
  t.match(await gateway.recorder.ended(), { outcome: 'ok', status: 204 })
})

t.test(`${RULE}: a 304 keeps the length of what it stands for`, async (t) => {
  const gateway = await startCanned(t, 'HTTP/1.1 304 X\r\nContent-Length: 7\r\n\r\n', true)
  const answer = parseAnswer(await rawExchange(gateway.port, get('/m/x')))
  t.match(answer, { status: 304, body: '' })
  t.equal(answer.field('content-length'), '7')
  t.match(await gateway.recorder.ended(), { outcome: 'ok', status: 304 })
})

for (const [what, method, head] of [
  ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n'],
  ['HEAD, chunked', 'HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n'],
  ['204', 'GET', 'HTTP/1.1 204 X\r\n\r\n'],
  ['304', 'GET', 'HTTP/1.1 304 X\r\n\r\n'],
] as const) {
  t.test(`${RULE}: a body sent with ${what} reaches nobody`, async (t) => {
    const upstream = await startRawUpstream((socket) => {
      socket.on('data', (chunk: Buffer) => {
        const isFirst = chunk.toString('latin1').includes('/m/first')
        socket.write(isFirst ? `${head}EVIL` : 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood')
      })
    })
    const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    const first = await rawExchange(gateway.port, get('/m/first').replace('GET', method))
    t.equal(parseAnswer(first).body, '')
    const second = await rawExchange(gateway.port, get('/m/second'))
    t.same(statusesIn(second), [200])
    t.equal(parseAnswer(second).body, 'good')
  })
}
