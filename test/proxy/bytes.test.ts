import t from 'tap'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { request } from 'undici'
import { startUpstream } from '../support/fake-upstream.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'

const BINARY = Buffer.from(Array.from({ length: 256 }, (_, n) => n))

t.test('binary bodies pass unchanged in both directions', async (t) => {
  const upstream = await startUpstream((_req, res, { body }) => res.end(body))
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const answer = await request(`${gateway.url}/m/x`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain; charset=foo' },
    body: BINARY,
  })
  t.equal(answer.statusCode, 200)
  t.same(Buffer.from(await answer.body.arrayBuffer()), BINARY)
  t.same(upstream.seen[0]!.body, BINARY)
  t.equal(answer.headers['x-serin-variant'], 'baseline')
  t.equal(upstream.seen[0]!.headers['x-serin-variant'], 'baseline')
})

t.test('a megabyte passes unchanged, with and without a length', async (t) => {
  const megabyte = randomBytes(1024 * 1024)
  const upstream = await startUpstream((req, res, { body }) => {
    const length = req.headers['content-length']
    if (length !== undefined) res.setHeader('content-length', length)
    res.end(body)
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const known = await request(`${gateway.url}/m/x`, { method: 'POST', body: megabyte })
  t.ok(megabyte.equals(Buffer.from(await known.body.arrayBuffer())))
  t.equal(upstream.seen[0]!.headers['content-length'], String(megabyte.length))
  const chunked = await request(`${gateway.url}/m/x`, {
    method: 'POST',
    body: Readable.from([megabyte.subarray(0, 1000), megabyte.subarray(1000)]),
  })
  t.ok(megabyte.equals(Buffer.from(await chunked.body.arrayBuffer())))
  t.equal(upstream.seen[1]!.headers['transfer-encoding'], 'chunked')
})

t.test('an answer in one piece with its head is the same as a longer one behind it', async (t) => {
  const answers = [0, 1, 8191, 8192, 8193].map((bytes) => randomBytes(bytes))
  const upstream = await startUpstream((_req, res, { body }) => res.end(answers[Number(body)]))
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  for (const [n, expected] of answers.entries()) {
    const answer = await request(`${gateway.url}/m/x`, { method: 'POST', body: String(n) })
    const name = `${expected.length} bytes`
    t.equal(answer.headers['content-length'], String(expected.length), name)
    t.ok(expected.equals(Buffer.from(await answer.body.arrayBuffer())), name)
  }
})
