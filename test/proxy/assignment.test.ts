import t from 'tap'
import { randomBytes } from 'node:crypto'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { Service, SplitSpec } from '../../src/domain/service.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'
import type { TestGatewayOptions } from '../support/start-gateway.ts'

type Tap = { teardown: (fn: () => unknown) => void }

async function setUp(
  t: Tap,
  split: Partial<SplitSpec>,
  options: TestGatewayOptions = {},
  more: Partial<Service> = {},
) {
  const upstream = await startUpstream((_req, res, { body }) => res.end(body))
  const variants = [variantAt('baseline', upstream.origin), variantAt('canary', upstream.origin)]
  const service = serviceWith(variants, {
    split: { key: null, rules: [], weightsBp: { canary: 5_000 }, override: null, ...split },
    ...more,
  })
  const gateway = await startGateway([service], options)
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const send = async (headers: readonly string[], body: string | Buffer = '') => {
    const lines = ['POST /m/x?u=q HTTP/1.1', 'Host: a', 'Connection: close', ...headers]
    const head = [...lines, `Content-Length: ${body.length}`, '', ''].join('\r\n')
    const bytes = Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)])
    return parseAnswer(await rawExchange(gateway.port, bytes))
  }
  const last = () => gateway.recorder.begun.at(-1)!.assignment
  return { upstream, gateway, send, last }
}

const bodyKey = { key: { from: 'body', pointer: '/user' } } as const

t.test('a key always gives the same variant, and both variants get keys', async (t) => {
  const { send } = await setUp(t, { key: { from: 'header', name: 'x-user' } })
  const seen = new Map<string, string>()
  for (let n = 0; n < 40; n++) {
    const user = `u${n % 20}`
    const variant = (await send([`X-User: ${user}`])).field('x-serin-variant')!
    t.equal(seen.get(user) ?? variant, variant)
    seen.set(user, variant)
  }
  t.same(new Set(seen.values()), new Set(['baseline', 'canary']))
})

t.test('keys are read from the cookie, the query, and the first line of a header', async (t) => {
  const cookie = await setUp(t, { key: { from: 'cookie', name: 'sid' } })
  await cookie.send(['Cookie: a=1', 'Cookie: sid=me'])
  t.equal(cookie.last().reason, 'key')
  await cookie.send([])
  t.match(cookie.last(), { reason: 'random', keyMissing: true })
  const query = await setUp(t, { key: { from: 'query', name: 'u' } })
  await query.send([])
  t.equal(query.last().reason, 'key')
  const header = await setUp(t, { key: { from: 'header', name: 'x-user' } })
  await header.send(['X-User: one'])
  const { unit } = header.last()
  await header.send(['X-User: one', 'X-User: two'])
  t.equal(header.last().unit, unit)
  await header.send(['X-User: one, two'])
  t.not(header.last().unit, unit)
})

t.test('the client address is a key, behind a trusted proxy too', async (t) => {
  const direct = await setUp(t, { key: { from: 'ip' } })
  await direct.send(['X-Forwarded-For: 1.2.3.4'])
  const peer = direct.last().unit
  await direct.send(['X-Forwarded-For: 5.6.7.8'])
  t.equal(direct.last().unit, peer)
  const behind = await setUp(
    t,
    { key: { from: 'ip' } },
    { config: { trustedProxies: ['127.0.0.1'] } },
  )
  await behind.send(['X-Forwarded-For: 1.2.3.4'])
  const client = behind.last().unit
  t.not(client, peer)
  await behind.send(['X-Forwarded-For: 9.9.9.9, 1.2.3.4'])
  t.equal(behind.last().unit, client)
})

t.test('a key in a JSON body is found, and the body passes unchanged', async (t) => {
  const { send, last, upstream, gateway } = await setUp(t, bodyKey)
  const body = '{ "inputs": [1,  2.50, NaN], "user": "ann" }'
  const answer = await send(['Content-Type: application/x-www-form-urlencoded'], body)
  t.equal(answer.body, body)
  t.equal(upstream.seen[0]!.body.toString(), body)
  t.equal(last().reason, 'key')
  const { unit } = last()
  await send([], '{"user":"ann"}')
  t.equal(last().unit, unit)
  t.same(gateway.recorder.notes, [])
})

