import { fc } from '../../support/fast-check.ts'

/** One change of a byte string. Positions are taken modulo its length, so that each fits every string. */
export type Mutation =
  | { readonly kind: 'set'; readonly at: number; readonly byte: number }
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'insert'; readonly at: number; readonly token: string }
  | { readonly kind: 'delete'; readonly at: number; readonly length: number }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number }
  | { readonly kind: 'swap lines'; readonly at: number; readonly with: number }
  | { readonly kind: 'repeat line'; readonly at: number }
  | { readonly kind: 'drop line'; readonly at: number }
  | { readonly kind: 'number'; readonly at: number; readonly value: string }
  | { readonly kind: 'cut'; readonly at: number }

/** What tells one message from the next, and what parsers disagree about. */
const TOKENS = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '\xff',
  '%00',
  '%2e%2e/',
  '\r\n\r\n',
  '0\r\n\r\n',
  ';a=b',
  ' chunked',
  '{"user":"',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'GET /m/smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
  '\r\nContent-Length: 5',
  '\r\nContent-Length: 0',
  '\r\nTransfer-Encoding: chunked',
  '\r\nTransfer-Encoding : chunked',
  '\r\nTransfer-Encoding: gzip, chunked',
  '\r\nConnection: close',
  '\r\nConnection: keep-alive, x-nonce',
  '\r\nExpect: 100-continue',
  '\r\nUpgrade: websocket\r\nConnection: Upgrade',
  '\r\n folded: line',
  '\r\nHost: b',
]

const NUMBERS = [
  '0',
  '1',
  '2',
  '5',
  '00',
  '-1',
  '+3',
  '0x5',
  '1e1',
  '999',
  '4294967296',
  '9'.repeat(20),
]

const LENGTHS = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 400 }))

const MUTATION: fc.Arbitrary<Mutation> = fc.oneof(
  record('set', {
    byte: fc.oneof(fc.integer({ max: 255, min: 0 }), fc.constantFrom(0, 10, 13, 32, 58)),
  }),
  record('flip', { bit: fc.integer({ min: 0, max: 7 }) }),
  { arbitrary: record('insert', { token: fc.constantFrom(...TOKENS) }), weight: 3 },
  record('delete', { length: LENGTHS }),
  record('repeat', { length: LENGTHS }),
  record('swap lines', { with: fc.nat() }),
  record('repeat line', {}),
  record('drop line', {}),
  { arbitrary: record('number', { value: fc.constantFrom(...NUMBERS) }), weight: 2 },
  record('cut', {}),
)

/** Up to four changes; every fifth string stays as it is. */
export const MUTATIONS: fc.Arbitrary<readonly Mutation[]> = fc.oneof(
  { arbitrary: fc.constant([]), weight: 1 },
  { arbitrary: fc.array(MUTATION, { minLength: 1, maxLength: 4, size: 'max' }), weight: 4 },
)

/** Applies changes, one after the other. */
export function mutate(bytes: Buffer, mutations: readonly Mutation[]): Buffer {
  return mutations.reduce((changed, mutation) => {
    return changed.length === 0 ? changed : change(changed, mutation)
  }, bytes)
}

function change(bytes: Buffer, mutation: Mutation): Buffer {
  const at = mutation.at % bytes.length
  switch (mutation.kind) {
    case 'set':
      return replace(bytes, at, at + 1, Buffer.from([mutation.byte]))
    case 'flip':
      return replace(bytes, at, at + 1, Buffer.from([bytes[at]! ^ (1 << mutation.bit)]))
    case 'insert':
      return replace(bytes, at, at, Buffer.from(mutation.token, 'latin1'))
    case 'delete':
      return replace(bytes, at, at + mutation.length)
    case 'repeat':
      return replace(bytes, at, at, bytes.subarray(at, at + mutation.length))
    case 'cut':
      return bytes.subarray(0, at)
    case 'number': {
      const numbers = [...bytes.toString('latin1').matchAll(/\d+/g)]
      if (numbers.length === 0) return bytes
      const { 0: digits, index } = numbers[mutation.at % numbers.length]!
      return replace(bytes, index, index + digits.length, Buffer.from(mutation.value))
    }
    case 'swap lines':
    case 'repeat line':
    case 'drop line':
      return changeLines(bytes, mutation)
  }
}

function changeLines(
  bytes: Buffer,
  mutation: Extract<Mutation, { readonly kind: `${string} line` | 'swap lines' }>,
): Buffer {
  const lines = bytes.toString('latin1').split('\r\n')
  const at = mutation.at % lines.length
  if (mutation.kind === 'drop line') lines.splice(at, 1)
  if (mutation.kind === 'repeat line') lines.splice(at, 0, lines[at]!)
  if (mutation.kind === 'swap lines') {
    const other = mutation.with % lines.length
    ;[lines[at], lines[other]] = [lines[other]!, lines[at]!]
  }
  return Buffer.from(lines.join('\r\n'), 'latin1')
}

function replace(bytes: Buffer, from: number, to: number, by: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)])
}

function record<K extends Mutation['kind'], T extends object>(
  kind: K,
  more: { readonly [P in keyof T]: fc.Arbitrary<T[P]> },
): fc.Arbitrary<Mutation> {
  return fc.record({
    kind: fc.constant(kind),
    at: fc.nat(),
    ...more,
  }) as unknown as fc.Arbitrary<Mutation>
}
