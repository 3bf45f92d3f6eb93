import t from 'tap'
import { startRawUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'
import { get } from '../support/witness.ts'

// undici, and Node's own agent (CVE-2026-48931): an answer that an upstream sends before it was asked waited
// on the idle connection, and was taken for the answer to the next request, of another client.

t.test('an answer that comes before its request is nobody else’s', async (t) => {
  const answer = (body: string) =>
    `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const upstream = await startRawUpstream((socket) => {
    socket.on('data', (chunk: Buffer) => {
      const path = /\/m\/\w+/.exec(chunk.toString('latin1'))![0]
      socket.write(answer(path))
      // When the connection is idle again, in a turn of its own.
      if (path === '/m/poison') setTimeout(() => socket.write(answer('EVIL')), 5)
    })
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  for (let round = 0; round < 5; round++) {
    t.equal(parseAnswer(await rawExchange(gateway.port, get('/m/poison'))).body, '/m/poison')
    await new Promise((resolve) => setTimeout(resolve, 10))
    t.equal(parseAnswer(await rawExchange(gateway.port, get('/m/victim'))).body, '/m/victim')
  }
})
