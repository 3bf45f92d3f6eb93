import t from 'tap'
import { describeValue } from '../../src/config/describe-value.ts'
import { parseFieldSource } from '../../src/config/field-source.ts'
import { isAddressRange, isLoopback, parseListen } from '../../src/config/listen.ts'
import { parseOrigin } from '../../src/config/origin.ts'
import { formatPath, formatProblem } from '../../src/config/problem.ts'

t.test('paths are written as a user would', (t) => {
  t.equal(formatPath([]), '')
  t.equal(formatPath(['services', 'a-b', 'steps', 0, 'weight']), 'services.a-b.steps[0].weight')
  t.equal(formatPath(['when', 'body:/a']), 'when["body:/a"]')
  t.equal(formatPath(['1.50']), '["1.50"]')
  t.end()
})

t.test('a problem is printed with the parts that are known', (t) => {
  const problem = { file: 'a.yaml', line: 2, column: 3, path: 'a.b', message: 'is missing' }
  t.equal(formatProblem(problem), 'a.yaml:2:3: a.b: is missing')
  t.equal(formatProblem({ ...problem, file: null }), '(configuration):2:3: a.b: is missing')
  t.equal(formatProblem({ ...problem, path: '' }), 'a.yaml:2:3: is missing')
  t.equal(formatProblem({ ...problem, line: null, column: null }), 'a.yaml: a.b: is missing')
  t.end()
})

t.test('values are described on one line, without secrets', (t) => {
  t.equal(describeValue('a\nb', ['x']), '"a\\nb"')
  t.equal(describeValue(undefined, ['x']), 'nothing')
  t.equal(describeValue(1.4, ['x'], '1.40'), '1.40')
  t.equal(describeValue('http://u:p/w@x@h/', ['x']), '"http://(hidden)@h/"')
  t.equal(describeValue('s', ['a', 'secret']), '(hidden)')
  t.equal(describeValue(5, ['a', 'token']), '(hidden)')
  t.equal(describeValue('s', ['a', 'headers', 'x-api-key']), '(hidden)')
  t.equal(describeValue('s', ['a', 'headers']), '(hidden)', 'written in the wrong place')
  t.equal(describeValue('http://h/score?api_key=s', ['a', 'url']), 'http://h/(hidden)')
  t.equal(describeValue('s', ['admin', 'tokens', 0]), '(hidden)')
  t.equal(describeValue('s', ['admin', 'tokens', 0, 'tokne']), '(hidden)')
  t.equal(describeValue('s', ['admin', 'tokens', 0, 'name']), '"s"')
  t.end()
})

t.test('a field source is read with the header in lower case', (t) => {
  t.same(parseFieldSource('header:X-User'), { from: 'header', name: 'x-user' })
  t.same(parseFieldSource('cookie:Sid'), { from: 'cookie', name: 'Sid' })
  t.same(parseFieldSource('query:a:b'), { from: 'query', name: 'a:b' })
  t.same(parseFieldSource('body:/a/~0b'), { from: 'body', pointer: '/a/~0b' })
  t.same(parseFieldSource('ip'), { from: 'ip' })
  for (const text of ['', 'ip:', 'header', 'body:', 'body:a', 'query:', 'path:x'])
    t.equal(parseFieldSource(text), null, text)
  t.end()
})

t.test('addresses are read, and told from those of other machines', (t) => {
  t.same(parseListen('0.0.0.0:80'), { host: '0.0.0.0', port: 80 })
  t.same(parseListen('[::1]:0'), { host: '::1', port: 0 })
  t.equal(parseListen('h:65536'), null)
  for (const host of [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    'localhost',
    'LOCALHOST',
    '::ffff:127.0.0.1',
    '127.1',
  ])
    t.ok(isLoopback(host), host)
  for (const host of [
    ...['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'example.org', 'localhost.example.org'],
    ...['127.0.0.1.nip.io', ''],
  ])
    t.notOk(isLoopback(host), host)
  t.ok(isAddressRange('10.0.0.0/8'))
  t.ok(isAddressRange('::1'))
  t.notOk(isAddressRange('10.0.0.0/40'))
  t.end()
})

t.test('an origin is scheme, host and port in their usual form', (t) => {
  t.equal(parseOrigin('HTTP://Example.org:80'), 'http://example.org')
  t.equal(parseOrigin('https://[::1]:8443'), 'https://[::1]:8443')
  for (const text of [
    'http://h/',
    'http://h/x',
    'http://u@h',
    'ftp://h',
    'h:80',
    'http://',
    'http://h#x',
  ])
    t.equal(parseOrigin(text), null, text)
  t.end()
})
