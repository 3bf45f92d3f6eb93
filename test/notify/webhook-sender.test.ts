import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { NotifySpec } from '../../src/domain/notify.ts'
import { createWebhookSender, describeAnswer } from '../../src/notify/webhook-sender.ts'
import { hook } from '../fakes/rollout.ts'
import { ManualClock } from '../fakes/simulated-service.ts'
import { startReceiver } from '../support/fake-receiver.ts'

const MESSAGE = { event: 'promoted', decision: 17, body: '{"id":17}' } as const

/** A sender whose clock stands, with a time limit that a test can wait for. */
function sender(t: Test, timeoutMs?: number) {
  const { send, close } = createWebhookSender(new ManualClock(1_767_225_600_999), timeoutMs)
  t.teardown(close)
  return (change: Partial<NotifySpec>, message: Parameters<typeof send>[1] = MESSAGE) =>
    send(hook(change), message)
}

t.test('a message is a signed POST of JSON that says which decision it is', async (t) => {
  const { url, posts } = await startReceiver(t)
  const secret = 'whsec_0123456789abcdef'
  t.same(await sender(t)({ url: `${url}/x?y=1`, secret }), { status: 200 })
  t.match(posts, [
    {
      path: '/x?y=1',
      body: '{"id":17}',
      headers: {
        'content-type': 'application/json',
        'content-length': '9',
        'user-agent': 'serin',
        'x-serin-event': 'promoted',
        'x-serin-decision': '17',
        'x-serin-signature':
          't=1767225600,v1=22d5444d6f2f9545e02eacda9a5b4f475a7f65c273e293ca23fc239dc1df38a0',
      },
    },
  ])
  t.notOk('authorization' in posts[0]!.headers)
})

t.test('without a secret nothing is signed, and a question has no decision', async (t) => {
  const { url, posts } = await startReceiver(t)
  await sender(t)({ url }, { event: 'confirm-promotion', decision: null, body: '{}' })
  t.notOk('x-serin-signature' in posts[0]!.headers)
  t.notOk('x-serin-decision' in posts[0]!.headers)
  t.equal(posts[0]!.headers['x-serin-event'], 'confirm-promotion')
})

t.test('user info of the address is basic authentication', async (t) => {
  const { url, posts } = await startReceiver(t)
  await sender(t)({ url: url.replace('//', '//me:p%40ss@') })
  t.equal(posts[0]!.headers.authorization, `Basic ${Buffer.from('me:p@ss').toString('base64')}`)
  t.same(await sender(t)({ url: url.replace('//', '//%ff@') }), { failure: 'URIError' })
})

t.test('a redirect is an answer like another: it is not followed', async (t) => {
  const target = await startReceiver(t)
  const { url, script } = await startReceiver(t)
  for (const status of [301, 302, 307, 308]) {
    script.push({ status, headers: { location: target.url } })
    t.same(await sender(t)({ url }), { status })
  }
  t.same(target.posts, [])
})

t.test('what goes wrong is told in words that hold nothing of the address', async (t) => {
  const { url, script } = await startReceiver(t)
  script.push('reset', 'silence', 500)
  const secretUrl = `${url}/s3cret?t=s3cret`
  t.same(await sender(t)({ url: secretUrl }), { failure: 'ECONNRESET' })
  t.same(await sender(t, 50)({ url: secretUrl }), { failure: 'no answer in time' })
  t.equal(describeAnswer(await sender(t)({ url: secretUrl })), 'answered 500')
  const gone = await startGone()
  t.equal(describeAnswer(await sender(t)({ url: `${gone}/s3cret` })), 'refused')
})

t.test('a body that does not end changes nothing of the status', async (t) => {
  const server = createServer((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 204 No Content\r\n\r\n'))
    socket.on('error', () => {})
  })
  const endless = createServer((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx'))
    socket.on('error', () => {})
  })
  for (const [each, status] of [
    [server, 204],
    [endless, 200],
  ] as const) {
    await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve))
    t.teardown(() => each.close())
    const { port } = each.address() as AddressInfo
    t.same(await sender(t, 200)({ url: `http://127.0.0.1:${port}` }), { status })
  }
})

/** The address of a server that was there a moment ago. */
async function startGone(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}
