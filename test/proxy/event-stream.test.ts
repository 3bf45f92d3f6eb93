import t from 'tap'
import { documentsFromEnd } from '../../src/proxy/event-stream.ts'
import { endsInError } from '../../src/proxy/observe.ts'
import { StreamTail } from '../../src/proxy/stream-tail.ts'
import { fc } from '../support/fast-check.ts'

const read = (text: string, isCut = false) => [...documentsFromEnd(Buffer.from(text), isCut)]

t.test('events are told apart as browsers do (HTML 9.2.6), the last one first', async (t) => {
  const cases: readonly (readonly [title: string, text: string, documents: readonly object[]])[] = [
    ['LF', 'data: {"a":1}\n\ndata: {"a":2}\n\n', [{ a: 2 }, { a: 1 }]],
    ['CRLF', 'data: {"a":1}\r\n\r\ndata: {"a":2}\r\n\r\n', [{ a: 2 }, { a: 1 }]],
    ['CR', 'data: {"a":1}\r\rdata: {"a":2}\r\r', [{ a: 2 }, { a: 1 }]],
    ['each its own', 'data: {"a":1}\r\n\rdata: {"a":2}\n\r\n', [{ a: 2 }, { a: 1 }]],
    ['several lines are one value', 'data: {\ndata:"a":\ndata:  1}\n\n', [{ a: 1 }]],
    ['an empty line of data', 'data: [1,\ndata\ndata: 2]\n\n', [[1, 2]]],
    [
      'other fields and comments',
      ': x\nevent: end\nid: 7\ndata: {"a":1}\nretry: 5\n\n',
      [{ a: 1 }],
    ],
    ['a name that only begins so', 'data: {"a":1}\ndatas: 1\ndata : 2\n data: 3\n\n', [{ a: 1 }]],
    ['a byte order mark', '\ufeffdata: {"a":1}\n\n', [{ a: 1 }]],
    ['a second one is data', 'data: {"a":1}\n\n\ufeffdata: {"a":2}\n\n', [{ a: 1 }]],
    ['blank lines', '\n\n\ndata: {"a":1}\n\n\n\n', [{ a: 1 }]],
    ['the last one is not over', 'data: {"a":1}\n\ndata: {"a":2}\n', [{ a: 1 }]],
    ['none is', 'data: {"a":1}\n', []],
    ['nothing', '', []],
    ['what is no object or array', 'data: [DONE]\n\ndata: 1\n\ndata: "x"\n\ndata: null\n\n', []],
    ['what is no JSON', 'data: {"a":1}\n\ndata: {"a":\n\n', [{ a: 1 }]],
    ['without data', 'event: ping\n\ndata: {"a":1}\n\nevent: ping\n\n', [{ a: 1 }]],
    ['text of any script', 'data: {"a":"Größe 模型 🙂"}\n\n', [{ a: 'Größe 模型 🙂' }]],
  ]
  for (const [title, text, documents] of cases) t.same(read(text), documents, title)
})

t.test('of a stream that is cut the event that was cut is left out', async (t) => {
  const cases: readonly (readonly [title: string, text: string, documents: readonly object[]])[] = [
    ['within a line', '"a":1}\n\ndata: {"a":2}\n\n', [{ a: 2 }]],
    ['within an event of several lines', 'data: {"a":1}\n\ndata: {"a":2}\n\n', [{ a: 2 }]],
    ['within CRLF', '\ndata: {"a":1}\r\n\r\ndata: {"a":2}\r\n\r\n', [{ a: 2 }]],
    ['within a character', '\ufffd"}\n\ndata: {"a":2}\n\n', [{ a: 2 }]],
    ['nothing else is there', 'data: {"a":1}\n', []],
    ['nothing else is whole', '1}\n\ndata: {"a":2}\n', []],
  ]
  for (const [title, text, documents] of cases) t.same(read(text, true), documents, title)
  const events = Array.from({ length: 900 }, (_, n) => `data: {"n":${n + 100}}\n\n`).join('')
  const found = read(events.slice(-1000), true)
  t.same(found[0], { n: 999 })
  t.equal(found.length, 58, 'and each that is whole')
})

t.test('a stream has failed that says so at its end, whatever comes behind it', async (t) => {
  const cases: readonly (readonly [text: string, isError: boolean])[] = [
    ['data: {"error":{"message":"CUDA out of memory"}}\n\ndata: [DONE]\n\n', true],
    ['data: {"a":1}\n\ndata: {"error":"EngineDeadError"}\n\n', true],
    ['data: {"error":{}}\n\n', true],
    ['data: {"error":{"code":500}}\n\ndata: {"usage":{}}\n\ndata: {"error":null}\n\n', true],
    ['data: {"error":{"code":500}}\n\ndata: {"error":false}\n\n', false],
    ['data: {"delta":"the \\"error\\": 1"}\n\n', false],
    ['data: {"error":null}\n\n', false],
    ['data: {"error":""}\n\n', false],
    ['data: {"error":0}\n\n', false],
    ['data: {"error":false}\n\n', false],
    ['data: [DONE]\n\n', false],
    ['', false],
  ]
  for (const [text, isError] of cases) {
    const tail = new StreamTail(1000)
    tail.add(Buffer.from(text))
    t.equal(endsInError(tail, '/error'), isError, text)
  }
})

