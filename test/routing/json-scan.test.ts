import t from 'tap'
import { MAX_DEPTH, scanJson, type JsonScan } from '../../src/routing/json-scan.ts'

function scan(json: string | Uint8Array, ...pointers: string[]): JsonScan {
  const bytes = typeof json === 'string' ? Buffer.from(json) : json
  return scanJson(bytes, bytes.length, pointers)
}

/** The value at a pointer of a document that must be well-formed. */
function read(json: string, pointer: string): string | null {
  const { status, values } = scan(json, pointer)
  if (status !== 'found') throw new Error(`${status}: ${json}`)
  return values[0]!
}

function statusOf(json: string | Uint8Array, pointer = '/absent'): string {
  return scan(json, pointer).status
}

t.test('pointers are followed through objects and arrays', (t) => {
  const json =
    ' { "id": "a1", "parameters" : {"card_tier":"gold"}, "inputs": [ {"data":[1, 2.50,3]} ] } '
  t.equal(read(json, '/id'), 'a1')
  t.equal(read(json, '/parameters/card_tier'), 'gold')
  t.equal(read(json, '/inputs/0/data/1'), '2.50')
  t.equal(read('[[],[{"a":7}]]', '/1/0/a'), '7')
  t.end()
})

t.test('several pointers are read in one pass, in the order asked for', (t) => {
  const json = '{"b":{"y":2,"x":1},"a":"first","list":[10,20]}'
  t.strictSame(scan(json, '/a', '/b/x', '/nope', '/b/y', '/list/1', '/a'), {
    status: 'found',
    values: ['first', '1', null, '2', '20', 'first'],
  })
  t.strictSame(scan(json), { status: 'found', values: [] })
  t.end()
})

t.test('names in pointers are unescaped and compared decoded', (t) => {
  const json = JSON.stringify({ 'a/b': 1, 'm~n': 2, '~1': 3, '': 4, größe: 5, __proto__x: 6 })
  t.equal(read(json, '/a~1b'), '1')
  t.equal(read(json, '/m~0n'), '2')
  t.equal(read(json, '/~01'), '3')
  t.equal(read(json, '/'), '4')
  t.equal(read(json, '/größe'), '5')
  t.equal(read('{"\\u0061\\/\\n":1}', '/a~1\n'), '1')
  t.equal(read('{"__proto__":{"constructor":1}}', '/__proto__/constructor'), '1')
  t.end()
})

t.test('numbers and words come as they are written', (t) => {
  for (const token of [
    '0',
    '-0',
    '10',
    '1.0',
    '-12.50',
    '1e3',
    '1E+3',
    '2.5e-07',
    '123456789012345678901234567890',
    'true',
    'false',
    'null',
    'NaN',
    'Infinity',
    '-Infinity',
  ]) {
    for (const after of ['}', ' }', ',"b":1}', '\n}'])
      t.equal(read(`{"a":${token}${after}`, '/a'), token)
  }
  t.equal(read('[1,2]', '/1'), '2')
  t.end()
})

t.test('strings come decoded, as UTF-8 bytes', (t) => {
  const utf8 = (text: string) => Buffer.from(text).toString('latin1')
  for (const text of ['', 'plain', 'größe 漢字 😀', '"\\/\b\f\n\r\t', '\u0000\u001f\u007f']) {
    t.equal(read(JSON.stringify({ a: text }), '/a'), utf8(text), JSON.stringify(text))
  }
  t.equal(read('{"a":"\\u00e9\\u6F22\\ud83d\\ude00\\/"}', '/a'), utf8('é漢😀/'))
  t.end()
})

t.test('lone surrogates become U+FFFD', (t) => {
  const replacement = '\u00ef\u00bf\u00bd'
  t.equal(read('{"a":"\\ud83d"}', '/a'), replacement)
  t.equal(read('{"a":"\\ud83dx"}', '/a'), `${replacement}x`)
  t.equal(read('{"a":"\\ud83d\\n"}', '/a'), `${replacement}\n`)
  t.equal(read('{"a":"\\ud83d\\u0041"}', '/a'), `${replacement}A`)
  t.equal(read('{"a":"\\ud83d\\ue000"}', '/a'), `${replacement}\u00ee\u0080\u0080`)
  t.equal(read('{"a":"\\ude00\\ud83d"}', '/a'), replacement + replacement)
  t.end()
})

t.test('bytes that are no UTF-8 pass through a string unchanged', (t) => {
  const bytes = Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0xc3, 0x22, 0x7d])
  t.strictSame(scan(bytes, '/a'), { status: 'found', values: ['\u00ff\u00c3'] })
  t.end()
})

