import t from 'tap'
import { membersOfOthers } from '../../../src/proxy/proxy-status.ts'
import { rolloutSpec } from '../../fakes/simulated-service.ts'
import { refusedOrigin, startUpstream } from '../../support/fake-upstream.ts'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { handshake, startSessionUpstream } from '../../support/session-upstream.ts'
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

t.test('answers name no variant where the configuration says so, whoever made them', async (t) => {
  const good = await startUpstream((_req, res) => res.end('ok'))
  const sessions = await startSessionUpstream()
  const gone = await refusedOrigin()
  t.teardown(() => Promise.all([good.close(), sessions.close()]))
  const told = async (
    request: string,
    baseline: string,
    canary: string,
    variantHeader: boolean,
  ) => {
    const gateway = await startGateway(
      [
        serviceWith([variantAt('baseline', baseline), variantAt('canary', canary)], {
          rollout: rolloutSpec({ spec: { fallback: true } }),
          split: { key: null, rules: [], weightsBp: { canary: 10_000 }, override: null },
        }),
      ],
      { config: { variantHeader } },
    )
    const client = new RawConnection(gateway.port).send(request)
    const answer = parseAnswer(await client.receive('\r\n\r\n'))
    client.close()
    await gateway.close()
    const fields = ['x-serin-variant', 'x-serin-fallback'].map((name) => answer.field(name))
    return [answer.status, ...fields]
  }
  t.same(await told(get('/m/x'), good.origin, gone, true), [200, 'baseline', 'canary'])
  t.same(await told(get('/m/x'), good.origin, gone, false), [200, null, null])
  t.same(await told(get('/m/x'), gone, gone, true), [502, 'baseline', 'canary'])
  t.same(await told(get('/m/x'), gone, gone, false), [502, null, null])
  t.same(await told(handshake(), gone, sessions.origin, true), [101, 'canary', null])
  t.same(await told(handshake(), gone, sessions.origin, false), [101, null, null])
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
