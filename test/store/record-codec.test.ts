import { deepStrictEqual } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { serialize } from 'node:v8'
import t from 'tap'
import type { EventTally } from '../../src/domain/cohort.ts'
import { decodeRecord, encodeRecord } from '../../src/store/record-codec.ts'
import { RECORD_WORDS } from '../../src/store/record-words.ts'
import { fc } from '../support/fast-check.ts'
import { sampleCohort, sampleEvidence } from './samples.ts'

t.test('plain data comes back equal to the bit', (t) => {
  const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, -0, 63, 64, 2 ** 31))
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...RECORD_WORDS, '\ud800'))
  const leaf = fc.oneof(number, text, fc.boolean(), fc.constantFrom(null, undefined))
  const floats = fc.array(number).map((numbers) => Float64Array.from(numbers))
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(leaf, floats, fc.array(tie('tree')), fc.dictionary(text, tie('tree'))),
  }))
  fc.assert(
    fc.property(tree, (value) => {
      // A dictionary of fast-check may have no prototype; what is read always has one.
      deepStrictEqual(decodeRecord(encodeRecord(value)), withPrototypes(value))
    }),
  )
  t.end()
})

t.test('keys keep their order, and none of them is a prototype', (t) => {
  const value = JSON.parse('{"b":1,"__proto__":{"x":2},"a":3}') as object
  const read = decodeRecord<object>(encodeRecord(value))
  t.strictSame(Object.keys(read), ['b', '__proto__', 'a'])
  t.equal(Object.getPrototypeOf(read), Object.prototype)
  t.equal(JSON.stringify(read), JSON.stringify(value))
  t.end()
})

t.test('a record may be larger than the room that is kept', (t) => {
  const large = {
    text: 'é'.repeat(50_000),
    ascii: 'e'.repeat(200_000),
    floats: new Float64Array(50_000),
  }
  t.strictSame(decodeRecord(encodeRecord(large)), large)
  t.strictSame(
    decodeRecord(encodeRecord(sampleCohort(1))),
    sampleCohort(1),
    'the next one is whole',
  )
  t.end()
})

t.test('records of an older version are read: those that V8 has written', (t) => {
  const evidence = sampleEvidence({ caps: { rmse: -0 } })
  t.strictSame(decodeRecord(serialize(evidence)), evidence)
  t.strictSame(decodeRecord(serialize(new Float64Array([1, NaN]))), new Float64Array([1, NaN]))
  t.end()
})

t.test('a guard that another version did not know is one tally more, or one less', (t) => {
  const tally = (events: [number, number]): EventTally => ({
    ...{ kind: 'event', trials: [19, 1], events, harmEvents: [...events], harmUnits: null },
  })
  const before = sampleCohort(1, { tallies: { errors: tally([0, 0]) } })
  const after = { ...before, tallies: { ...before.tallies, 'client-error': tally([2, 1]) } }
  t.strictSame(decodeRecord(serialize(before)), before)
  for (const cohort of [before, after]) t.strictSame(decodeRecord(encodeRecord(cohort)), cohort)
  t.end()
})

t.test('the format stays what it is: records of it are in stores', (t) => {
  const words = RECORD_WORDS.slice(0, 75)
  const pinned = '7151b5c801b217b7da193b4d09a945bddeebf0f56d3052d90a714941f164467e'
  t.equal(sha256(words.join(' ')), pinned, 'no word is moved or taken out')
  t.equal(new Set(RECORD_WORDS).size, RECORD_WORDS.length)
  t.ok(RECORD_WORDS.length <= 128)
  const value = { pi: 0.5, n: [70, -0, 'x', 'é'], seen: new Float64Array([1]) }
  const bytes =
    '01479940000000000000e03f9d460441460000004000000000000000804a01784b01e900c44901000000000000f03f48'
  t.equal(encodeRecord(value).toString('hex'), bytes)
  t.strictSame(decodeRecord(Buffer.from(bytes, 'hex')), value)
  t.end()
})

t.test(
  'what is rare is kept as well; what is no data is refused, and the next record is whole',
  (t) => {
    const value = {
      map: new Map([['a', { n: -0 }]]),
      big: 1n,
      none: null,
      bytes: new Uint8Array([7]),
      end: 'x',
    }
    t.strictSame(decodeRecord(encodeRecord(value)), value)
    for (const none of [() => 1, Symbol('s')]) t.throws(() => encodeRecord({ kind: none }))
    t.strictSame(decodeRecord(encodeRecord([1])), [1])
    t.end()
  },
)

t.test('bytes that are not whole are an error', (t) => {
  const bytes = encodeRecord(sampleCohort(1))
  for (let length = 0; length < bytes.length; length += 1) {
    t.throws(() => decodeRecord(bytes.subarray(0, length)), `${length} of ${bytes.length} bytes`)
  }
  t.throws(() => decodeRecord(Buffer.from([1, 255])), {
    message: /no word of records has the place/,
  })
  t.throws(() => decodeRecord(Buffer.from([1, 100])), {
    message: /no value in a record begins with 100/,
  })
  t.end()
})

function withPrototypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withPrototypes)
  if (typeof value !== 'object' || value === null || value instanceof Float64Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withPrototypes(each)]))
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
