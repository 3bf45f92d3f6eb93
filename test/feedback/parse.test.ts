import { fc } from '../support/fast-check.ts'
import t from 'tap'
import { findJsonError } from '../../src/feedback/json-error.ts'
import {
  MAX_FEEDBACK_LINES,
  MAX_LINE_CHARS,
  MAX_VALUES,
  parseFeedback,
} from '../../src/feedback/parse.ts'

const NDJSON = 'application/x-ndjson'

t.test('one object is read as JSON, over several lines if need be', (t) => {
  const body = '\uFEFF{\n "service": "credit",\n "requestId": "r-1",\n "label": -0.5\n}\n'
  t.strictSame(
    [...parseFeedback(body, 'application/json')],
    [
      {
        line: 1,
        chars: body.length - 1,
        ...{ service: 'credit', requestId: 'r-1', key: null, label: -0.5 },
      },
    ],
  )
  t.end()
})

t.test('lines are read one by one, empty ones are skipped and still numbered', (t) => {
  const body =
    '{"requestId":"a","label":1}\r\n\n  \n{"requestId":"b","label":2e3,"at":"2027-06-30T12:00:00.5Z"}'
  const lines = parseFeedback(body, NDJSON)
  const expected = [
    { line: 1, chars: 28, service: null, requestId: 'a', key: null, label: 1 },
    { line: 4, chars: 59, service: null, requestId: 'b', key: null, label: 2000 },
  ]
  t.strictSame([...lines], expected)
  t.strictSame([...lines], expected, 'they can be taken again')
  t.strictSame([...parseFeedback('', NDJSON)], [])
  t.strictSame([...parseFeedback('\n', NDJSON)], [])
  t.end()
})

t.test('a line that cannot be used says why, and the others are read all the same', (t) => {
  const body = ['{"requestId":"a","label":1}', 'nonsense', '{"requestId":"b","label":2}'].join('\n')
  t.strictSame(
    [...parseFeedback(body, NDJSON)],
    [
      { line: 1, chars: 27, service: null, requestId: 'a', key: null, label: 1 },
      { line: 2, chars: 8, error: 'not JSON: unexpected "n" at character 1' },
      { line: 3, chars: 27, service: null, requestId: 'b', key: null, label: 2 },
    ],
  )
  t.end()
})

t.test('events are read with what they bring, by request id or key', (t) => {
  const body = [
    '{"key":"ü","event":"purchase","id":"o-1","value":-2,"values":{"amount":9.5},"at":"2027-06-30T12:00:00.5Z"}',
    '{"service":"s","requestId":"r","event":"visit"}',
  ].join('\n')
  const none = { service: null, requestId: null, key: null, id: null, value: null, values: null }
  t.strictSame(
    [...parseFeedback(body, NDJSON)].map((line) => ({ ...none, ...line })),
    [
      {
        ...none,
        ...{ line: 1, chars: 106 },
        key: 'ü',
        event: 'purchase',
        id: 'o-1',
        value: -2,
        values: { amount: 9.5 },
        at: Date.UTC(2027, 5, 30, 12, 0, 0, 500),
      },
      { ...none, line: 2, chars: 47, service: 's', requestId: 'r', event: 'visit', at: null },
    ],
  )
  t.end()
})

