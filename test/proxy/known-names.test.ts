import type { LookupAddress } from 'node:dns'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { KnownNames } from '../../src/proxy/known-names.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { asFound } from '../support/names.ts'
import { parseAnswer, rawExchange } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'

/** A lookup that is under way. */
type Asked = {
  readonly name: string
  readonly answer: (...addresses: readonly string[]) => Promise<void>
  readonly fail: (code: string) => Promise<void>
}

/** Names whose resolver answers when the test does, and what they tell. */
function startNames() {
  const clock = { ms: 0, now: () => 1000 + clock.ms, monotonic: () => clock.ms }
  const asked: Asked[] = []
  const told: string[] = []
  const names = new KnownNames({
    clock,
    resolve: (name) =>
      new Promise<readonly LookupAddress[]>((resolve, reject) => {
        asked.push({
          name,
          answer: (...addresses) => settle(() => resolve(asFound(addresses))),
          fail: (code) => settle(() => reject(Object.assign(new Error(code), { code }))),
        })
      }),
    onFailing: (...what) => told.push(['failing', ...what.flat()].join(' ')),
    onFound: (...what) => told.push(['found', ...what.flat()].join(' ')),
  })
  /** What a new connection to the name is told. */
  const connectTo = (name: string) =>
    new Promise<string>((resolve) => {
      names.lookup(name, { all: true }, (error, addresses) =>
        resolve(error?.code ?? (addresses as LookupAddress[]).map((a) => a.address).join(' ')),
      )
    })
  return { clock, asked, told, names, connectTo }
}

/** Everybody has heard what `act` did. */
async function settle(act: () => void): Promise<void> {
  act()
  await new Promise((resolve) => setImmediate(resolve))
}

t.test('connections to a name that is not known wait for one lookup', async (t) => {
  const { asked, told, names, connectTo } = startNames()
  const both = [connectTo('a.test'), connectTo('a.test')]
  const refreshed = names.refresh('a.test')
  t.equal(asked.length, 1)
  t.equal(names.isDue('a.test'), false, 'it is being looked up')
  await asked[0]!.answer('10.0.0.1')
  t.same(await Promise.all(both), ['10.0.0.1', '10.0.0.1'])
  t.equal(await refreshed, null, 'what was not known has not moved')
  t.equal(await connectTo('a.test'), '10.0.0.1')
  t.equal(asked.length, 1, 'what is known is not asked for')
  t.same(told, [])
})

t.test('a name that was never found fails as its resolver does, each time anew', async (t) => {
  const { asked, told, connectTo } = startNames()
  for (const [index, code] of ['ENOTFOUND', 'EAI_AGAIN'].entries()) {
    const found = connectTo('a.test')
    await asked[index]!.fail(code)
    t.equal(await found, code)
  }
  const empty = connectTo('a.test')
  await asked[2]!.answer()
  t.equal(await empty, 'ENOTFOUND', 'no address')
  t.same(told, ['failing a.test ENOTFOUND'], 'said once')

  const found = connectTo('a.test')
  await asked[3]!.answer('10.0.0.1')
  t.equal(await found, '10.0.0.1')
  t.same(told.slice(1), ['found a.test 10.0.0.1'])
})

t.test('what is known stays in force while the resolver fails or is silent', async (t) => {
  const { clock, asked, told, names, connectTo } = startNames()
  const first = connectTo('a.test')
  await asked[0]!.answer('10.0.0.1')
  await first
  for (const code of ['ENOTFOUND', 'EAI_AGAIN']) {
    clock.ms += 30_000
    t.equal(names.isDue('a.test'), true)
    const refreshed = names.refresh('a.test')
    t.equal(await connectTo('a.test'), '10.0.0.1', 'while it is asked')
    await asked.at(-1)!.fail(code)
    t.equal(await refreshed, null)
    t.equal(names.isDue('a.test'), false)
    t.equal(await connectTo('a.test'), '10.0.0.1')
  }
  t.same(told, ['failing a.test ENOTFOUND 10.0.0.1'])

  const silent = names.refresh('a.test')
  clock.ms += 3_600_000
  names.losePatience()
  t.equal(await connectTo('a.test'), '10.0.0.1', 'after an hour')
  t.equal(asked.length, 4, 'no second lookup beside one that does not answer')
  await asked[3]!.answer('10.0.0.2')
  t.same(await silent, ['10.0.0.2'])
  t.equal(await connectTo('a.test'), '10.0.0.2')
  t.same(told.slice(1), ['found a.test 10.0.0.2'])
})

