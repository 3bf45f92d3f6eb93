import { fc } from '../support/fast-check.ts'
import t from 'tap'
import { readProviderAnswer } from '../../src/evaluator/provider-answer.ts'
import { buildProviderRequest, namesVariant } from '../../src/evaluator/provider-request.ts'
import { GPU, SCORE } from '../fakes/measurements.ts'

const CANARY = { variant: 'canary', version: '2.0+b/1' }

/** What a Prometheus that answers this is understood to say. */
function prometheus(body: unknown, status = 200) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const answer = readProviderAnswer(GPU, { status, body: text })
  return 'error' in answer ? answer.error : answer.value
}

const success = (resultType: string, result: unknown) => ({
  status: 'success',
  data: { resultType, result },
})
const series = (value: unknown) => ({ metric: { version: '2.0' }, value: [1.7e9, value] })

t.test('one series, or a scalar, is one number', (t) => {
  t.equal(prometheus(success('vector', [series('0.25')])), 0.25)
  t.equal(prometheus(success('vector', [series('-1e-3')])), -0.001)
  t.equal(prometheus(success('scalar', [1.7e9, '42'])), 42)
  t.end()
})

t.test('case 37, an empty result: no series is an error, and so are several', (t) => {
  t.equal(prometheus(success('vector', [])), 'the query found no series')
  const two = prometheus(success('vector', [series('1'), series('2')]))
  t.equal(two, 'the query found 2 series, one is needed')
  t.end()
})

t.test(
  'cases 32–36, no number: NaN, infinity, a range, text and a histogram are errors, never a verdict',
  (t) => {
    for (const text of ['NaN', '+Inf', '-Inf', 'seven'])
      t.equal(
        prometheus(success('vector', [series(text)])),
        `the query has ${text} as its result, which is no number`,
      )
    t.match(prometheus(success('matrix', [])), /a range as its result/)
    t.match(prometheus(success('string', [1, 'x'])), /text as its result/)
    t.match(prometheus(success('vector', [{ metric: {}, histogram: [1, {}] }])), /no plain number/)
    t.match(prometheus(success('scalar', [1, ''])), /no plain number/)
    t.end()
  },
)

t.test(
  'case 31, a query that Prometheus refuses: its own words, on one line, are the reason',
  (t) => {
    const error = 'invalid parameter "query": 1:4:\nparse error: unexpected <eof>\u001b[31m'
    const refused = { status: 'error', errorType: 'bad_data', error }
    t.equal(
      prometheus(refused, 400),
      'answered 400: bad_data: invalid parameter "query": 1:4: parse error: unexpected <eof> [31m',
    )
    t.equal(prometheus(refused, 200).toString().startsWith('bad_data: '), true)
    t.equal(String(prometheus({ status: 'error', error: 'x'.repeat(900) }, 422)).length, 200)
    t.end()
  },
)

t.test('a secret that is repeated in a reason is hidden, wherever the reason ends', (t) => {
  const secret = 's3cret-token'
  const reason = (error: string) => {
    const body = JSON.stringify({ status: 'error', errorType: secret, error })
    const answer = readProviderAnswer({ ...GPU, secret }, { status: 401, body })
    return 'error' in answer ? answer.error : ''
  }
  t.equal(reason(`no ${secret}!`), 'answered 401: (hidden): no (hidden)!')
  for (let length = 140; length < 200; length++)
    t.notMatch(reason(`${'x'.repeat(length)} ${secret}`), 's3', `after ${length} characters`)
  const text = JSON.stringify(success('vector', [series(`Bearer ${secret}`)]))
  const value = readProviderAnswer({ ...GPU, secret }, { status: 200, body: text })
  t.match(value, { error: 'the query has Bearer (hidden) as its result, which is no number' })
  t.end()
})

t.test(
  'an address that is repeated in a reason is hidden behind its host, and so are headers',
  (t) => {
    const asked = {
      ...GPU,
      url: 'http://prom:9090/tenant-a4f7/p?api_key=s3cr%2Ft-key&w=5',
      headers: { 'x-api-key': 'k3y' },
    }
    const reason = (error: string) => {
      const answer = readProviderAnswer(asked, { status: 500, body: JSON.stringify({ error }) })
      return 'error' in answer ? answer.error : ''
    }
    const { href } = new URL(asked.url)
    t.equal(
      reason(`no route to ${href} now`),
      'answered 500: no route to http://prom:9090(hidden) now',
    )
    t.equal(
      reason('bad api_key s3cr/t-key of tenant-a4f7'),
      'answered 500: bad api_key (hidden) of (hidden)',
    )
    t.equal(reason('bad key k3y, 5 left'), 'answered 500: bad key (hidden), 5 left')
    t.end()
  },
)

