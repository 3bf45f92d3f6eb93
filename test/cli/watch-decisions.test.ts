import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import type { AdminDeps } from '../../src/admin/admin-deps.ts'
import { runCli } from '../../src/cli/program.ts'
import { createFakeDeps, fakeDecision, fakeStatus, LOOPBACK, NOW } from '../admin/fake-deps.ts'
import { createFakeIo, type FakeIo } from './fake-io.ts'

/** Serves the admin API, but for its stream of events: that is the test's own. */
async function serve(
  t: Test,
  deps: Partial<AdminDeps>,
  stream: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const app = createAdminServer(createFakeDeps(deps), LOOPBACK)
  const server = createServer((request, response) => {
    if (request.url!.startsWith('/api/v1/events')) return stream(request, response)
    void app.inject(request.url!).then(({ statusCode, body }) => {
      response.writeHead(statusCode, { 'content-type': 'application/json' }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await app.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const SNAPSHOT = 'event: snapshot\ndata: {}\n\n'
const DECISION = 'id: 1\nevent: decision\ndata: {"id":18}\n\n'
const CHANGE = 'event: service\ndata: {"changes":{"summary":"event: decision"}}\n\n'

t.test('What is decided is shown at once, without the end of the interval.', async (t) => {
  for (const argv of [['credit-risk'], []]) {
    let decisions = [fakeDecision()]
    const asked: (string | undefined)[] = []
    let open: (response: ServerResponse) => void = () => {}
    const opened = new Promise<ServerResponse>((resolve) => (open = resolve))
    const status = () => {
      const whole = fakeStatus()
      return { ...whole, rollout: { ...whole.rollout!, lastDecision: decisions[0]! } }
    }
    const deps = {
      services: () => [status()],
      decisions: (async (_service, { after }) =>
        decisions.filter(({ id }) => id > after)) as AdminDeps['decisions'],
    }
    const admin = await serve(t, deps, (request, response) => {
      asked.push(request.url, request.headers.authorization)
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(SNAPSHOT)
      open(response)
    })
    let sleeps = 0
    const given = ['status', '--watch', '--admin', admin, '--token', 'a-token', ...argv]
    const fake: FakeIo = createFakeIo(given, {
      // The interval is never over.
      sleep: async (_ms, signal) => {
        const response = await opened
        const woken = new Promise<void>((resolve) => {
          if (signal.aborted) resolve()
          else signal.addEventListener('abort', () => resolve(), { once: true })
        })
        if (++sleeps === 1) {
          const later = fakeDecision({
            id: 18,
            at: NOW,
            action: 'pause',
            summary: 'a look',
            note: 'lunch',
          })
          decisions = [later, ...decisions]
          response.write(CHANGE + DECISION.slice(0, 9))
          response.write(DECISION.slice(9))
        } else fake.signal('SIGINT')
        return woken
      },
    })
    const closed = opened.then(
      (response) => new Promise<void>((resolve) => response.on('close', resolve)),
    )
    t.equal(await runCli(fake.io), 0)
    await closed
    t.equal(sleeps, 2, 'one look for one decision')
    t.match(fake.stdout(), /credit-risk {2}#18 pause by evaluator: a look Given reason: lunch \(/)
    const path = `/api/v1/events${argv.length === 0 ? '' : '?service=credit-risk'}`
    t.same(asked, [path, 'Bearer a-token'])
  }
})

t.test('A stream that ends is taken up again, one that is refused is not.', async (t) => {
  let asked = 0
  const answers = [
    (response: ServerResponse) => response.writeHead(200).write(SNAPSHOT, () => response.destroy()),
    (response: ServerResponse) => response.writeHead(200).end(SNAPSHOT),
    (response: ServerResponse) => response.writeHead(503).end('{}'),
    (response: ServerResponse) => response.writeHead(429).end('{}'),
    (response: ServerResponse) => response.destroy(),
    (response: ServerResponse) => response.writeHead(404).end('{}'),
  ]
  const admin = await serve(t, {}, (_request, response) => answers[asked++]?.(response))
  let looksAfter = 0
  const fake: FakeIo = createFakeIo(['status', '--watch', '-o', 'json', '--admin', admin], {
    sleep: async () => {
      if (asked === answers.length && ++looksAfter === 20) fake.signal('SIGINT')
    },
  })
  t.equal(await runCli(fake.io), 0)
  t.equal(asked, answers.length)
  t.equal(fake.stderr(), '', 'it is looked at by interval meanwhile')
  t.ok(fake.stdout().trim().split('\n').length >= 20)
})