t.test('what is known of a name that cannot be looked up is told while it is so', async (t) => {
  const { clock, asked, names, connectTo } = startNames()
  t.equal(names.failing('a.test'), null)
  const lost = connectTo('a.test')
  t.equal(names.failing('a.test'), null, 'while the first lookup is under way')
  await asked[0]!.fail('ENOTFOUND')
  await lost
  const never = { name: 'a.test', since: 1000, why: 'ENOTFOUND', addresses: [] }
  t.same(names.failing('a.test'), never)
  const found = connectTo('a.test')
  await asked[1]!.answer('10.0.0.2', '10.0.0.1')
  await found
  t.equal(names.failing('a.test'), null)
  clock.ms = 60_000
  for (const [index, code] of ['ENOTFOUND', 'EAI_AGAIN'].entries()) {
    const refreshed = names.refresh('a.test')
    await asked[2 + index]!.fail(code)
    await refreshed
    const addresses = ['10.0.0.1', '10.0.0.2']
    t.same(names.failing('a.test'), { name: 'a.test', since: 61_000, why: code, addresses })
    clock.ms += 30_000
  }
})

t.test('nobody waits for a silent resolver for longer than 10 s', async (t) => {
  const { clock, asked, told, names, connectTo } = startNames()
  let heard = ''
  const found = connectTo('a.test').then((what) => (heard = what))
  clock.ms = 9_999
  await settle(() => names.losePatience())
  t.equal(heard, '')
  clock.ms = 10_000
  await settle(() => names.losePatience())
  t.equal(await found, 'EAI_AGAIN')
  names.losePatience()
  t.same(told, ['failing a.test EAI_AGAIN'])

  const next = connectTo('a.test')
  t.equal(asked.length, 1, 'it waits for the same lookup')
  await asked[0]!.answer('10.0.0.1')
  t.equal(await next, '10.0.0.1')
  t.same(told.slice(1), ['found a.test 10.0.0.1'])
})

t.test('two names are looked up at once, and the others in turn', async (t) => {
  const { asked, connectTo } = startNames()
  const all = ['a.test', 'b.test', 'c.test'].map(connectTo)
  const names = () => asked.map(({ name }) => name).join(' ')
  await settle(() => {})
  t.equal(names(), 'a.test b.test')
  await asked[1]!.fail('ENOTFOUND')
  t.equal(names(), 'a.test b.test c.test')
  await asked[2]!.answer('10.0.0.3')
  await asked[0]!.answer('10.0.0.1')
  t.same(await Promise.all(all), ['10.0.0.1', 'ENOTFOUND', '10.0.0.3'])
  const more = ['e.test', 'f.test', 'g.test'].map(connectTo)
  await settle(() => {})
  t.equal(asked.length, 5, 'places are given back')
  for (const index of [3, 4, 5]) await asked[index]!.answer('10.0.0.5')
  await Promise.all(more)
})

t.test('names that failed are looked up after the others', async (t) => {
  const { asked, connectTo } = startNames()
  const failing = ['a.test', 'b.test', 'c.test']
  const lost = failing.map(connectTo)
  for (let index = 0; index < 3; index++) {
    await settle(() => {})
    await asked[index]!.fail('EAI_AGAIN')
  }
  await Promise.all(lost)
  const all = [...failing, 'd.test'].map(connectTo)
  await settle(() => {})
  for (let index = 3; index < 7; index++) await asked[index]!.answer('10.0.0.1')
  await Promise.all(all)
  t.same(
    asked.slice(3).map(({ name }) => name),
    ['a.test', 'b.test', 'd.test', 'c.test'],
  )
})