t.test('headers are sent as they are configured', (t) => {
  const { headers } = buildProviderRequest({ ...SCORE, headers: { 'x-api-key': 'k3y' } }, CANARY)
  t.match(headers, { 'x-api-key': 'k3y', authorization: 'Bearer top-secret' })
  t.end()
})

t.test('what is no answer of Prometheus is an error', (t) => {
  t.equal(prometheus('<html>', 200), 'answered with what is no JSON')
  t.equal(prometheus('<html>', 502), 'answered 502')
  t.equal(prometheus('', 302), 'answered 302')
  for (const nonsense of ['null', '7', '[]', {}, success('vector', null), success('new', 1)])
    t.equal(prometheus(nonsense), 'answered with what is no result of a query')
  t.end()
})

t.test('a JSON number at its place is one number; anything else there is an error', (t) => {
  const read = (body: string, pointer: string | null = '/a~1b/0/c~0d', status = 200) => {
    const answer = readProviderAnswer({ ...SCORE, pointer }, { status, body })
    return 'error' in answer ? answer.error : answer.value
  }
  t.equal(read('{"a/b":[{"c~d":0.5}]}'), 0.5)
  t.equal(read(' 7 ', null), 7)
  t.equal(read('{"a/b":[]}'), 'the answer has nothing at that place')
  t.equal(read('{}', '/constructor'), 'the answer has nothing at that place')
  t.equal(read('1e999', null), 'the number is too large')
  for (const [body, what] of [
    ['"0.5"', 'string'],
    ['null', 'null'],
    ['[1]', 'list'],
    ['{}', 'object'],
  ])
    t.equal(read(body!, null), `the answer has no number at that place (found: ${what})`)
  t.equal(read('{"error":"top-secret"}', null, 503), 'answered 503', 'its words may be anything')
  t.equal(read('NaN', null), 'answered with what is no JSON')
  t.end()
})

t.test('whatever is answered, it is one finite number or one short line', (t) => {
  const body = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc
      .record({
        status: fc.constantFrom('success', 'error'),
        errorType: fc.jsonValue(),
        error: fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary', maxLength: 500 })),
        data: fc.record({
          resultType: fc.constantFrom('vector', 'scalar', 'matrix', 'string', 'x'),
          result: fc.oneof(fc.jsonValue(), fc.array(fc.record({ value: fc.jsonValue() }))),
        }),
      })
      .map((answer) => JSON.stringify(answer)),
  )
  const metric = fc.constantFrom(GPU, SCORE, { ...SCORE, pointer: null })
  fc.assert(
    fc.property(metric, body, fc.integer({ min: 100, max: 599 }), (asked, text, status) => {
      const answer = readProviderAnswer(asked, { status, body: text })
      return 'error' in answer
        ? answer.error.length <= 200 && !/\p{Cc}/u.test(answer.error)
        : Number.isFinite(answer.value)
    }),
    { numRuns: 2000, seed: 7 },
  )
  t.end()
})

t.test('a query is asked for below the address, with the variant filled in and escaped', (t) => {
  const { url, headers } = buildProviderRequest(
    { ...GPU, url: 'https://h/p/?dedup=true', query: 'a{v="{{version}}",n="{{ variant }}"} + 1' },
    CANARY,
  )
  const parsed = new URL(url)
  t.equal(parsed.pathname, '/p/api/v1/query')
  t.equal(parsed.searchParams.get('dedup'), 'true')
  t.equal(parsed.searchParams.get('query'), 'a{v="2.0+b/1",n="canary"} + 1')
  t.same(headers, { accept: 'application/json', 'user-agent': 'serin' })
  t.end()
})

t.test('an address is filled in and escaped too, and the secret is a bearer token', (t) => {
  const { url, headers } = buildProviderRequest(
    { ...SCORE, url: 'http://{{variant}}.h/{{version}}' },
    CANARY,
  )
  t.equal(url, 'http://canary.h/2.0%2Bb%2F1')
  t.equal(headers['authorization'], 'Bearer top-secret')
  t.end()
})

t.test('a question names the variant in its query or its address', (t) => {
  t.equal(namesVariant(GPU), true)
  t.equal(namesVariant({ ...GPU, query: 'up' }), false)
  t.equal(namesVariant({ ...GPU, query: 'up', url: 'http://{{variant}}' }), true)
  t.equal(namesVariant(SCORE), false)
  t.end()
})
