import t from 'tap'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { errorEntry, ERRORS, type ErrorCode } from '../../src/domain/errors.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import { AccessLog, type AccessEntry } from '../../src/proxy/access-log.ts'
import { classifyError, rootCause, type Stage } from '../../src/proxy/errors.ts'
import { decodePrefix } from '../../src/proxy/decode-prefix.ts'
import { connectionTokens } from '../../src/proxy/hop-by-hop.ts'
import { createPeerLookup } from '../../src/proxy/peer.ts'

t.test('errors are classified by their code, and by how far the attempt had come', async (t) => {
  const cases: readonly (readonly [object, Stage, ErrorCode])[] = [
    [{ code: 'ECONNREFUSED' }, 'unsent', 'SERIN_UPSTREAM_REFUSED'],
    [{ code: 'EHOSTUNREACH' }, 'unsent', 'SERIN_UPSTREAM_UNREACHABLE'],
    [{ code: 'EHOSTUNREACH' }, 'sent', 'SERIN_UPSTREAM_UNREACHABLE'],
    [{ code: 'ENOTFOUND' }, 'unsent', 'SERIN_UPSTREAM_DNS'],
    [{ code: 'EAI_AGAIN' }, 'unsent', 'SERIN_UPSTREAM_DNS_TIMEOUT'],
    [{ code: 'EMFILE' }, 'unsent', 'SERIN_OVERLOADED'],
    [{ code: 'ENFILE' }, 'unsent', 'SERIN_OVERLOADED'],
    [{ code: 'EADDRNOTAVAIL' }, 'unsent', 'SERIN_OVERLOADED'],
    [{ code: 'ETIMEDOUT' }, 'unsent', 'SERIN_UPSTREAM_CONNECT_TIMEOUT'],
    [{ code: 'ETIMEDOUT' }, 'sent', 'SERIN_UPSTREAM_RESET'],
    [{ code: 'ECONNRESET' }, 'sent', 'SERIN_UPSTREAM_RESET'],
    [{ code: 'ECONNRESET' }, 'answered', 'SERIN_UPSTREAM_TRUNCATED'],
    [{ code: 'UND_ERR_SOCKET', message: 'other side closed' }, 'sent', 'SERIN_UPSTREAM_RESET'],
    [{ code: 'UND_ERR_SOCKET', message: 'bad response' }, 'sent', 'SERIN_UPSTREAM_PROTOCOL'],
    [{ code: 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' }, 'sent', 'SERIN_UPSTREAM_PROTOCOL'],
    [{ code: 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' }, 'answered', 'SERIN_UPSTREAM_TRUNCATED'],
    [{ name: 'HTTPParserError' }, 'sent', 'SERIN_UPSTREAM_PROTOCOL'],
    [{ code: 'ERR_ASSERTION' }, 'sent', 'SERIN_UPSTREAM_PROTOCOL'],
    [{ code: 'ERR_ASSERTION' }, 'unsent', 'SERIN_INTERNAL'],
    [{ code: 'UND_ERR_CONNECT_TIMEOUT' }, 'unsent', 'SERIN_UPSTREAM_CONNECT_TIMEOUT'],
    [{ code: 'UND_ERR_HEADERS_TIMEOUT' }, 'sent', 'SERIN_UPSTREAM_FIRST_BYTE_TIMEOUT'],
    [{ code: 'UND_ERR_BODY_TIMEOUT' }, 'answered', 'SERIN_UPSTREAM_IDLE_TIMEOUT'],
    [{ code: 'UND_ERR_CLOSED' }, 'unsent', 'SERIN_UPSTREAM_CLOSED'],
    [{ code: 'UND_ERR_INVALID_ARG' }, 'unsent', 'SERIN_BAD_REQUEST'],
    [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'unsent', 'SERIN_UPSTREAM_TLS'],
    [{ code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, 'unsent', 'SERIN_UPSTREAM_TLS_PROTOCOL'],
    [{ code: 'ERR_SSL_UNSUPPORTED_PROTOCOL' }, 'unsent', 'SERIN_UPSTREAM_TLS_PROTOCOL'],
    [{ code: 'EPROTO', message: 'wrong version number' }, 'unsent', 'SERIN_UPSTREAM_TLS_PROTOCOL'],
    [{ code: 'EPROTO', message: 'SSL alert number 40' }, 'unsent', 'SERIN_UPSTREAM_TLS_ALERT'],
    [{ code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' }, 'sent', 'SERIN_UPSTREAM_TLS_ALERT'],
    [{ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' }, 'unsent', 'SERIN_UPSTREAM_TLS_ALERT'],
    [{ code: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME' }, 'unsent', 'SERIN_UPSTREAM_TLS_ALERT'],
    [{ code: 'ERR_SSL_CERTIFICATE_VERIFY_FAILED' }, 'unsent', 'SERIN_UPSTREAM_TLS'],
    [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'unsent', 'SERIN_UPSTREAM_TLS'],
    [{ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, 'unsent', 'SERIN_UPSTREAM_TLS'],
    [{ code: 'CRL_HAS_EXPIRED' }, 'unsent', 'SERIN_UPSTREAM_TLS'],
    [{ code: 'INVALID_CA' }, 'unsent', 'SERIN_UPSTREAM_TLS'],
    [new TypeError('a bug'), 'sent', 'SERIN_INTERNAL'],
  ]
  for (const [error, stage, code] of cases) {
    t.equal(classifyError(error, stage), code, `${JSON.stringify(error)} ${stage}`)
  }
  t.same(rootCause(new AggregateError([{ code: 'ECONNREFUSED' }])), { code: 'ECONNREFUSED' })
  const ofNoFamily = { code: 'EADDRNOTAVAIL' }
  const some = (...errors: object[]) => Object.assign(new AggregateError(errors), errors[0])
  t.same(rootCause(some(ofNoFamily, { code: 'ECONNREFUSED' })), { code: 'ECONNREFUSED' })
  t.same(rootCause(some(ofNoFamily, ofNoFamily)), ofNoFamily)
  const plain = new Error('x')
  t.equal(rootCause(plain), plain)
})

t.test("our own failures are never booked as the variant's", async (t) => {
  const blamed: readonly Outcome[] = ['failed', 'no_answer']
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const { outcome } = errorEntry(code)
    const isUpstream = code.startsWith('SERIN_UPSTREAM_') && code !== 'SERIN_UPSTREAM_CLOSED'
    t.equal(outcome !== null && blamed.includes(outcome), isUpstream, code)
  }
})

t.test('Connection tokens count, but for those that must not be removable', async (t) => {
  t.equal(connectionTokens(undefined), null)
  t.equal(connectionTokens('keep-alive'), null)
  t.equal(connectionTokens('close'), null)
  const tokens = connectionTokens(
    'Close, X-Foo,,  bar ,Host, content-length, Cookie, X-Forwarded-For, X-Serin-Variant, Via',
  )
  t.same([...tokens!], ['close', 'x-foo', 'bar'])
})

t.test('the client address is the last that no trusted proxy stands behind', async (t) => {
  const trusted = ['10.0.0.0/8', '2001:db8::/32', '192.0.2.1']
  const ask = (remoteAddress: string | undefined, forwardedFor?: string, list = trusted) => {
    const lookup = createPeerLookup(() => list)
    const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }
    return lookup.clientAddressOf({ socket: { remoteAddress }, headers } as never)
  }
  const cases: readonly (readonly [string | undefined, string | undefined, string])[] = [
    ['1.2.3.4', undefined, '1.2.3.4'],
    ['1.2.3.4', '6.6.6.6', '1.2.3.4'],
    ['::ffff:1.2.3.4', undefined, '1.2.3.4'],
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['10.0.0.1', '6.6.6.6, 1.2.3.4', '1.2.3.4'],
    ['::ffff:10.0.0.1', '6.6.6.6, 1.2.3.4, 10.9.9.9', '1.2.3.4'],
    ['192.0.2.1', '1.2.3.4:8080', '1.2.3.4'],
    ['192.0.2.1', '[2001:DB9::1]:80', '2001:db9::1'],
    ['192.0.2.1', '[2001:db9::1]', '2001:db9::1'],
    ['192.0.2.1', '2001:db9:0::1', '2001:db9::1'],
    ['2001:db8::5', '1.2.3.4, unknown, 10.0.0.2', '10.0.0.2'],
    ['10.0.0.1', '[', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    [undefined, '1.2.3.4', ''],
  ]
  for (const [peer, forwardedFor, client] of cases) {
    t.equal(ask(peer, forwardedFor), client, `${peer} ${forwardedFor}`)
  }
})

t.test('a reload changes who is trusted', async (t) => {
  let trusted: readonly string[] = []
  const lookup = createPeerLookup(() => trusted)
  const req = { socket: { remoteAddress: '10.0.0.1' }, headers: {} } as never
  t.equal(lookup.peerOf(req).isTrusted, false)
  trusted = ['10.0.0.1']
  t.equal(lookup.peerOf(req).isTrusted, true)
  t.equal(lookup.peerOf(req), lookup.peerOf(req), 'worked out once per connection')
})

t.test('the access log takes an even share of the good and all of the bad', async (t) => {
  const lines: AccessEntry[] = []
  const log = new AccessLog(
    { info: (entry: AccessEntry) => lines.push(entry) } as never,
    () => 0.25,
  )
  const good = Array.from({ length: 100 }, () => log.takes('ok', null))
  t.equal(good.filter(Boolean).length, 25)
  t.same(good.slice(0, 8), [false, false, false, true, false, false, false, true])
  const never = new AccessLog({ info: () => {} } as never, () => 0)
  t.same(
    (['ok', 'client_closed', 'failed', 'no_answer', 'rejected'] as const).map((outcome) =>
      never.takes(outcome, null),
    ),
    [false, false, true, true, true],
  )
  t.notOk(never.takes('client_closed', 'SERIN_CLIENT_CLOSED'), 'it left')
  t.ok(never.takes('client_closed', 'SERIN_BODY_TOO_LARGE'), 'it was turned away')
})

t.test('an encoded body is inflated as far as it is inspected, and no further', async (t) => {
  const decode = (encoded: Buffer, coding: string) =>
    new Promise<Buffer | null>((resolve) => decodePrefix(encoded, coding, 64 * 1024, resolve))
  const bomb = Buffer.alloc(1024 * 1024, ' ')
  for (const [coding, encode] of [
    ['gzip', gzipSync],
    ['X-GZIP', gzipSync],
    ['deflate', deflateSync],
  ] as const) {
    t.equal((await decode(encode(bomb), coding))?.length, 64 * 1024, coding)
    t.equal(String(await decode(encode('{}'), coding)), '{}', coding)
    t.equal(String(await decode(encode(''), coding)), '', coding)
    t.equal(await decode(Buffer.from('no such bytes'), coding), null, coding)
  }
  t.equal(await decode(brotliCompressSync('{}'), 'br'), null)
})
