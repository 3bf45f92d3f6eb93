import t from 'tap'
import { startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'
import { get } from '../support/witness.ts'

// @fastify/reply-from: URLs were cached under destination + source joined, so that two pairs could have one
// key, and a request went to the wrong upstream. CVE-2026-2836 (Pingora): a cache key without the host.

t.test('two targets whose parts join to the same text go to their own upstreams', async (t) => {
  const one = await startUpstream((req, res) => res.end(`one ${req.url}`))
  const two = await startUpstream((req, res) => res.end(`two ${req.url}`))
  const at = (name: string, path: string, origin: string, rewritten: string, host: string | null) =>
    serviceWith([variantAt('baseline', origin, { path: rewritten })], {
      name,
      match: { path, methods: null, host },
    })
  const gateway = await startGateway([
    at('one', '/a/*', one.origin, '/x/*', null),
    at('two', '/b/*', two.origin, '/x/y/*', null),
    at('first', '/h/*', one.origin, '/same/*', 'one.example'),
    at('second', '/h/*', two.origin, '/same/*', 'two.example'),
  ])
  t.teardown(() => Promise.all([gateway.close(), one.close(), two.close()]))
  const ask = async (path: string, host = 'a') => {
    const bytes = get(path).replace('Host: a', `Host: ${host}`)
    return parseAnswer(await rawExchange(gateway.port, bytes)).body
  }
  for (let round = 0; round < 3; round++) {
    t.equal(await ask('/a/y/z'), 'one /x/y/z')
    t.equal(await ask('/b/z'), 'two /x/y/z')
    t.equal(await ask('/h/z', 'one.example'), 'one /same/z')
    t.equal(await ask('/h/z', 'two.example'), 'two /same/z')
  }
})

t.test('no answer is kept for the next client', async (t) => {
  let count = 0
  const upstream = await startUpstream((_req, res) => {
    res.writeHead(200, { 'cache-control': 'public, max-age=600', etag: '"a"' }).end(`n${++count}`)
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  for (const body of ['n1', 'n2', 'n3']) {
    t.match(parseAnswer(await rawExchange(gateway.port, get('/m/x'))).body, body)
  }
})
