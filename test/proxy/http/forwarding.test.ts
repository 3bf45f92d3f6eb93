import t from 'tap'
import { parseAnswer, rawExchange } from '../../support/raw-client.ts'
import { get, startWitness } from '../../support/witness.ts'

const VIA = 'Via (RFC 9110 7.6.3)'
const MAX_FORWARDS = 'Max-Forwards (RFC 9110 7.6.2)'
const FORWARDED = 'forwarding fields (RFC 7239 8.1)'

t.test(`${VIA}: serin appends itself, with the version it was spoken to in`, async (t) => {
  const { port, upstream } = await startWitness(t)
  await rawExchange(port, get('/m/x'))
  await rawExchange(port, get('/m/x', ['Via: 1.0 edge']))
  t.equal(upstream.seen[0]!.headers.via, '1.1 serin-test')
  t.equal(upstream.seen[1]!.headers.via, '1.0 edge, 1.1 serin-test')
})

t.test(`${VIA}: a request that came through this gateway before is a loop`, async (t) => {
  const { port, received } = await startWitness(t)
  for (const via of ['1.1 edge, 1.1 serin-test', '1.1 serin-test\r\nVia: 1.1 edge']) {
    const answer = parseAnswer(await rawExchange(port, get('/m/x', [`Via: ${via}`])))
    t.equal(answer.status, 508)
    t.equal(answer.field('x-serin-error'), 'SERIN_LOOP_DETECTED')
    t.equal(answer.field('proxy-status'), 'serin-test; error=proxy_loop_detected')
  }
  t.equal(received(), '')
})

t.test(`${MAX_FORWARDS}: counts down with an OPTIONS, and with nothing else`, async (t) => {
  const { port, upstream } = await startWitness(t)
  const passed = async (method: string, ...lines: readonly string[]) => {
    const text = get('/m/x', lines).replace('GET', method)
    t.equal(parseAnswer(await rawExchange(port, text)).status, 200, lines.join())
    return upstream.seen.at(-1)!.headers['max-forwards']
  }
  t.equal(await passed('OPTIONS', 'Max-Forwards: 10'), '9')
  t.equal(await passed('OPTIONS', 'a: max-forwards', 'MAX-FORWARDS: 1'), '0')
  t.equal(await passed('OPTIONS', `Max-Forwards: ${'9'.repeat(400)}`), '255')
  t.equal(await passed('OPTIONS', 'Max-Forwards: -1'), '-1')
  t.equal(await passed('GET', 'Max-Forwards: 10'), '10')
})

t.test(`${MAX_FORWARDS}: with 0 an OPTIONS goes no further`, async (t) => {
  const { port, received } = await startWitness(t)
  const text = get('/m/x', ['Max-Forwards: 0']).replace('GET', 'OPTIONS')
  const answer = parseAnswer(await rawExchange(port, text))
  t.equal(answer.status, 501)
  t.match(answer.body, 'Max-Forwards: 0')
  t.equal(received(), '')
})

t.test(
  `${FORWARDED}: what a client says is replaced, and its x-serin fields dropped`,
  async (t) => {
    const { port, upstream } = await startWitness(t)
    const lines = [
      'X-Forwarded-For: 6.6.6.6',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: evil',
      'X-Forwarded-Port: 1',
      'Forwarded: for=6.6.6.6',
      'X-Real-IP: 6.6.6.6',
      'X-Serin-Variant: canary',
      'X-Serin-Secret: s',
      'traceparent: 00-a-b-01',
    ]
    await rawExchange(port, get('/m/x', lines))
    const { headers } = upstream.seen[0]!
    t.match(headers, {
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'a',
      'x-serin-variant': 'baseline',
      traceparent: '00-a-b-01',
    })
    for (const name of ['x-forwarded-port', 'forwarded', 'x-real-ip', 'x-serin-secret']) {
      t.equal(headers[name], undefined, name)
    }
  },
)

t.test(`${FORWARDED}: a trusted proxy is believed, and appended to`, async (t) => {
  const { port, upstream } = await startWitness(t, { config: { trustedProxies: ['127.0.0.0/8'] } })
  const lines = [
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-For: 10.0.0.9',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: front',
    'Forwarded: for=6.6.6.6',
  ]
  await rawExchange(port, get('/m/x', lines))
  t.match(upstream.seen[0]!.headers, {
    'x-forwarded-for': '6.6.6.6, 10.0.0.9, 127.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'front',
    forwarded: 'for=6.6.6.6',
  })
})
