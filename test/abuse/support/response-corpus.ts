import { NONCE } from './request-corpus.ts'

/** An answer inside of a body: whoever loses count takes it for the next one. */
const EMBEDDED = `HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n${NONCE}`

const JSON_BODY = `{"echo":"${NONCE}","outputs":[{"name":"y","data":[1.5]}]}`

const BIG = `${NONCE}.`.repeat(5_000)

/** Valid byte strings of upstreams: each is the answer to one GET or POST. */
export const RESPONSE_CORPUS: readonly string[] = [
  whole('200 OK', JSON_BODY, 'Content-Type: application/json'),
  whole('200 OK', EMBEDDED, 'Content-Type: text/plain'),
  whole('200 OK', BIG),
  whole('500 Internal Server Error', JSON_BODY),
  whole('404 Not Found', '', 'Keep-Alive: timeout=5', 'Connection: keep-alive'),
  whole('200 OK', JSON_BODY, `X-Big: ${'y'.repeat(8_000)}`),
  whole('200 OK', JSON_BODY, ...Array.from({ length: 80 }, (_, n) => `X-Field-${n}: ${n}`)),
  whole('200 OK', JSON_BODY, 'Set-Cookie: a=b', 'Set-Cookie: c=d', 'Content-Encoding: gzip'),
  chunked([JSON_BODY]),
  chunked([EMBEDDED, EMBEDDED]),
  chunked([BIG, BIG]),
  chunked(['a', NONCE, 'b'], 'X-Sum: 1\r\nX-More: 2\r\n'),
  chunked([`data: ${NONCE}\n\n`, `data: ${NONCE}\n\n`], '', 'Content-Type: text/event-stream'),
  head('204 No Content'),
  head('304 Not Modified', 'ETag: "a"', 'Content-Length: 1234'),
  `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${whole('200 OK', JSON_BODY)}`,
  `HTTP/1.1 102 Processing\r\n\r\n${whole('200 OK', JSON_BODY)}`,
  `${head('200 OK', 'Connection: close')}${JSON_BODY}`,
  `HTTP/1.0 200 OK\r\nX-Echo: ${NONCE}\r\n\r\n${JSON_BODY}`,
  whole('200', JSON_BODY),
]

function head(status: string, ...lines: readonly string[]): string {
  return [`HTTP/1.1 ${status}`, `X-Echo: ${NONCE}`, ...lines, '', ''].join('\r\n')
}

function whole(status: string, body: string, ...lines: readonly string[]): string {
  return head(status, ...lines, `Content-Length: ${sizeOf(body)}`) + body
}

function chunked(parts: readonly string[], trailers = '', ...lines: readonly string[]): string {
  const chunks = parts.map((part) => `${sizeOf(part).toString(16)}\r\n${part}\r\n`)
  const start = head('200 OK', ...lines, 'Transfer-Encoding: chunked')
  return `${start}${chunks.join('')}0\r\n${trailers}\r\n`
}

function sizeOf(text: string): number {
  return text.replaceAll(NONCE, 'n'.repeat(13)).length
}