t.test('objects, arrays and what is not there are null', (t) => {
  const json = '{"o":{"x":1},"l":[1],"s":"text","e":{},"n":[]}'
  for (const pointer of [
    '',
    '/o',
    '/l',
    '/e',
    '/n',
    '/none',
    '/o/none',
    '/l/1',
    '/s/0',
    '/s/x',
    '/l/-',
    '/l/00',
    '/n/0',
  ]) {
    t.equal(read(json, pointer), null, pointer)
  }
  t.end()
})

t.test('of equal names the first counts', (t) => {
  t.equal(read('{"a":1,"a":2}', '/a'), '1')
  t.equal(read('{"a":{"x":1},"a":{"b":2}}', '/a/b'), null)
  t.strictSame(scan('{"a":{"b":1,"b":2,"c":3},"a":4}', '/a/b', '/a/c', '/z').values, [
    '1',
    '3',
    null,
  ])
  t.end()
})

t.test('the scan stops where all pointers are settled', (t) => {
  t.strictSame(scan('{"a":"x"', '/a'), { status: 'found', values: ['x'] })
  t.strictSame(scan('{"a":"x" garbage', '/a'), { status: 'found', values: ['x'] })
  t.strictSame(scan('{"a":{"b":1},', '/a/c'), { status: 'found', values: [null] })
  t.strictSame(scan('[1,2', '/0'), { status: 'found', values: ['1'] })
  t.end()
})

t.test('what follows the document is not looked at', (t) => {
  t.strictSame(scan('{"a":1}\u0000binary tensors', '/b'), { status: 'found', values: [null] })
  t.end()
})

t.test('bytes beyond the length are not looked at', (t) => {
  const bytes = Buffer.from('{"a":123}')
  t.strictSame(scanJson(bytes, 7, ['/a']), { status: 'incomplete', values: [null] })
  t.strictSame(scanJson(bytes, 9, ['/a']), { status: 'found', values: ['123'] })
  t.end()
})

t.test('a document that ends early is incomplete, and keeps what was read', (t) => {
  for (const json of [
    '',
    ' ',
    '{',
    '[',
    '{"',
    '{"a',
    '{"a"',
    '{"a":',
    '{"a":"',
    '{"a":"\\',
    '{"a":"\\u',
    '{"a":"\\u00e',
    '{"a":1',
    '{"a":-',
    '{"a":1.',
    '{"a":1e',
    '{"a":1e+',
    '{"a":t',
    '{"a":true',
    '{"a":Infinit',
    '{"a":-I',
    '{"a":1,',
    '[1',
    '[1,',
    '[[]',
    '[{}',
    '{"a":{}',
    '{"a":"x"',
    '{"a":0',
  ]) {
    t.equal(statusOf(json), 'incomplete', json)
  }
  t.strictSame(scan('{"a":"x","b":1', '/b', '/a'), { status: 'incomplete', values: [null, 'x'] })
  t.end()
})

t.test('what is no JSON is malformed, and what was read before is kept', (t) => {
  for (const json of [
    'x',
    '"text"',
    '12 ',
    'null',
    '}',
    '{]',
    '{1:2}',
    "{'a':1}",
    '{"a" 1}',
    '{"a":}',
    '{"a":1 "b":2}',
    '{"a":1]',
    '{"a":1,}',
    '[1,]',
    '[1 2]',
    '[1}',
    '[,1]',
    '{"a":01}',
    '{"a":-01}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":1.x}',
    '{"a":1.}',
    '{"a":1ex}',
    '{"a":1e}',
    '{"a":-}',
    '{"a":1x}',
    '{"a":truex}',
    '{"a":tru}',
    '{"a":nul]',
    '{"a":falze}',
    '{"a":Nan}',
    '{"a":-Inf}',
    '{"a":"\n"}',
    '{"a":"\\x"}',
    '{"a":"\\u00g0"}',
    '{"a":"x"y}',
    '\u00a0{}',
  ]) {
    t.equal(statusOf(json), 'malformed', json)
  }
  t.strictSame(scan('{"a":"x","b":?', '/b', '/a'), { status: 'malformed', values: [null, 'x'] })
  t.end()
})

t.test('a byte order mark is skipped', (t) => {
  t.equal(read('\ufeff {"a":1}', '/a'), '1')
  t.equal(statusOf(Buffer.from([0xef])), 'incomplete')
  t.equal(statusOf(Buffer.from([0xef, 0xbb])), 'incomplete')
  t.equal(statusOf(Buffer.from([0xef, 0xbb, 0xbe])), 'malformed')
  t.end()
})

t.test('deeper nesting than the limit is malformed', (t) => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  t.equal(statusOf(nested(MAX_DEPTH)), 'found')
  t.equal(statusOf(nested(MAX_DEPTH + 1)), 'malformed')
  t.equal(statusOf('{"a":'.repeat(100_000)), 'malformed')
  t.end()
})
