import t from 'tap'
import { rawExchange } from '../support/raw-client.ts'
import { get, startWitness, statusesIn } from '../support/witness.ts'

// Next.js (by way of http-proxy): Transfer-Encoding was deleted from DELETE and OPTIONS while the body went on
// to be written, and the upstream took the body for the next request.

const SMUGGLED = 'GET /m/smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

for (const method of ['DELETE', 'OPTIONS', 'GET', 'HEAD', 'PATCH', 'PROPFIND']) {
  t.test(`the body of ${method} is framed on its way up, or is not sent`, async (t) => {
    const { port, upstream, received } = await startWitness(t, {}, (_req, res) => {
      res.writeHead(200, { 'content-length': '0' }).end()
    })
    const head = get('/m/x').replace('GET', method).slice(0, -2)
    const chunked = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`
    for (const bytes of [
      `${head}Transfer-Encoding: chunked\r\n\r\n${chunked}`,
      `${head}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    ]) {
      t.same(statusesIn(await rawExchange(port, bytes)), [200])
    }
    await rawExchange(port, get('/m/after'))
    t.same(
      upstream.seen.map(({ url, body }) => `${url} ${body.toString()}`),
      [`/m/x ${SMUGGLED}`, `/m/x ${SMUGGLED}`, '/m/after '],
    )
    t.equal(received().match(/^(transfer-encoding: chunked|content-length: 37)\r/gim)!.length, 2)
  })
}
