import t from 'tap'
import { encodeCodePoint, toByteString } from '../../src/routing/byte-string.ts'
import { xxh32 } from '../../src/routing/xxh32.ts'

const PRIME32 = 2654435761

/** Length, seed, result: written by python-xxhash over the same buffer. */
const PYTHON_VECTORS = [
  [3, 0x1, 0xaffcfc20],
  [3, 0xffffffff, 0x37919432],
  [4, 0x1, 0xd23687a5],
  [4, 0xffffffff, 0xe68b32dc],
  [5, 0x1, 0x4ccf7a3f],
  [5, 0xffffffff, 0x2c19f8be],
  [8, 0x1, 0x347b431b],
  [8, 0xffffffff, 0x5e281ae4],
  [15, 0x1, 0xc5afa599],
  [15, 0xffffffff, 0x83c33fab],
  [16, 0x1, 0x075b0c92],
  [16, 0xffffffff, 0x6d7a6de2],
  [17, 0x1, 0x439e93c5],
  [17, 0xffffffff, 0x9326491c],
  [19, 0x1, 0x2580c7a8],
  [19, 0xffffffff, 0x7e7125a5],
  [20, 0x1, 0xb0339b9b],
  [20, 0xffffffff, 0xc6759773],
  [31, 0x1, 0xca989f43],
  [31, 0xffffffff, 0x67dbe47f],
  [32, 0x1, 0x77486e9b],
  [32, 0xffffffff, 0xf46f6efc],
  [33, 0x1, 0x17912cbb],
  [33, 0xffffffff, 0x5f754e67],
] as const

t.test('XXH32 gives the sanity vectors of the reference implementation', (t) => {
  // cli/xsum_sanity_check.c of github.com/Cyan4973/xxHash: its buffer, lengths, seeds and results.
  const buffer = sanityBuffer(222)
  for (const [length, seed, expected] of [
    [0, 0, 0x02cc5d05],
    [0, PRIME32, 0x36b78ae7],
    [1, 0, 0xcf65b03e],
    [1, PRIME32, 0xb4545aa4],
    [14, 0, 0x1208e7e2],
    [14, PRIME32, 0x6af1d1fe],
    [222, 0, 0x5bd11dbd],
    [222, PRIME32, 0x58803c5f],
  ] as const) {
    t.equal(xxh32(buffer.slice(0, length), seed), expected, `${length} bytes, seed ${seed}`)
  }
  t.end()
})

t.test('XXH32 agrees with python-xxhash around the limits of its words and stripes', (t) => {
  const buffer = sanityBuffer(33)
  for (const [length, seed, expected] of PYTHON_VECTORS) {
    t.equal(xxh32(buffer.slice(0, length), seed), expected, `${length} bytes, seed ${seed}`)
  }
  t.end()
})

t.test('a byte string is the UTF-8 form of a text, one byte per character', (t) => {
  for (const text of [
    '',
    'plain ASCII \u007f',
    'zoë',
    'mixed é 漢字 end',
    '😀',
    '\u0080\u07ff\u0800\uffff',
  ]) {
    t.equal(toByteString(text), Buffer.from(text, 'utf8').toString('latin1'), JSON.stringify(text))
  }
  t.end()
})

t.test('lone surrogates become U+FFFD in a byte string', (t) => {
  for (const text of ['\ud800', 'a\udc00b', '\udbff\udbff\udfff', '\udfff\ud800']) {
    t.equal(toByteString(text), Buffer.from(text, 'utf8').toString('latin1'), JSON.stringify(text))
  }
  t.equal(encodeCodePoint(0xd800), '\u00ef\u00bf\u00bd')
  t.equal(encodeCodePoint(0xdfff), '\u00ef\u00bf\u00bd')
  t.equal(encodeCodePoint(0xd7ff), '\u00ed\u009f\u00bf')
  t.equal(encodeCodePoint(0xe000), '\u00ee\u0080\u0080')
  t.end()
})

/** The reference implementation's pseudo-random test data. */
function sanityBuffer(length: number): string {
  let generator = BigInt(PRIME32)
  let bytes = ''
  while (bytes.length < length) {
    bytes += String.fromCharCode(Number(generator >> 56n))
    generator = BigInt.asUintN(64, generator * 11400714785074694797n)
  }
  return bytes
}
