import t from 'tap'
import { refusedOrigin, startCannedUpstream, startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'
import { get, post, statusesIn } from '../support/witness.ts'

// @fastify/http-proxy #460: the process died (ERR_HTTP_HEADERS_SENT) when requests followed each other
// quickly and the upstream refused connections. #474 and @fastify/reply-from #481: a request behind one
// whose body was not read was never answered. @fastify/reply-from #374: status 888 ended the process.

for (const path of ['/m/x', '/other'] as const) {
  t.test(`a refused upstream fails every request of a quick row, at ${path}`, async (t) => {
    const origin = await refusedOrigin()
    const gateway = await startGateway([serviceWith([variantAt('baseline', origin)])], {
      passthrough: origin,
    })
    t.teardown(() => gateway.close())
    const leaving = Array.from({ length: 20 }, () => new RawConnection(gateway.port))
    for (const client of leaving) client.send(get(path)).close()
    const bytes = post(['Content-Length: 4', 'Connection: close'], 'body').replace('/m/x', path)
    const texts = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        rawExchange(gateway.port, n % 2 === 0 ? get(path) : bytes),
      ),
    )
    for (const text of texts) {
      t.same(statusesIn(text), [502])
      t.equal(parseAnswer(text).field('x-serin-error'), 'SERIN_UPSTREAM_REFUSED')
    }
    t.same(gateway.errors, [])
  })

  t.test(`a status that is none is answered with 502, at ${path}`, async (t) => {
    for (const status of ['888', '099']) {
      const answer = `HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`
      const upstream = await startCannedUpstream(answer)
      const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
        passthrough: upstream.origin,
      })
      const text = await rawExchange(gateway.port, get(path))
      await Promise.all([gateway.close(), upstream.close()])
      t.same(statusesIn(text), [502], status)
    }
  })

  t.test(
    `a request behind one whose body nobody read is not left hanging, at ${path}`,
    async (t) => {
      const upstream = await startUpstream((_req, res) => res.end('<>'))
      upstream.server.removeAllListeners('request')
      upstream.server.on('request', (_req, res) => res.writeHead(401).end('<>'))
      const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
        passthrough: upstream.origin,
      })
      t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
      const client = new RawConnection(gateway.port)
      client.send(post(['Content-Length: 300000'], 'x'.repeat(1000)).replace('/m/x', path))
      await client.receive('<>')
      client.send('x'.repeat(299_000) + get(path))
      // Either served, or the connection closes and the client knows that it was not.
      const text = await client.closed()
      t.match(text, /^HTTP\/1\.1 401/)
      if (statusesIn(text).length === 1) t.match(text, /connection: close/i)
    },
  )
}
