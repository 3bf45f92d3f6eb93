/** Stands where each sender puts its own name. */
export const NONCE = '@nonce@'

const JSON_BODY = `{"user":"u-${NONCE}","inputs":[{"name":"x","data":[1.5,2,3]}]}`

/** A request inside of a body: whoever loses count takes it for a real one. */
const EMBEDDED = `GET /m/${NONCE}/inside HTTP/1.1\r\nHost: a\r\n\r\n`

const BIG = 'x'.repeat(70_000)

/** Valid byte strings of clients: each is one connection's requests. */
export const REQUEST_CORPUS: readonly string[] = [
  get('/plain'),
  get('/sse', 'Accept: text/event-stream'),
  get('/chunked', 'TE: trailers', 'Connection: TE'),
  get('/big'),
  get('/204') + get('/304') + get('/plain'),
  request('HEAD', '/plain') + get('/plain'),
  post('/plain', JSON_BODY),
  post('/chunked', JSON_BODY, 'Expect: 100-continue'),
  post('/plain', EMBEDDED) + get('/plain'),
  chunked('/plain', [JSON_BODY]),
  chunked('/chunked', ['{"us', `er":"${NONCE}"`, '}'], 'X-Sum: 1'),
  chunked('/plain', [EMBEDDED, EMBEDDED]) + get('/plain'),
  chunked('/plain', [BIG]),
  post('/plain', BIG),
  get('/plain') + post('/plain', JSON_BODY) + get('/chunked') + get('/big'),
  get('/plain', 'Connection: close') + EMBEDDED,
  `GET /m/${NONCE}/plain HTTP/1.0\r\n\r\n`,
  `GET /m/${NONCE}/chunked HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n` + get('/plain'),
  `GET http://a/m/${NONCE}/plain HTTP/1.1\r\nHost: a\r\n\r\n`,
  get('/plain', `X-Big: ${'y'.repeat(8_000)}`, 'Cookie: a=b; c=d', 'X-Request-Id: r-1'),
  get('/plain?user=u1&x=%2F', 'X-Forwarded-For: 1.2.3.4', 'Via: 1.1 other'),
  get('/plain', ...Array.from({ length: 60 }, (_, n) => `X-Field-${n}: ${n}`)),
  `OPTIONS /m/${NONCE}/plain HTTP/1.1\r\nHost: a\r\n\r\n` + get('/plain'),
  request('DELETE', '/plain', 'Content-Length: 2') + 'ok' + get('/plain'),
  `GET /nowhere/${NONCE} HTTP/1.1\r\nHost: a\r\n\r\n` + get('/plain'),
]

function request(method: string, path: string, ...lines: readonly string[]): string {
  return [`${method} /m/${NONCE}${path} HTTP/1.1`, 'Host: a', ...lines, '', ''].join('\r\n')
}

function get(path: string, ...lines: readonly string[]): string {
  return request('GET', path, ...lines)
}

function post(path: string, body: string, ...lines: readonly string[]): string {
  const length = `Content-Length: ${body.replaceAll(NONCE, 'n'.repeat(13)).length}`
  return request('POST', path, 'Content-Type: application/json', ...lines, length) + body
}

function chunked(path: string, parts: readonly string[], trailer = ''): string {
  const chunks = parts.map((part) => {
    return `${part.replaceAll(NONCE, 'n'.repeat(13)).length.toString(16)}\r\n${part}\r\n`
  })
  const head = request('POST', path, 'Transfer-Encoding: chunked')
  return `${head}${chunks.join('')}0\r\n${trailer === '' ? '' : `${trailer}\r\n`}\r\n`
}
