import { fc } from '../support/fast-check.ts'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { toByteString } from '../../src/routing/byte-string.ts'
import { scanJson } from '../../src/routing/json-scan.ts'

const SEED = 20_260_101

/** A document whose root is an object or an array, as text. */
const documentArbitrary = fc
  .tuple(
    fc.oneof(
      fc.array(jsonValue(), { maxLength: 5 }),
      fc.dictionary(text(), jsonValue(), { maxKeys: 5 }),
    ),
    fc.constantFrom('', ' ', '\t'),
  )
  .map(([value, indent]) => JSON.stringify(value, null, indent))

/** A document with some of its own pointers and some that lead nowhere. */
const askedArbitrary = documentArbitrary.chain((text) =>
  fc.record({
    text: fc.constant(text),
    pointers: fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...allPointers(JSON.parse(text))) },
        { weight: 1, arbitrary: fc.constantFrom('/none', '/0/none', '/9', '/-', '/00') },
      ),
      { minLength: 1, maxLength: 4 },
    ),
  }),
)

t.test('the scanner reads what a parsed document has at a pointer', (t) => {
  fc.assert(
    fc.property(askedArbitrary, ({ text, pointers }) => {
      const { status, values } = scan(Buffer.from(text), pointers)
      return status === 'found' && isDeepStrictEqual(values, expectedValues(text, pointers))
    }),
    { seed: SEED, numRuns: 500 },
  )
  t.end()
})

t.test('no prefix of a document gives a wrong value', (t) => {
  let complete = 0
  fc.assert(
    fc.property(askedArbitrary, ({ text, pointers }) => {
      const bytes = Buffer.from(text)
      const expected = expectedValues(text, pointers)
      for (let length = 0; length < bytes.length; length++) {
        const { status, values } = scanJson(bytes, length, pointers)
        if (status === 'found') {
          complete++
          if (!isDeepStrictEqual(values, expected)) return false
        } else {
          if (status !== 'incomplete') return false
          if (!values.every((value, index) => value === null || value === expected[index]))
            return false
        }
      }
      return true
    }),
    { seed: SEED, numRuns: 300 },
  )
  t.ok(complete > 100, `${complete} prefixes were enough`)
  t.end()
})

t.test('changed bytes never throw, and are accepted only where JSON is', (t) => {
  const refusals = { found: 0, incomplete: 0, malformed: 0 }
  fc.assert(
    fc.property(
      documentArbitrary,
      fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat({ max: 255 }), structural())), {
        minLength: 1,
        maxLength: 3,
      }),
      (text, changes) => {
        const bytes = Buffer.from(text)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        const { status } = scan(bytes, ['/a pointer that leads nowhere'])
        refusals[status]++
        // As latin1, since the scanner does not judge UTF-8 and JSON.parse allows any character in strings.
        const changed = bytes.toString('latin1')
        return status === 'found' ? hasJsonPrefix(changed) : !isJson(changed)
      },
    ),
    { seed: SEED, numRuns: 2000 },
  )
  t.ok(refusals.found > 100 && refusals.malformed > 100 && refusals.incomplete > 10)
  t.end()
})

t.test('arbitrary bytes never throw', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.string(), (bytes, pointer) => {
      const opened = Buffer.concat([Buffer.from('{'), bytes])
      return scan(bytes, [pointer]).values.length === 1 && scan(opened, ['/a']).values.length === 1
    }),
    { seed: SEED, numRuns: 1000 },
  )
  t.end()
})

function scan(bytes: Uint8Array, pointers: readonly string[]) {
  return scanJson(bytes, bytes.length, pointers)
}

function jsonValue(): fc.Arbitrary<fc.JsonValue> {
  return fc.letrec<{ value: fc.JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.oneof(text(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()),
      fc.constantFrom(true, false, null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(text(), tie('value'), { maxKeys: 4 }),
    ),
  })).value
}

/** Texts of any character, rich in those that JSON and pointers escape. */
function text(): fc.Arbitrary<string> {
  const special = fc.constantFrom('"', '\\', '\n', '\u0000', '/', '~', '0', '1', 'é', '漢', '😀')
  const any = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })
  return fc.string({ unit: fc.oneof(special, any), maxLength: 6 })
}

/** Bytes that mean something in JSON. */
function structural(): fc.Arbitrary<number> {
  return fc.constantFrom(...Buffer.from('{}[]",:\\ue-+.0 tn'))
}

/** Every pointer into a parsed document, the root's first. */
function allPointers(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return ['']
  return [
    '',
    ...Object.entries(value).flatMap(([name, child]) =>
      allPointers(child).map(
        (rest) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}${rest}`,
      ),
    ),
  ]
}

function expectedValues(text: string, pointers: readonly string[]): (string | null)[] {
  const root: unknown = JSON.parse(text)
  return pointers.map((pointer) => {
    let value = root
    for (const token of pointer.split('/').slice(1)) {
      const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null
      if (Array.isArray(value) && String(Number(name)) !== name) return null
      value = (value as Record<string, unknown>)[name]
    }
    if (typeof value === 'string') return toByteString(value)
    return typeof value === 'object' && value !== null ? null : JSON.stringify(value)
  })
}

function hasJsonPrefix(text: string): boolean {
  for (let length = text.length; length > 0; length--)
    if (isJson(text.slice(0, length))) return true
  return false
}

/** Whether a text is a JSON object or array. */
function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null
  } catch {
    return false
  }
}
