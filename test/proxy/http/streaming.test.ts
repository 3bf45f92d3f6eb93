import t from 'tap'
import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { parseAnswer, RawConnection } from '../../support/raw-client.ts'
import { get, signal, startWitness } from '../../support/witness.ts'

const RULE = 'streaming (HTML 9.2)'

/** An upstream whose answer the test writes, and a client that has asked for it. */
async function ask(t: Parameters<typeof startWitness>[0], lines: readonly string[] = []) {
  const asked = signal<ServerResponse>()
  const { port } = await startWitness(t, {}, (_req, res) => asked.fire(res))
  const client = new RawConnection(port).send(get('/m/x', lines))
  return { client, res: await asked.promise }
}

t.test(`${RULE}: every event arrives before the next one is sent`, async (t) => {
  const { client, res } = await ask(t, ['Accept-Encoding: gzip'])
  res.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  })
  for (let n = 1; n <= 20; n++) {
    res.write(`data: ${n}\n\n`)
    await client.receive(`data: ${n}\n\n`)
  }
  res.end()
  const answer = parseAnswer(await client.closed())
  t.equal(answer.field('cache-control'), 'no-cache')
  t.equal(answer.field('x-accel-buffering'), 'no')
  t.equal(answer.field('content-encoding'), null, 'nothing is compressed on the way')
})

t.test(`${RULE}: the head arrives before the body begins`, async (t) => {
  for (const head of [{ 'content-length': '2' }, { 'content-type': 'text/event-stream' }]) {
    const { client, res } = await ask(t)
    res.writeHead(200, { ...head }).flushHeaders()
    await client.receive('\r\n\r\n')
    res.end('ok')
    t.match(await client.closed(), 'ok')
  }
})

t.test(`${RULE}: parts of a line, and of a character, are not waited for`, async (t) => {
  const { client, res } = await ask(t)
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const part of ['da', 'ta: \xc3', '\xa9']) {
    res.write(Buffer.from(part, 'latin1'))
    await client.receive(part)
  }
  res.end()
  t.match(await client.closed(), '\xc3\r\n1\r\n\xa9\r\n0\r\n')
})

t.test(`${RULE}: a request streams up as well`, async (t) => {
  const { port, received } = await startWitness(t)
  const client = new RawConnection(port)
  client.send('POST /m/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  client.send('5\r\nfirst\r\n')
  while (!received().includes('first')) await delay(1)
  await client.send('6\r\nsecond\r\n0\r\n\r\n').receive('ok')
  client.close()
  t.match(received(), '5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n')
})
