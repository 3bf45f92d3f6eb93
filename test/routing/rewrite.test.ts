import fc from 'fast-check'
import t from 'tap'
import { hexDigit } from '../../src/routing/hex-digit.ts'
import { hasUnsafePath, leavesPrefix, rewritePath } from '../../src/routing/rewrite.ts'

t.test('a rewritten prefix keeps the bytes behind it', (t) => {
  const from = '/v2/models/a/*'
  t.equal(rewritePath(from, '/v2/models/b/*', '/v2/models/a/infer'), '/v2/models/b/infer')
  t.equal(rewritePath(from, '/b/*', '/v2/models/a/'), '/b/')
  t.equal(rewritePath(from, '/*', '/v2/models/a/x%20y/z?q=%2F&a=/'), '/x%20y/z?q=%2F&a=/')
  t.equal(rewritePath('/*', '/b/*', '/x'), '/b/x')
  t.end()
})

t.test('a rewritten literal path keeps its query', (t) => {
  t.equal(rewritePath('/predict', '/v2/predict', '/predict'), '/v2/predict')
  t.equal(rewritePath('/predict', '/p', '/predict?x=1'), '/p?x=1')
  t.end()
})

t.test('without a path of its own a variant gets the bytes as they came', (t) => {
  t.equal(rewritePath('/a/*', null, '/a/./%2e?x'), '/a/./%2e?x')
  t.end()
})

t.test('a path that could mean another place behind is unsafe', (t) => {
  for (const path of [
    '/a/..',
    '/a/../b',
    '/..',
    '/.',
    '/./a',
    '/a/.',
    '/%2e%2e/a',
    '/a/%2E%2e',
    '/a/.%2e/b',
    '/%2e',
    '/a%2fb',
    '/a%2Fb',
    '/a%5cb',
    '/a%5Cb',
    '/a\\b',
    '/a\u0000',
    '/a%00b',
    '..',
    '/a/..?x',
    '/%2e/',
  ]) {
    t.equal(hasUnsafePath(path), true, JSON.stringify(path))
  }
  t.end()
})

t.test('a path with dots, escapes or broken escapes that lead nowhere else is safe', (t) => {
  for (const path of [
    '/',
    '',
    '/a/b',
    '/a//b',
    '/a.b',
    '/...',
    '/.../',
    '/a..',
    '/..a',
    '/.a',
    '/%2e%2ea',
    '/%2e%2e%2e',
    '/a%20b',
    '/%252e%252e/',
    '/100%',
    '/%2',
    '/%zz/',
    '/%2g',
    '/a?x=/../%2f\\',
    '/%e2%82%ac',
    '/.%2',
    '/..%',
  ]) {
    t.equal(hasUnsafePath(path), false, JSON.stringify(path))
  }
  t.end()
})

t.test('a path that stays within its prefix stays there however a server reads it', (t) => {
  const parts = fc.constantFrom('a', '..', '.', '%2e%2E', '.%2e', '...', '', 'a..', '%zz', '%61')
  const separators = fc.constantFrom('/', '/', '/', '%2f', '%5C', '\\')
  const rest = fc
    .array(fc.tuple(parts, separators), { maxLength: 6 })
    .map((all) => all.flat().join(''))
  const seen = { left: 0, stayed: 0 }
  const readings = [
    (path: string) => path,
    (path: string) => path.replaceAll(/%2f/gi, '/'),
    (path: string) => path.replaceAll(/%5c/gi, '/'),
    (path: string) => path.replaceAll(/%2f|%5c/gi, '/'),
  ].flatMap((read) => [read, (path: string) => read(path).replaceAll(/[/\\]{2,}/g, '/')])
  fc.assert(
    fc.property(rest, (path) => {
      const target = `/m/n/${path}?a=/../../..`
      const isOut = readings.some(
        (read) => !new URL(`http://h${read(target)}`).pathname.startsWith('/m/n/'),
      )
      if (isOut) t.ok(leavesPrefix('/m/n/*', target), target)
      seen[isOut ? 'left' : 'stayed']++
    }),
    { numRuns: 3000 },
  )
  t.ok(seen.left > 300 && seen.stayed > 300, JSON.stringify(seen))
  t.end()
})

t.test('a path that leads nowhere else does not leave its prefix', (t) => {
  const inside = ['', 'a', 'a/..', 'a/../b', 'a/b/../../c', './a', '...', '..a/x', 'a%2fb', '?..']
  for (const rest of inside) {
    t.equal(leavesPrefix('/m/*', `/m/${rest}`), false, rest)
  }
  t.equal(leavesPrefix('/m', '/m?x=/../..'), false, 'a literal path has nothing to leave')
  t.equal(leavesPrefix('/*', '/../x'), true)
  t.end()
})

t.test('a hexadecimal digit has a value in either case, anything else has none', (t) => {
  const digits = '0123456789abcdef'
  for (let code = 0; code < 256; code++) {
    const expected = digits.indexOf(String.fromCharCode(code).toLowerCase())
    t.equal(hexDigit(code), expected, String(code))
  }
  t.equal(hexDigit(Number.NaN), -1)
  t.end()
})
