import { createServer } from 'node:http'
import { Server as TcpServer } from 'node:net'
import t, { type Test } from 'tap'
import { Connections } from '../../src/proxy/connections.ts'
import { KnownNames } from '../../src/proxy/known-names.ts'
import { createNameWatch } from '../../src/proxy/name-watch.ts'
import { asFound, connectionsBy } from '../support/names.ts'
import { refusedOrigin } from '../support/fake-upstream.ts'
import { RawConnection, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'

/** A watch whose time and resolver are the test's. */
function startWatch(
  t: Test,
  connections: () => Iterable<Connections>,
  answers: Readonly<Record<string, () => Promise<readonly string[]> | readonly string[]>>,
  others: readonly string[] = [],
) {
  let now = 0
  let run = async () => {}
  let isStopped = false
  const asked: string[] = []
  const changes: string[] = []
  const names = new KnownNames({
    clock: { now: () => 0, monotonic: () => now },
    resolve: async (name) => {
      asked.push(`${name} at ${now / 1_000}`)
      return asFound(await answers[name]!())
    },
    onFailing: () => {},
    onFound: () => {},
  })
  const watch = createNameWatch({
    names,
    connections,
    others,
    every: (ms, each) => {
      t.equal(ms, 1_000)
      run = each
      return () => (isStopped = true)
    },
    onChange: (name, addresses) => changes.push(`${name}: ${addresses.join(' ')}`),
  })
  return {
    asked,
    changes,
    names,
    /** The timer runs at this time. */
    tickAt: (seconds: number) => {
      now = seconds * 1_000
      return run()
    },
    close: () => {
      watch.close()
      return isStopped
    },
  }
}

/** Connections that are never made; tells how often they were renewed. */
function connectionsTo(t: Test, ...origins: readonly string[]): readonly Connections[] {
  const all = origins.map((origin) => {
    const way = { origin, connectMs: 1_000, keepAliveMs: null, tls: {} }
    return connectionsBy(way, (error) => t.fail(String(error)))
  })
  t.teardown(() => Promise.all(all.map((each) => each.destroy())))
  return all
}

t.test('a name is looked up at once and then every 30 s, an address never', async (t) => {
  let origins = ['http://a.test:1', 'https://a.test:2', 'http://10.0.0.1', 'http://[::1]:80']
  const all = connectionsTo(t, ...origins, 'http://b.test')
  const watch = startWatch(t, () => all.filter(({ way }) => origins.includes(way.origin)), {
    'a.test': () => ['10.0.0.1'],
    'b.test': () => ['10.0.0.2'],
  })
  for (let second = 1; second <= 70; second++) {
    if (second === 40) origins = [...origins, 'http://b.test']
    await watch.tickAt(second)
  }
  t.same(watch.asked, [
    'a.test at 1',
    'a.test at 31',
    'b.test at 40',
    'a.test at 61',
    'b.test at 70',
  ])
  origins = []
  await watch.tickAt(200)
  origins = ['http://b.test']
  await watch.tickAt(201)
  t.equal(watch.asked.at(-1), 'b.test at 201', 'one that comes back is new')
  t.same(watch.changes, [])
  t.equal(watch.close(), true)
})

t.test(
  'connections are renewed when the set of addresses has changed, and only then',
  async (t) => {
    const all = connectionsTo(t, 'http://a.test:1', 'http://a.test:2', 'http://b.test')
    let a: () => Promise<readonly string[]> | readonly string[] = () => []
    const watch = startWatch(t, () => all, { 'a.test': () => a(), 'b.test': () => ['::1'] })
    const rounds: readonly (readonly [string, typeof a, boolean])[] = [
      ['cannot be found', () => Promise.reject(new Error('ENOTFOUND')), false],
      ['is found', () => ['10.0.0.1', '10.0.0.2'], false],
      ['comes in another order', () => ['10.0.0.2', '10.0.0.1', '10.0.0.2'], false],
      ['fails', () => Promise.reject(new Error('EAI_AGAIN')), false],
      ['is empty', () => [], false],
      ['is what it was', () => ['10.0.0.1', '10.0.0.2'], false],
      ['has lost one', () => ['10.0.0.2'], true],
      ['stays', () => ['10.0.0.2'], false],
      ['has gained one', () => ['fd00::1', '10.0.0.2'], true],
    ]
    for (const [index, [what, answer, isRenewed]] of rounds.entries()) {
      a = answer
      const before = all.map(({ pool }) => pool)
      await watch.tickAt(index * 30)
      const renewed = all.map(({ pool }, n) => pool !== before[n])
      t.same(renewed, [isRenewed, isRenewed, false], `a name that ${what}`)
    }
    t.same(watch.changes, ['a.test: 10.0.0.2', 'a.test: 10.0.0.2 fd00::1'])
  },
)

t.test('names are looked up one after the other, and none after the close', async (t) => {
  const all = connectionsTo(t, 'http://a.test', 'http://b.test')
  const gone = connectionsTo(t, 'http://a.test')
  let used = [...all, ...gone]
  let answer: (addresses: readonly string[]) => void = () => {}
  const slow = () => new Promise<readonly string[]>((resolve) => (answer = resolve))
  const watch = startWatch(t, () => used, { 'a.test': slow, 'b.test': () => ['10.0.0.2'] })
  const first = watch.tickAt(0)
  await watch.tickAt(45)
  t.same(watch.asked, ['a.test at 0'], 'one that hangs holds the others back')
  answer(['10.0.0.1'])
  await first
  t.same(watch.asked, ['a.test at 0', 'b.test at 45'])

  const before = [...all, ...gone].map(({ pool }) => pool)
  const second = watch.tickAt(60)
  used = [...all]
  answer(['10.0.0.9'])
  await second
  t.not(all[0]!.pool, before[0])
  t.equal(gone[0]!.pool, before[2], 'what is not in use any more is left alone')

  const third = watch.tickAt(100)
  watch.close()
  answer(['10.0.0.5'])
  await third
  t.same(watch.changes, ['a.test: 10.0.0.9'])
})

t.test('hosts that others connect to are looked up too, and not forgotten', async (t) => {
  let addresses = ['10.0.0.1']
  const answers = { 'other.test': () => addresses }
  const watch = startWatch(t, () => [], answers, ['other.test', '10.0.0.9'])
  await watch.tickAt(1)
  await watch.tickAt(2)
  addresses = ['10.0.0.2']
  await watch.tickAt(31)
  t.same(watch.asked, ['other.test at 1', 'other.test at 31'])
  t.same(watch.changes, ['other.test: 10.0.0.2'])
})

t.test('a name whose server cannot be reached is looked up again at once', async (t) => {
  const used: Connections[] = []
  let addresses: readonly string[] = []
  const watch = startWatch(t, () => used, { 'a.test': () => addresses })
  const { port } = new URL(await refusedOrigin())
  const way = { origin: `http://a.test:${port}`, connectMs: 1_000, keepAliveMs: null, tls: {} }
  const connections = new Connections(way, watch.names, (error) => t.fail(String(error)))
  t.teardown(() => connections.destroy())
  used.push(connections)
  await watch.tickAt(0)
  connections.doubt()
  await watch.tickAt(1)
  t.same(watch.asked, ['a.test at 0'], 'what is not known is looked up by who connects')

  addresses = ['127.0.0.1']
  await watch.tickAt(30)
  const answer = connections.pool.request({ path: '/', method: 'GET' })
  await t.rejects(answer, { code: 'ECONNREFUSED' })
  addresses = ['127.0.0.2']
  await watch.tickAt(31)
  await watch.tickAt(32)
  t.same(watch.asked, ['a.test at 0', 'a.test at 30', 'a.test at 31'])
  t.same(watch.changes, ['a.test: 127.0.0.2'])
})

t.test('requests follow a name that moves, and a stream ends where it began', async (t) => {
  // Two servers on one port, each at an address of its own.
  const startServer = async (name: string, host: string, port: number) => {
    let end = () => {}
    const server = createServer((req, res) => {
      if (!req.url!.endsWith('stream')) return void res.end(name)
      res.write(`${name} begins`)
      end = () => res.end(`${name} ends`)
    })
    await new Promise<void>((resolve) => server.listen(port, host, resolve))
    t.teardown(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
    return { server, end: () => end() }
  }
  const old = await startServer('old', '127.0.0.1', 0)
  const { port } = old.server.address() as { port: number }
  const origin = `http://model.test:${port}`
  let addresses = ['127.0.0.1']
  const connections = () => gateway.upstreams.connections()
  const watch = startWatch(t, connections, { 'model.test': () => addresses })
  const { names } = watch
  const gateway = await startGateway([serviceWith([variantAt('baseline', origin)])], { names })
  t.teardown(gateway.close)
  const ask = (path: string) => `GET /m/${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`

  await watch.tickAt(0)
  const stream = new RawConnection(gateway.port).send(ask('stream'))
  await stream.receive('old begins')
  t.match(await rawExchange(gateway.port, ask('x')), /old$/)
  // The old server still serves the connections that it has, as a pod that ends does.
  const closed = new Promise((resolve) => TcpServer.prototype.close.call(old.server, resolve))
  await startServer('new', '127.0.0.2', port)
  await watch.tickAt(30)
  t.match(
    await rawExchange(gateway.port, ask('x')),
    /old$/,
    'the name stands: so does the connection',
  )

  addresses = ['127.0.0.2']
  await watch.tickAt(60)
  for (let n = 0; n < 3; n++) t.match(await rawExchange(gateway.port, ask('x')), /new$/)
  t.notMatch(stream.text, 'ends')
  old.end()
  t.match(await stream.closed(), 'old ends')
  await closed
  t.same(gateway.errors, [])
})