const ERRORS: readonly (readonly [body: string, error: string | RegExp])[] = [
  ['', 'not JSON: it ends too early, after character 0'],
  ['{"requestId":"a","label":}', 'not JSON: unexpected "}" at character 26'],
  ['{"requestId":"a"', 'not JSON: it ends too early, after character 16'],
  [
    '[{"requestId":"a","label":1}]',
    /^expected an object, found an array \(send one object per line/,
  ],
  ['null', 'expected an object, found null'],
  ['17', 'expected an object, found a number'],
  ['"x"', 'expected an object, found a string'],
  ['{}', 'requestId or key is missing'],
  ['{"label":1}', 'requestId or key is missing'],
  ['{"requestId":7,"label":1}', 'requestId is not a string'],
  ['{"requestId":"","label":1}', 'requestId is empty'],
  ['{"requestId":"a","service":null,"label":1}', 'service is not a string'],
  ['{"requestId":"a","service":"","label":1}', 'service is empty'],
  ['{"requestId":"a"}', 'label or event is missing'],
  ['{"requestId":"a","key":"k","label":1}', 'found both requestId and key: name one of them'],
  ['{"key":"k","label":1,"event":"e"}', 'found both label and event: send a line for each'],
  ['{"requestId":"a","label":"1"}', 'label is not a number'],
  ['{"requestId":"a","label":null}', 'label is not a number'],
  ['{"requestId":"a","label":true}', 'label is not a number'],
  ['{"requestId":"a","label":1e999}', 'label is not a number from -1e50 to 1e50'],
  ['{"requestId":"a","label":-2e50}', 'label is not a number from -1e50 to 1e50'],
  ['{"requestId":"a","label":1,"at":12}', 'at is not a time as in 2027-06-30T12:00:00Z'],
  ['{"requestId":"a","label":1,"at":"2027-13-30T12:00:00Z"}', /^at is not a time/],
  ['{"requestId":"a","label":1,"at":"2027-02-29T12:00:00Z"}', /^at is not a time/],
  ['{"requestId":"a","label":1,"at":"June 2027"}', /^at is not a time/],
  ['{"requestId":"a","lable":1}', 'unknown field "lable" (did you mean label?)'],
  ['{"RequestID":"a","label":1}', 'unknown field "RequestID" (did you mean requestId?)'],
  [
    '{"requestId":"a","label":1,"weight":2}',
    /^unknown field "weight" \(known: service, requestId, /,
  ],
  ['{"requestId":"a","label":1,"__proto__":2}', /^unknown field "__proto__"/],
  [`{"${'x'.repeat(60_000)}":1}`, /^unknown field "x{40}…" \(known/],
  ['{"requestId":"a","label":1,"id":"e-1"}', 'id belongs to an event, found a label'],
  ['{"requestId":"a","label":1,"values":{}}', 'values belongs to an event, found a label'],
  ['{"requestId":"a","value":1}', 'label or event is missing'],
  ['{"key":"","event":"e"}', 'key is empty'],
  ['{"key":"k","event":""}', 'event is empty'],
  ['{"key":"k","event":"e","id":""}', 'id is empty'],
  ['{"key":"k","event":"e","id":7}', 'id is not a string'],
  ['{"key":"k","event":"e","at":""}', /^at is not a time/],
  ['{"key":"k","event":"e","value":-1e999}', 'value is not a number from -1e50 to 1e50'],
  ['{"key":"k","event":"e","values":{"a":1e999}}', 'values is not a number from -1e50 to 1e50'],
  ['{"requestId":"a","key":1}', 'key is not a string'],
  ['{"requestId":"a","event":{}}', 'event is not a string'],
  ['{"requestId":"a","value":"1"}', 'value is not a number'],
  ['{"requestId":"a","values":[1]}', 'values is not an object of numbers'],
  ['{"requestId":"a","values":{"amount":"1"}}', 'values is not an object of numbers'],
]

t.test('everything that can be wrong with a line has its reason', (t) => {
  for (const [body, error] of ERRORS) {
    const lines = [...parseFeedback(body, 'application/json')]
    t.match(lines, [{ line: 1, error }], body.slice(0, 60))
    t.notOk('label' in lines[0]!)
  }
  t.end()
})

t.test('a request with too many lines is refused before any is read', (t) => {
  const body = '{"requestId":"a","label":1}\n\n'.repeat(MAX_FEEDBACK_LINES / 2)
  t.equal([...parseFeedback(body, NDJSON)].length, MAX_FEEDBACK_LINES / 2)
  for (const more of ['{}', '\n', '\n'.repeat(16 * 1024 * 1024)]) {
    t.throws(() => parseFeedback(`${body}${more}`, NDJSON), {
      code: 'SERIN_BODY_TOO_LARGE',
      statusCode: 413,
      message: 'more than 10000 lines of feedback in one request, empty ones with them',
    })
  }
  t.end()
})

t.test('a line is only so long, and an event has only so many numbers', (t) => {
  const pad = (length: number) => `{"requestId":"${'a'.repeat(length - 26)}","label":1}`
  const tooLong = pad(MAX_LINE_CHARS + 1)
  const lines = [pad(MAX_LINE_CHARS), tooLong, ' '.repeat(MAX_LINE_CHARS + 1), pad(40)]
  const error = 'longer than 65536 characters: a line is one label or one event'
  const read = parseFeedback(lines.join('\n'), NDJSON)
  t.match([...read], [{ label: 1 }, { line: 2, error }, { line: 3, error }, { label: 1 }])
  t.equal(read.size, 4)
  t.match([...parseFeedback(tooLong, 'application/json')], [{ error }])
  const withNumbers = (numbers: number) => {
    const values = Object.fromEntries(Array.from({ length: numbers }, (_, i) => [`n${i}`, i]))
    return JSON.stringify({ key: 'k', event: 'e', values })
  }
  t.match(
    [...parseFeedback(`${withNumbers(MAX_VALUES)}\n${withNumbers(MAX_VALUES + 1)}`, NDJSON)],
    [{ event: 'e' }, { error: 'values has 65 numbers; at most 64 are taken' }],
  )
  t.end()
})

t.test('the place of a mistake is looked for at the beginning of a line alone', (t) => {
  const errorOf = (text: string) => [...parseFeedback(text, 'application/json')][0]
  const later = 'not JSON: the mistake is somewhere after character 4096'
  t.match(errorOf('['.repeat(60_000)), { error: later })
  // What begins as the 4096th character: a word that the end of the part cuts in two is no mistake.
  for (const [text, error] of [
    ['x', 'not JSON: unexpected "x" at character 4096'],
    ['fals', 'not JSON: unexpected "f" at character 4096'],
    ['"\\u00e', 'not JSON: unexpected "\\\\" at character 4097'],
    [' x,1,2,3', later],
    ['false,x', later],
    ['-1.5e+9,x', later],
    ['"\\u00e4",x', later],
  ] as const) {
    t.match(errorOf(`[${' '.repeat(4094)}${text}`), { error }, text)
  }
  t.end()
})

t.test('the place of a mistake in JSON is the first character that cannot stand there', (t) => {
  const places: readonly (readonly [text: string, at: number])[] = [
    ['{"a" 1}', 5],
    ['{"a":1,}', 7],
    ['{,}', 1],
    ['{1:2}', 1],
    ['[1,]', 3],
    ['[1 2]', 3],
    ['[1}', 2],
    ['{"a":1]', 6],
    ['1 2', 2],
    ['}', 0],
    ['tru', 0],
    ['-', 0],
    ['01', 1],
    ['1.', 1],
    ['{"a":"b\nc"}', 7],
    ['"a\\x"', 2],
    ['"a\\u12g4"', 2],
    ['"abc', 4],
    ['[[], {}, {"a":[]}', 17],
    [' \t\n', 3],
  ]
  for (const [text, at] of places) {
    t.throws(() => JSON.parse(text), text)
    t.equal(findJsonError(text), at, text)
  }
  t.equal(findJsonError('['.repeat(1_000_000)), 1_000_000, 'depth costs no stack')
  t.end()
})

t.test(
  'any JSON that is cut off ends too early, and any that is extended goes wrong there',
  (t) => {
    fc.assert(
      fc.property(fc.object(), fc.nat(), (value, cut) => {
        const text = JSON.stringify(value)
        const start = text.slice(0, cut % text.length)
        // Within a number, a literal or an escape the place is the beginning of that.
        const cutAt = findJsonError(start)
        if (cutAt !== start.length) t.match(start.slice(cutAt), /^[-tfn\\]|^[.eE]/)
        t.equal(findJsonError(`${text}x`), text.length)
      }),
      { numRuns: 200 },
    )
    t.end()
  },
)

t.test('how many lines there are is known before they are read', (t) => {
  const line = '{"requestId":"r-1","label":1}'
  const size = (body: string) => parseFeedback(body, 'application/x-ndjson').size
  t.same([size(''), size(line), size(`${line}\n\nno line\n`)], [0, 1, 2])
  t.equal(parseFeedback(line, 'application/json').size, 1)
  t.end()
})