t.test('addresses of a family take turns, and the first family stays the first', async (t) => {
  const { asked, names, connectTo } = startNames()
  const first = connectTo('a.test')
  await asked[0]!.answer('::1', '10.0.0.1', '10.0.0.2', '10.0.0.3')
  t.same(
    [await first, await connectTo('a.test'), await connectTo('a.test'), await connectTo('a.test')],
    [
      '::1 10.0.0.1 10.0.0.2 10.0.0.3',
      '::1 10.0.0.2 10.0.0.3 10.0.0.1',
      '::1 10.0.0.3 10.0.0.1 10.0.0.2',
      '::1 10.0.0.1 10.0.0.2 10.0.0.3',
    ],
  )
  const refreshed = names.refresh('a.test')
  await asked[1]!.answer('10.0.0.3', '::1', '10.0.0.2', '10.0.0.1')
  t.equal(await refreshed, null, 'another order is no move')
  const one = await new Promise((resolve) => {
    names.lookup('a.test', {}, (_error, ...found) => resolve(found))
  })
  t.same(one, ['10.0.0.2', 4], 'who wants one address gets the next')
})

t.test('a name that nobody uses is forgotten', async (t) => {
  const { asked, names, connectTo } = startNames()
  const all = [connectTo('a.test'), connectTo('b.test')]
  for (const each of [...asked]) await each.answer('10.0.0.1')
  await Promise.all(all)
  names.keep(new Set(['a.test']))
  t.equal(await connectTo('a.test'), '10.0.0.1')
  const again = connectTo('b.test')
  await asked[2]!.answer('10.0.0.2')
  t.equal(await again, '10.0.0.2')
})

t.test('a socket goes on to the next address when one refuses', async (t) => {
  const { asked, names } = startNames()
  const upstream = await startUpstream((_req, res) => res.end())
  t.teardown(upstream.close)
  const { port } = new URL(upstream.origin)
  const socket = connect({ host: 'a.test', port: Number(port), lookup: names.lookup })
  const connected = new Promise((resolve) => socket.once('connect', resolve))
  await asked[0]!.answer('::1', '127.0.0.1')
  await connected
  t.equal(socket.remoteAddress, '127.0.0.1')
  socket.destroy()
})

/** A gateway with a service at this name, and passthrough to another; each request is a new connection. */
async function startBoth(t: Test, names: KnownNames) {
  const upstream = await startUpstream((_req, res) =>
    res.writeHead(200, { connection: 'close' }).end('fine'),
  )
  const { port } = new URL(upstream.origin)
  const services = [serviceWith([variantAt('baseline', `http://model.test:${port}`)])]
  const gateway = await startGateway(services, { names, passthrough: `http://other.test:${port}` })
  t.teardown(() => Promise.all([gateway.close(), upstream.close()]))
  return async (path: string) => {
    const head = `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`
    const answer = parseAnswer(await rawExchange(gateway.port, head))
    return answer.field('x-serin-error') ?? answer.status
  }
}

t.test('requests go on to where names led while the resolver fails or is silent', async (t) => {
  const { asked, names } = startNames()
  const ask = await startBoth(t, names)
  const paths = ['/m/x', '/else'] as const
  for (const path of paths) {
    const lost = ask(path)
    while (asked.length === 0) await settle(() => {})
    await asked.shift()!.fail('ENOTFOUND')
    t.equal(await lost, 'SERIN_UPSTREAM_DNS', `${path}: nothing is known yet`)
  }
  for (const path of paths) {
    const found = ask(path)
    while (asked.length === 0) await settle(() => {})
    await asked.shift()!.answer('127.0.0.1')
    t.equal(await found, 200)
  }
  const refreshed = names.refresh('model.test')
  await settle(() => {})
  await asked.shift()!.fail('EAI_AGAIN')
  await refreshed
  void names.refresh('model.test')
  void names.refresh('other.test')
  await settle(() => {})
  t.equal(asked.length, 2, 'both lookups hang')
  for (let n = 0; n < 5; n++) for (const path of paths) t.equal(await ask(path), 200, path)
  t.equal(asked.length, 2)
})
