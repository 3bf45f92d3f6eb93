import t from 'tap'
import { describeChanges } from '../../src/config/describe-changes.ts'
import { REDIS_FORM } from '../../src/config/parse-store.ts'
import { redactConfig } from '../../src/config/redact.ts'
import { configOf, file, problemsOf, warningsOf } from './problems-of.ts'

const storeOf = (store: string) => configOf(file({ top: `store: "${store}"` })).store

const PLAIN = {
  engine: 'redis',
  tls: false,
  servers: [{ host: 'redis', port: 6379 }],
  sentinel: null,
  db: 0,
  username: null,
  password: null,
  prefix: 'serin',
  ca: null,
}

t.test('an address in Redis is read to its last part', (t) => {
  t.strictSame(storeOf('redis://redis'), PLAIN)
  t.strictSame(storeOf('redis://redis:6380/3?prefix=team-a'), {
    ...PLAIN,
    servers: [{ host: 'redis', port: 6380 }],
    db: 3,
    prefix: 'team-a',
  })
  t.strictSame(storeOf('rediss://serin:p%40ss@[::1]:6379/0?ca=redis-ca.crt'), {
    ...PLAIN,
    tls: true,
    servers: [{ host: '::1', port: 6379 }],
    username: 'serin',
    password: 'p@ss',
    ca: '/etc/serin/redis-ca.crt',
  })
  t.strictSame(storeOf('redis://:a/b@c?d:e@s1,s2:26380/1?sentinel=main'), {
    ...PLAIN,
    servers: [
      { host: 's1', port: 26_379 },
      { host: 's2', port: 26_380 },
    ],
    sentinel: 'main',
    db: 1,
    password: 'a/b@c?d:e',
  })
  t.end()
})

t.test('an address that means nothing is refused with the reason, never with the password', (t) => {
  const cases: readonly (readonly [store: string, why: string])[] = [
    ['redis://:hidden-value@/0', `allowed is ${REDIS_FORM}`],
    ['redis://h?prefix=a&db=2', 'option "db" is none of prefix, sentinel, ca'],
    ['redis://h:99999', 'a server is HOST or HOST:PORT, ports up to 65535'],
    ['redis://h:0', 'a server is HOST or HOST:PORT, ports up to 65535'],
    ['redis://a,,b?sentinel=m', 'a server is HOST or HOST:PORT, ports up to 65535'],
    [
      'redis://a,b/0',
      'several servers are sentinels: name the master that they watch, ?sentinel=MASTER',
    ],
    ['redis://h/main', 'the database is a number, as in redis://HOST:PORT/0'],
    [
      'redis://h?prefix=a{b}',
      'the prefix is at most 64 letters, digits, dots, dashes and underscores',
    ],
    ['redis://hidden-value@h', 'before the @ stands USER:PASSWORD, or :PASSWORD alone'],
    ['redis://:hidden-value%@h', 'in a user or password a % is written %25'],
    ['redis://h?ca=x', 'ca is for rediss:// (TLS) alone'],
  ]
  for (const [store, why] of cases) {
    const [problem, ...more] = problemsOf(file({ top: `store: "${store}"` }))
    t.ok(problem?.endsWith(`: ${why}`), `${store}: ${problem}`)
    t.notMatch(problem, /hidden-value/)
    t.same(more, [])
  }
  t.end()
})

t.test('a password of the store is in no answer, no message and no hash', (t) => {
  const at = (password: string, host: string) =>
    configOf(file({ top: `store: redis://serin:${password}@${host}/0` }))
  const config = at('hidden-value', 'h')
  t.notMatch(JSON.stringify(redactConfig(config)), /hidden-value/)
  t.match(redactConfig(config).store, { username: 'serin', password: '(hidden)' })
  t.match(config.store, { password: 'hidden-value' }, 'the original is as it was')
  t.same(redactConfig(configOf(file({ top: 'store: redis://h' }))).store, {
    ...PLAIN,
    servers: [{ host: 'h', port: 6379 }],
  })
  const told = describeChanges(config, at('hidden-value', 'other'))
  t.match(told[0], 'store: "redis://(hidden)@h/0" → "redis://(hidden)@other/0"')
  t.not(at('hidden-other', 'h').hash, config.hash)
  t.end()
})

t.test('a Redis that others may reach has a password of its own, and TLS', (t) => {
  const at = (store: string) => file({ top: `store: ${store}` })
  const said = (store: string) => warningsOf(at(store)).map((text) => text.split('store: ')[1])
  const open =
    'has no password, and is not on loopback: whoever reaches that Redis decides what gets traffic'
  const clear =
    'is not on loopback, and without TLS (rediss://) password and data travel in the clear: let only the gateways reach that Redis'
  t.same(said('redis://127.0.0.1'), [])
  t.same(said('"redis://[::1]:6380,localhost/0?sentinel=m"'), [])
  t.same(said('redis://redis'), [open, clear])
  t.same(said('redis://:secret@redis'), [clear])
  t.same(said('rediss://redis'), [open])
  t.same(said('redis://127.0.0.1,redis/0?sentinel=m'), [open, clear])
  t.same(said('rediss://:secret@redis'), [])
  t.match(problemsOf(at('redis://:replace-me-redis@127.0.0.1')), [
    /store: has the password \(hidden\), the placeholder of an example, which everybody knows/,
  ])
  t.end()
})
