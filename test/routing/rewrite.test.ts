import t from 'tap'
import { hexDigit } from '../../src/routing/hex-digit.ts'
import { hasUnsafePath, rewritePath } from '../../src/routing/rewrite.ts'

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

t.test('a hexadecimal digit has a value in either case, anything else has none', (t) => {
  const digits = '0123456789abcdef'
  for (let code = 0; code < 256; code++) {
    const expected = digits.indexOf(String.fromCharCode(code).toLowerCase())
    t.equal(hexDigit(code), expected, String(code))
  }
  t.equal(hexDigit(Number.NaN), -1)
  t.end()
})
