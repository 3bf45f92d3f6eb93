import t from 'tap'
import { startRawUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, rawExchange } from '../../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'
import { get, signal, statusesIn } from '../../support/witness.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const LENGTH = 'Content-Length: 2\r\n\r\nok'
const CHUNKS = '\r\n\r\n2\r\nok\r\n0\r\n\r\n'

type Case = readonly [what: string, answer: string, code?: string]

/** All are answered with 502 and booked as the variant's failure. */
const refused: Readonly<Record<string, readonly Case[]>> = {
  'answer framing (RFC 9112 6.3)': [
    ['a length beside a coding', `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked${CHUNKS}`],
    ['two equal lengths', `${OK}Content-Length: 2\r\n${LENGTH}`],
    ['two different lengths', `${OK}Content-Length: 3\r\n${LENGTH}`],
    ['a list of lengths', `${OK}Content-Length: 2, 2\r\n\r\nok`],
    ['a negative length', `${OK}Content-Length: -2\r\n\r\nok`],
    ['a length with a plus', `${OK}Content-Length: +2\r\n\r\nok`],
    ['a hexadecimal length', `${OK}Content-Length: 0x2\r\n\r\nok`],
    ['an empty length', `${OK}Content-Length:\r\n\r\nok`],
    ['a length beyond 64 bits', `${OK}Content-Length: 18446744073709551617\r\n\r\nok`],
  ],
  'answer transfer codings (RFC 9112 6.1)': [
    ['gzip below chunked', `${OK}Transfer-Encoding: gzip, chunked${CHUNKS}`, 'TRANSFER_CODING'],
    ['chunked below gzip', `${OK}Transfer-Encoding: chunked, gzip${CHUNKS}`, 'TRANSFER_CODING'],
    ['gzip alone', `${OK}Transfer-Encoding: gzip\r\n\r\nok`, 'TRANSFER_CODING'],
    ['identity', `${OK}Transfer-Encoding: identity\r\n\r\nok`, 'TRANSFER_CODING'],
    ['an unknown one', `${OK}Transfer-Encoding: xchunked${CHUNKS}`, 'TRANSFER_CODING'],
    ['chunked before a tab', `${OK}Transfer-Encoding: chunked\t${CHUNKS}`, 'TRANSFER_CODING'],
    [
      'chunked twice',
      `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked${CHUNKS}`,
      'TRANSFER_CODING',
    ],
  ],
  'answer syntax (RFC 9112 5)': [
    ['bare LF after each line', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    ['bare LF within a field', `${OK}X: a\nSet-Cookie: b\r\n${LENGTH}`],
    ['bare CR within a field', `${OK}X: a\rSet-Cookie: b\r\n${LENGTH}`],
    ['NUL in a value', `${OK}X: a\0b\r\n${LENGTH}`],
    ['DEL in a value', `${OK}X: a\x7fb\r\n${LENGTH}`],
    ['a folded line', `${OK}X: a\r\n b\r\n${LENGTH}`],
    ['a fold at the beginning', `HTTP/1.1 200 OK\r\n X: a\r\n${LENGTH}`],
    ['a space before the colon', `${OK}Content-Length : 2\r\n\r\nok`],
    ['a space within a name', `${OK}X Y: 2\r\n${LENGTH}`],
    ['no colon', `${OK}X\r\n${LENGTH}`],
    ['garbage', 'SSH-2.0-x\r\n\r\n'],
    ['another protocol', `ICY 200 OK\r\n${LENGTH}`],
    ['a version that does not exist', `HTTP/1.2 200 OK\r\n${LENGTH}`],
    ['a head of 18 KiB', `${OK}X: ${'x'.repeat(18 * 1024)}\r\n${LENGTH}`, 'HEADERS_TOO_LARGE'],
  ],
  'answer status (RFC 9110 15)': [
    ['000', `HTTP/1.1 000 X\r\n${LENGTH}`],
    ['099', `HTTP/1.1 099 X\r\n${LENGTH}`],
    ['199', `HTTP/1.1 199 X\r\n${LENGTH}`],
    ['600', `HTTP/1.1 600 X\r\n${LENGTH}`],
    ['888', `HTTP/1.1 888 X\r\n${LENGTH}`],
    ['999', `HTTP/1.1 999 X\r\n${LENGTH}`],
    ['20', `HTTP/1.1 20 X\r\n${LENGTH}`],
    ['2000', `HTTP/1.1 2000 X\r\n${LENGTH}`],
  ],
}

const PROXY_STATUS: Readonly<Record<string, string>> = {
  PROTOCOL: 'http_protocol_error',
  HEADERS_TOO_LARGE: 'http_response_header_section_size',
  TRANSFER_CODING: 'http_response_transfer_coding',
}

// One upstream and one gateway for all: what an answer leaves behind on a connection would show in the next.
let canned = ''
const upstream = await startRawUpstream((socket) => {
  socket.on('data', () => socket.write(Buffer.from(canned, 'latin1')))
})
const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
const { port, recorder } = gateway

for (const [rule, cases] of Object.entries(refused)) {
  for (const [what, answer, code = 'PROTOCOL'] of cases) {
    t.test(`${rule}: ${what} is answered with 502, and leaves nothing behind`, async (t) => {
      canned = answer
      recorder.ends.length = 0
      const text = await rawExchange(port, get('/m/x'))
      t.same(statusesIn(text), [502])
      t.equal(parseAnswer(text).field('x-serin-error'), `SERIN_UPSTREAM_${code}`)
      t.equal(parseAnswer(text).field('proxy-status'), `serin-test; error=${PROXY_STATUS[code]}`)
      t.match(await recorder.ended(), { outcome: 'failed', status: 502 })
      canned = `${OK}Content-Length: 4\r\n\r\ngood`
      t.equal(parseAnswer(await rawExchange(port, get('/m/x'))).body, 'good')
    })
  }
}

t.test('answer syntax (RFC 9112 5): what is unusual but sound passes', async (t) => {
  for (const answer of [
    `HTTP/1.1 200\r\n${LENGTH}`,
    `HTTP/1.1 599 X\r\n${LENGTH}`,
    `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${LENGTH}`,
    `${OK}Transfer-Encoding: Chunked \r\n\r\n2;ext=1\r\nok\r\n0\r\n\r\n`,
    `${OK}${'x: 1\r\n'.repeat(2000)}${LENGTH}`,
  ]) {
    canned = answer
    t.match(parseAnswer(await rawExchange(port, get('/m/x'))).body, /ok/, answer.slice(0, 40))
  }
})

for (const [how, isLater] of [
  ['with the answer', false],
  ['after it', true],
] as const) {
  t.test(`answer framing (RFC 9112 6.3): bytes sent ${how} never reach anybody else`, async (t) => {
    const evil = `${OK}Content-Length: 4\r\n\r\nEVIL`
    const sent = signal()
    const poisoner = await startRawUpstream((socket) => {
      socket.on('data', (chunk: Buffer) => {
        const path = /\/m\/\w+/.exec(chunk.toString('latin1'))![0]
        const own = `${OK}Content-Length: ${path.length}\r\n\r\n${path}`
        socket.write(isLater || path !== '/m/first' ? own : own + evil)
        if (isLater && path === '/m/first') {
          setImmediate(() => socket.write(evil, () => sent.fire()))
        } else sent.fire()
      })
    })
    const other = await startGateway([serviceWith([variantAt('baseline', poisoner.origin)])])
    t.teardown(() => Promise.all([other.close(), poisoner.close()]))
    t.equal(parseAnswer(await rawExchange(other.port, get('/m/first'))).body, '/m/first')
    await sent.promise
    for (const path of ['/m/second', '/m/third']) {
      const text = await rawExchange(other.port, get(path))
      t.same(statusesIn(text), [200])
      t.equal(parseAnswer(text).body, path)
    }
  })
}
