import t from 'tap'
import type { ServiceMatch } from '../../src/domain/service.ts'
import { matchService } from '../../src/routing/match.ts'
import { buildTable } from '../../src/routing/table.ts'
import { buildService } from './build-service.ts'

type Request = { readonly method?: string; readonly host?: string; readonly path: string }

/** Matches a request against services named in a record; gives a name, `405 …` or null. */
function match(services: Record<string, Partial<ServiceMatch>>, request: Request): string | null {
  const table = buildTable(
    Object.entries(services).map(([name, options]) => buildService({ name, match: options })),
  )
  const { method = 'POST', host = 'any.example', path } = request
  const found = matchService(table, method, host, path)
  if (found.kind === 'service') return found.service.name
  return found.kind === 'method' ? `405 ${found.allow.join(',')}` : null
}

t.test('a literal path matches itself alone', (t) => {
  const services = { a: { path: '/predict' } }
  t.equal(match(services, { path: '/predict' }), 'a')
  for (const path of [
    '/predict/',
    '/predict/x',
    '/Predict',
    '/',
    '',
    '*',
    'predict',
    '//predict',
  ]) {
    t.equal(match(services, { path }), null, path)
  }
  t.end()
})

t.test('a prefix matches its slash and what is below', (t) => {
  const services = { a: { path: '/v2/models/a/*' } }
  for (const path of ['/v2/models/a/', '/v2/models/a/infer', '/v2/models/a/x/y//z']) {
    t.equal(match(services, { path }), 'a', path)
  }
  for (const path of ['/v2/models/a', '/v2/models/ab/infer', '/v2/models/', '/v2/models/b/a/']) {
    t.equal(match(services, { path }), null, path)
  }
  t.end()
})

t.test('the prefix of everything matches every path', (t) => {
  const services = { all: { path: '/*' } }
  for (const path of ['/', '/a', '/a/b']) t.equal(match(services, { path }), 'all', path)
  t.equal(match(services, { path: '*' }), null)
  t.end()
})

t.test('the path with most literal characters wins, whatever the order', (t) => {
  const services = {
    all: { path: '/*' },
    long: { path: '/a/b/*' },
    short: { path: '/a/*' },
    literal: { path: '/a/b/c' },
    slash: { path: '/a/b/' },
  }
  for (const [path, name] of [
    ['/x', 'all'],
    ['/a', 'all'],
    ['/a/', 'short'],
    ['/a/x', 'short'],
    ['/a/b', 'short'],
    ['/a/b/', 'slash'],
    ['/a/b/x', 'long'],
    ['/a/b/c', 'literal'],
    ['/a/b/c/', 'long'],
  ] as const) {
    t.equal(match(services, { path }), name, path)
    const reversed = Object.fromEntries(Object.entries(services).reverse())
    t.equal(match(reversed, { path }), name, `${path}, reversed`)
  }
  t.end()
})

t.test("the request's host comes before any host, even with a shorter path", (t) => {
  const services = {
    anywhere: { path: '/a/b' },
    here: { path: '/a/*', host: 'models.example' },
    there: { path: '/*', host: 'other.example' },
    alsoHere: { path: '/c', host: 'models.example' },
  }
  t.equal(match(services, { path: '/a/b' }), 'anywhere')
  t.equal(match(services, { path: '/a/b', host: 'models.example' }), 'here')
  t.equal(match(services, { path: '/c', host: 'models.example' }), 'alsoHere')
  t.equal(match(services, { path: '/a/b', host: 'other.example' }), 'there')
  t.equal(match(services, { path: '/c', host: '' }), null)
  t.end()
})

t.test('a host without the path falls back to any host', (t) => {
  const services = { anywhere: { path: '/a' }, here: { path: '/b', host: 'models.example' } }
  t.equal(match(services, { path: '/a', host: 'models.example' }), 'anywhere')
  t.equal(match(services, { path: '/c', host: 'models.example' }), null)
  t.end()
})

t.test('a wrong method is told which ones are right', (t) => {
  const services = {
    posts: { path: '/a', methods: ['POST', 'PUT'] },
    gets: { path: '/a', methods: ['GET', 'PUT'] },
    below: { path: '/*' },
  }
  t.equal(match(services, { path: '/a', method: 'POST' }), 'posts')
  t.equal(match(services, { path: '/a', method: 'GET' }), 'gets')
  t.equal(match(services, { path: '/a', method: 'DELETE' }), '405 POST,PUT,GET')
  t.equal(match(services, { path: '/b', method: 'DELETE' }), 'below')
  t.end()
})

t.test('of two services on one path the one that takes every method answers the rest', (t) => {
  const posts = { path: '/a', methods: ['POST'] }
  const every = { path: '/a' }
  t.equal(match({ posts, every }, { path: '/a', method: 'GET' }), 'every')
  t.equal(match({ posts, every }, { path: '/a', method: 'POST' }), 'posts')
  t.equal(match({ every, posts }, { path: '/a', method: 'POST' }), 'every')
  t.end()
})