t.test('a key in a long or chunked body is found in its beginning', async (t) => {
  const { last, gateway, upstream } = await setUp(t, bodyKey)
  const long = `{"user":"ann","data":"${'x'.repeat(300_000)}"}`
  const head =
    'POST /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n'
  const bytes = `${head}${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`
  t.equal(parseAnswer(await rawExchange(gateway.port, bytes)).status, 200)
  t.equal(last().reason, 'key')
  t.equal(upstream.seen[0]!.body.toString(), long)
  t.same(gateway.recorder.notes, [])
})

t.test('a body arriving byte by byte is read to its end', async (t) => {
  const { last, gateway } = await setUp(t, bodyKey)
  const client = new RawConnection(gateway.port)
  client.socket.setNoDelay(true)
  client.send('POST /m/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 14\r\n\r\n')
  for (const byte of '{"user":"ann"}') {
    client.send(byte)
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.match(await client.closed(), /"ann"}$/)
  t.equal(last().reason, 'key')
})

t.test('a body without a readable key is drawn afresh, and counted by why', async (t) => {
  const { send, last, gateway, upstream } = await setUp(t, bodyKey)
  const { notes } = gateway.recorder
  await send([], 'not json')
  t.match(last(), { reason: 'random', keyMissing: true })
  t.same(notes.splice(0), ['key_unreadable'])
  await send([], '{"user":')
  t.same(notes.splice(0), ['key_unreadable'])
  await send(['Content-Encoding: gzip'], Buffer.from('{"user":"ann"}'))
  t.same(notes.splice(0), ['key_unreadable'])
  await send(['Content-Encoding: br'], brotliCompressSync('{"user":"ann"}'))
  t.same(notes.splice(0), ['key_unreadable'])
  await send([], `{"data":"${'x'.repeat(100_000)}","user":"ann"}`)
  t.equal(last().reason, 'random')
  t.same(notes.splice(0), ['body_over_inspect_limit'])
  await send([], '{"other":1}')
  t.match(last(), { reason: 'random', keyMissing: true })
  await send([])
  t.match(last(), { reason: 'random', keyMissing: true })
  t.same(notes, [])
  t.equal(upstream.seen.length, 7)
})

t.test('a key in an encoded body is found, and the bytes travel on as they are', async (t) => {
  const { send, last, gateway, upstream } = await setUp(t, bodyKey)
  const { notes } = gateway.recorder
  const plain = '{"user":"ann"}'
  await send(['Content-Encoding: gzip'], gzipSync(plain))
  const first = last()
  t.equal(first.reason, 'key')
  t.strictSame(upstream.seen[0]!.body, gzipSync(plain))
  await send(['Content-Encoding: deflate'], deflateSync(plain))
  t.match(last(), { reason: 'key', variant: first.variant, unit: first.unit }, 'the same key')
  // Decoded from its beginning alone: the rest is noise that does not shrink.
  const long = gzipSync(`{"user":"ann","data":"${randomBytes(60_000).toString('base64')}"}`)
  await send(['Content-Encoding: gzip'], long)
  t.match(last(), { reason: 'key', unit: first.unit })
  t.same(notes, [])
  await send(
    ['Content-Encoding: gzip'],
    gzipSync(`{"data":"${randomBytes(60_000).toString('base64')}"}`),
  )
  t.same(notes.splice(0), ['body_over_inspect_limit'])
  await send(
    ['Content-Encoding: gzip'],
    gzipSync(Buffer.alloc(64 * 1024 * 1024)).subarray(0, 60_000),
  )
  t.same(notes.splice(0), ['key_unreadable'], 'what would become too much')
  const bomb = Buffer.alloc(16 * 1024 * 1024, '{"user":"ann","data":"')
  await send(['Content-Encoding: gzip'], gzipSync(bomb))
  t.match(last(), { reason: 'key', unit: first.unit }, 'what it begins with is read all the same')
  t.equal(upstream.seen.length, 6)
})

