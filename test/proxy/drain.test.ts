import t from 'tap'
import type { ServerResponse } from 'node:http'
import { drain, type Delay } from '../../src/proxy/drain.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'

const SPANS = { waitMs: 5_000, deadlineMs: 30_000, streamsMs: 300_000 }

/** Steps of a drain in their order; spans pass when the test says so. */
function script(t: { equal: (found: unknown, wanted: unknown) => unknown }) {
  const steps: string[] = []
  const spans: { readonly ms: number; readonly pass: () => void; isCancelled: boolean }[] = []
  let closeNow: () => void = () => {}
  const delay = (ms: number): Delay => {
    let pass: () => void = () => {}
    const done = new Promise<void>((resolve) => (pass = resolve))
    const span = { ms, pass, isCancelled: false }
    spans.push(span)
    return { done, cancel: () => (span.isCancelled = true) }
  }
  const drained = drain({
    spans: SPANS,
    delay,
    stopBeingReady: () => steps.push('not ready'),
    startDraining: () => steps.push('draining'),
    closeServer: () => {
      steps.push('close')
      return new Promise<void>((resolve) => (closeNow = resolve))
    },
    closeExchanges: (kind) => steps.push(`cut ${kind}`),
    cutConnections: () => {
      steps.push('cut connections')
      closeNow()
    },
  })
  const pass = async (ms: number) => {
    t.equal(spans.at(-1)!.ms, ms)
    spans.at(-1)!.pass()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { steps, spans, drained, pass, close: () => closeNow() }
}

t.test('a drain waits, closes, and cuts what is left at its two deadlines', async (t) => {
  const { steps, drained, pass, spans } = script(t)
  t.same(steps, ['not ready'])
  await pass(5_000)
  t.same(steps.splice(0), ['not ready', 'draining', 'close'])
  await pass(30_000)
  t.same(steps.splice(0), ['cut other'])
  await pass(270_000)
  await drained
  t.same(steps, ['cut other', 'cut stream', 'cut connections'])
  t.ok(
    spans.slice(1).every(({ isCancelled }) => isCancelled),
    'no timer outlives the drain',
  )
})

t.test('a drain is over as soon as the last connection has ended', async (t) => {
  const early = script(t)
  await early.pass(5_000)
  early.close()
  await early.drained
  t.same(early.steps, ['not ready', 'draining', 'close'])
  const later = script(t)
  await later.pass(5_000)
  await later.pass(30_000)
  later.close()
  await later.drained
  t.same(later.steps.at(-1), 'cut other')
})

t.test(
  'a server that closes lets running requests end, and their connections with them',
  async (t) => {
    const waiting: ServerResponse[] = []
    let wake: () => void = () => {}
    const upstream = await startUpstream((_req, res) => {
      waiting.push(res)
      wake()
    })
    const answerNext = async () => {
      if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      const cookies = ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']
      return waiting.shift()!.writeHead(200, cookies).end('done')
    }
    const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
    t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
    const idle = new RawConnection(gateway.port)
    await new Promise((resolve) => idle.socket.once('connect', resolve))
    const client = new RawConnection(gateway.port)
    client.send('GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n')
    if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    let isClosed = false
    const closed = gateway.server.close().then(() => (isClosed = true))
    await new Promise((resolve) => setImmediate(resolve))
    t.notOk(isClosed)
    // A second request on the same connection, while the server closes, is served too.
    client.send('GET /m/y HTTP/1.1\r\nHost: a\r\n\r\n')
    await answerNext()
    await client.receive('done')
    await answerNext()
    const text = await client.closed()
    const second = parseAnswer(text.slice(text.lastIndexOf('HTTP/1.1')))
    t.equal(second.status, 200)
    t.equal(second.field('connection'), 'close')
    t.same(
      second.lines.filter((line) => /^set-cookie/i.test(line)).map((line) => line.slice(12)),
      ['a=1', 'b=2'],
    )
    idle.close()
    await closed
  },
)
