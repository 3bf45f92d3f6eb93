import t from 'tap'
import { startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'
import { get } from '../support/witness.ts'

// @fastify/reply-from: `%2E%2E` passed the check for `..`, was decoded afterwards, and left the base path.
// @fastify/http-proxy (#452): the same out of a prefix.

const ESCAPES = [
  '%2E%2E/secret',
  '%2e%2e/secret',
  '.%2e/secret',
  '%2e./secret',
  'a/%2E%2E/%2E%2E/secret',
  '..%2fsecret',
  '%2e%2e%2fsecret',
  '..%5csecret',
  '..\\secret',
  'a/../../secret',
  '..;/../secret',
]

t.test('an encoded dot segment does not leave the path of a variant', async (t) => {
  const upstream = await startUpstream((_req, res) => res.end())
  const variant = variantAt('baseline', upstream.origin, { path: '/base/*' })
  const gateway = await startGateway([serviceWith([variant])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  for (const path of ESCAPES) {
    const answer = parseAnswer(await rawExchange(gateway.port, get(`/m/${path}`)))
    t.equal(answer.status, 400, path)
  }
  await rawExchange(gateway.port, get('/m/%252E%252E/ok?%2e%2e/x'))
  t.same(
    upstream.seen.map(({ url }) => url),
    ['/base/%252E%252E/ok?%2e%2e/x'],
  )
})

t.test('a path that means a service to one reader is not passed through', async (t) => {
  const service = await startUpstream((_req, res) => res.end())
  const others = await startUpstream((_req, res) => res.end())
  const gateway = await startGateway([serviceWith([variantAt('baseline', service.origin)])], {
    passthrough: others.origin,
  })
  t.teardown(() => Promise.all([gateway.close(), service.close(), others.close()]))
  for (const path of ['/x/%2E%2E/m/secret', '/%2e%2e/m/secret', '/x/../m/secret']) {
    t.equal(parseAnswer(await rawExchange(gateway.port, get(path))).status, 400, path)
  }
  t.equal(service.seen.length + others.seen.length, 0)
})