t.test('only the JSON part of a body with binary tensors is read', async (t) => {
  const { send, last, gateway } = await setUp(t, bodyKey)
  const binary = Buffer.concat([Buffer.from('{"user":"ann"}'), Buffer.from([0, 255, 254])])
  await send(['Inference-Header-Content-Length: 14', 'Content-Encoding: identity'], binary)
  t.equal(last().reason, 'key')
  await send(['Inference-Header-Content-Length: 8'], binary)
  t.same(gateway.recorder.notes, ['key_unreadable'])
  t.equal(last().reason, 'random')
  await send(['Inference-Header-Content-Length: x'], binary)
  t.equal(last().reason, 'key')
})

t.test('a segment is read with the key in one pass, within the same bounds', async (t) => {
  const observe = {
    requestIdHeader: 'x-request-id',
    prediction: null,
    ...{ sample: 1, numbers: [], awaitsEvents: false },
    segment: { from: { from: 'body', pointer: '/tier' }, values: ['gold'] },
  } as const
  const keyed = await setUp(t, bodyKey, {}, { observe })
  const segmentOf = async (body: string) => {
    await keyed.send([], body)
    const { reason, segment } = keyed.last()
    return [reason, segment, ...keyed.gateway.recorder.notes.splice(0)]
  }
  t.same(await segmentOf('{"user":"ann","tier":"gold"}'), ['key', 'gold'])
  t.same(await segmentOf('{"tier":"tin","user":"ann"}'), ['key', 'other'])
  t.same(await segmentOf('{"user":"ann"}'), ['key', 'other'])
  t.same(await segmentOf('{"user":"ann","tier"'), ['key', 'other', 'analysis_unreadable'])
  t.same(await segmentOf('{"tier":"gold","user"'), ['random', 'gold', 'key_unreadable'])
  const far = `{"user":"ann","x":"${'x'.repeat(300_000)}","tier":"gold"}`
  t.same(await segmentOf(far), ['key', 'other', 'analysis_unreadable'])

  const keyless = await setUp(t, {}, {}, { observe })
  await keyless.send([], '{"tier":"gold"}')
  t.equal(keyless.last().segment, 'gold')
  await keyless.send(['Content-Encoding: br'], 'x')
  t.equal(keyless.last().segment, 'other')
  t.same(keyless.gateway.recorder.notes, ['analysis_unreadable'])
})

t.test('an override needs its secret', async (t) => {
  const override = { header: 'x-serin-variant', secret: 's3cr\u00e9t' }
  const { send, last } = await setUp(t, { weightsBp: { canary: 0 }, override })
  const secret = Buffer.from(override.secret).toString('latin1')
  const right = await send(['X-Serin-Variant: canary', `X-Serin-Secret: ${secret}`])
  t.equal(right.field('x-serin-variant'), 'canary')
  t.equal(last().reason, 'override')
  for (const lines of [[], ['X-Serin-Secret: wrong']]) {
    const refused = await send(['X-Serin-Variant: canary', ...lines])
    t.equal(refused.field('x-serin-variant'), 'baseline')
    t.match(last(), { reason: 'random', overrideRefused: true })
  }
})

t.test('a mistake of ours in assignment is answered, logged, and booked nowhere', async (t) => {
  const { send, gateway } = await setUp(
    t,
    {},
    {
      draw: () => {
        throw new Error('no randomness left')
      },
    },
  )
  const answer = await send([])
  t.equal(answer.status, 500)
  t.equal(answer.field('x-serin-error'), 'SERIN_INTERNAL')
  t.notMatch(answer.body, 'randomness')
  t.match(gateway.errors, [{ err: { message: 'no randomness left' } }])
  t.equal(gateway.recorder.begun.length, 0)
})
