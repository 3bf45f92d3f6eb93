import t from 'tap'
import { membersOfOthers } from '../../../src/proxy/proxy-status.ts'
import { startUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, rawExchange } from '../../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../../support/start-gateway.ts'
import { get, startCanned } from '../../support/witness.ts'

t.test('an answer of a model does not speak as the gateway', async (t) => {
  const gateway = await startCanned(
    t,
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Serin-Error: SERIN_OVERLOADED\r\nx-serin-mirror: shadow\r\n' +
      'X-Serin-Variant: canary\r\nX-Serin-Fallback: canary\r\nX-Serin-Score: 7\r\n' +
      'Proxy-Status: edge; error=dns_timeout, serin-test; error=connection_refused; details="a, b", "serin-test"\r\n' +
      'proxy-status: serin-test\r\n\r\nok',
  )
  const answer = parseAnswer(await rawExchange(gateway.port, get('/m/x')))
  t.match(answer, { status: 200, body: 'ok' })
  for (const name of ['x-serin-error', 'x-serin-mirror', 'x-serin-fallback'])
    t.equal(answer.field(name), null, name)
  t.equal(answer.field('x-serin-variant'), 'baseline')
  t.equal(answer.field('x-serin-score'), '7', 'what serin never says is their own')
  t.equal(answer.field('proxy-status'), 'edge; error=dns_timeout', 'others are left')
})

t.test('an answer through the passthrough does not, either', async (t) => {
  const upstream = await startUpstream((_req, res) => {
    res.writeHead(200, { 'proxy-status': 'edge, serin-test; error=x', 'x-serin-error': 'x' }).end()
  })
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])], {
    passthrough: upstream.origin,
  })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const answer = parseAnswer(await rawExchange(gateway.port, get('/other')))
  t.equal(answer.field('proxy-status'), 'edge')
  t.equal(answer.field('x-serin-error'), null)
})

t.test('the members of other proxies stay as they are (RFC 9209)', (t) => {
  const of = (value: string) => membersOfOthers(value, 'serin-1')
  t.equal(of('serin-1; error=x'), '')
  t.equal(
    of('a;details="serin-1, b", serin-1,serin-12 ;x , "c\\", serin-1"'),
    'a;details="serin-1, b", serin-12 ;x, "c\\", serin-1"',
  )
  t.equal(of(''), '')
  t.equal(of(' , ,'), '')
  t.equal(of('"unfinished, serin-1'), '"unfinished, serin-1')
  t.equal(of('"'.repeat(60_001)).length, 60_001, 'in one pass')
  t.end()
})
