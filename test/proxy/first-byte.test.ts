import t, { type Test } from 'tap'
import type { ServerResponse } from 'node:http'
import { startUpstream } from '../support/fake-upstream.ts'
import { RawConnection } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'
import { signal } from '../support/witness.ts'

/** A gateway whose service asks for first bytes, or does not, and an upstream that a test answers for. */
async function start(t: Test, asks = true, method = 'GET') {
  const asked = signal<ServerResponse>()
  const upstream = await startUpstream((_req, res) => asked.fire(res))
  const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  const { recorder } = gateway
  recorder.timesFirstBytes = asks
  const client = new RawConnection(gateway.port).send(`${method} /m/x HTTP/1.1\r\nHost: a\r\n\r\n`)
  t.teardown(() => client.close())
  return { recorder, client, res: await asked.promise }
}

t.test('the first part of a body is told once, and not with the head', async (t) => {
  const { recorder, client, res } = await start(t)
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.flushHeaders()
  await client.receive('event-stream')
  t.same([recorder.heads, recorder.firstBytes.length], [1, 0])
  res.write('data: one\n\n')
  await client.receive('one')
  t.match(recorder.firstBytes, [{ variant: 'baseline' }])
  res.write('data: two\n\n')
  await client.receive('two')
  res.end()
  await recorder.ended()
  t.equal(recorder.firstBytes.length, 1)
})

t.test('of a failure and of an answer without a body none is told', async (t) => {
  for (const [status, body, method] of [
    [500, 'sorry', 'GET'],
    [204, '', 'GET'],
    [200, '', 'GET'],
    [200, '', 'HEAD'],
  ] as const) {
    const { recorder, res } = await start(t, true, method)
    res.writeHead(status).end(body)
    await recorder.ended()
    t.same([recorder.heads, recorder.firstBytes.length], [1, 0], `${method} ${status}`)
  }
})

t.test('a 4xx is an answer like any other', async (t) => {
  const { recorder, res } = await start(t)
  res.writeHead(404).end('no such model')
  await recorder.ended()
  t.equal(recorder.firstBytes.length, 1)
})

t.test('where no metric asks, none is told', async (t) => {
  const { recorder, res } = await start(t, false)
  res.end('well')
  await recorder.ended()
  t.equal(recorder.firstBytes.length, 0)
})