/** The standard's own way, a character at a time from the beginning: the data of each event. */
function readForwards(text: string): readonly string[] {
  const events: string[] = []
  let data = ''
  let line = ''
  const endLine = () => {
    if (line === '') {
      if (data !== '') events.push(data.slice(0, -1))
      data = ''
    } else if (!line.startsWith(':')) {
      const [, field, value = ''] = /^([^:]*)(?:: ?([^]*))?$/.exec(line)!
      if (field === 'data') data += `${value}\n`
    }
    line = ''
  }
  const characters = Array.from(text.startsWith('\ufeff') ? text.slice(1) : text)
  for (const [n, character] of characters.entries()) {
    if (character === '\n' && characters[n - 1] === '\r') continue
    if (character === '\n' || character === '\r') endLine()
    else line += character
  }
  return events
}

function documentsOf(events: readonly string[]): readonly object[] {
  return events.flatMap((data) => {
    try {
      const document: unknown = JSON.parse(data)
      return typeof document === 'object' && document !== null ? [document] : []
    } catch {
      return []
    }
  })
}

const PART = fc.oneof(
  fc.constantFrom('\n', '\r\n', '\r', '\n\n', '\r\n\r\n', 'data: ', 'data:', 'data', ':', ' '),
  fc.constantFrom('\ufeff', 'event: x\n', '[DONE]', '{"a":', '1}', 'é', '🙂', '{', '[', ']', '1'),
  fc.integer({ min: 0, max: 99 }).map((n) => `data: {"n":${n}}\n\n`),
)
const STREAM = fc.array(PART, { maxLength: 40 }).map((parts) => parts.join(''))
const CUTS = fc.array(fc.nat(200), { maxLength: 20 })

/** The bytes in chunks that end at these places. */
function chunksOf(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const places = [...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b)]
  return [...places, bytes.length].map((end, n) => bytes.subarray(places[n - 1] ?? 0, end))
}

t.test('what is kept is the end of the stream, in whatever chunks it comes', async () => {
  fc.assert(
    fc.property(STREAM, CUTS, fc.integer({ min: 1, max: 150 }), (text, cuts, limit) => {
      const bytes = Buffer.from(text)
      const tail = new StreamTail(limit)
      for (const chunk of chunksOf(bytes, cuts)) tail.add(chunk)
      const kept = Buffer.concat(tail.chunks)
      return (
        kept.equals(bytes.subarray(-limit)) &&
        tail.bytes === kept.length &&
        tail.isCut === bytes.length > limit
      )
    }),
    { numRuns: 2000 },
  )
})

t.test(
  'any stream is read as the standard reads it, a long one too, and its end as the end of that',
  async (t) => {
    fc.assert(
      fc.property(STREAM, (text) => {
        t.same(read(text).toReversed(), documentsOf(readForwards(text)))
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(STREAM, STREAM, (start, repeated) => {
        // So long that its last events are read first.
        const text = start + repeated.repeat(Math.ceil(5000 / (repeated.length + 1)))
        t.same(read(text).toReversed(), documentsOf(readForwards(text)))
      }),
      { numRuns: 200 },
    )
    fc.assert(
      fc.property(STREAM, fc.nat(150), (text, limit) => {
        const bytes = Buffer.from(text)
        const kept = bytes.subarray(Math.max(bytes.length - limit, 0))
        const found = [...documentsFromEnd(kept, kept.length < bytes.length)].toReversed()
        const all = documentsOf(readForwards(text))
        t.same(found, all.slice(all.length - found.length))
      }),
      { numRuns: 2000 },
    )
  },
)

t.test('a tail takes no more memory however long its stream is', async (t) => {
  const tail = new StreamTail(64 * 1024)
  const chunk = Buffer.from('data: {"choices":[{"delta":{"content":"tok"}}]}\n\n')
  let most = 0
  for (let n = 0; n < 100_000; n++) {
    tail.add(chunk)
    if (n % 10_000 > 0) continue
    const held = new Set(tail.chunks.map(({ buffer }) => buffer))
    most = Math.max(
      most,
      [...held].reduce((sum, { byteLength }) => sum + byteLength, 0),
    )
  }
  t.equal(tail.bytes, 64 * 1024)
  t.ok(most <= 64 * 1024, `${most} bytes`)
})
