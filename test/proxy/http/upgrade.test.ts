import t from 'tap'
import { parseAnswer, RawConnection, rawExchange } from '../../support/raw-client.ts'
import { get, post, startWitness, statusesIn } from '../../support/witness.ts'

const RULE = 'upgrades (RFC 9110 7.8)'

t.test(`${RULE}: a service takes no WebSocket session`, async (t) => {
  const { port, received } = await startWitness(t)
  const client = new RawConnection(port)
  client.send(get('/m/x', ['Connection: upgrade', 'Upgrade: websocket']))
  const answer = parseAnswer(await client.receive('}'))
  client.close()
  t.equal(answer.status, 501)
  t.equal(received(), '')
})

t.test(`${RULE}: others are ignored, and the request is served as it is`, async (t) => {
  const { port, upstream, received } = await startWitness(t)
  const lines = ['Connection: upgrade, HTTP2-Settings, close', 'Upgrade: h2c', 'HTTP2-Settings: A']
  t.same(statusesIn(await rawExchange(port, get('/m/x', lines))), [200])
  t.same(statusesIn(await rawExchange(port, post([...lines, 'Content-Length: 4'], 'body'))), [200])
  t.equal(upstream.seen[1]!.body.toString(), 'body')
  t.notMatch(received(), /upgrade|h2c|settings/i)
})
