import { Ajv } from 'ajv'
import { fc } from '../support/fast-check.ts'
import t from 'tap'
import { FeedbackLineSchema } from '../../src/admin/schema-feedback.ts'
import { parseFeedback } from '../../src/feedback/parse.ts'

const validate = new Ajv({ strict: false }).compile(FeedbackLineSchema)

const text = fc.oneof(fc.string({ minLength: 1, maxLength: 3 }), fc.constantFrom('', 1, null, true))
const number = fc.oneof(fc.double({ noNaN: true }), fc.constantFrom('1', null, [], Infinity))
const line = fc.record(
  {
    service: text,
    requestId: text,
    key: text,
    label: number,
    event: text,
    id: text,
    value: number,
    values: fc.oneof(fc.dictionary(fc.string({ maxLength: 3 }), number, { maxKeys: 2 }), number),
    at: fc.constantFrom('2027-06-30T12:00:00Z', '2027-06-30T12:00+02:00', '2027-06-30', '', 5),
    unknown: fc.constantFrom(1),
  },
  { requiredKeys: [] },
)

function manyNumbers(many: number): object {
  return Object.fromEntries(Array.from({ length: many }, (_, index) => [`n${index}`, index]))
}

/** Mostly lines that are right, so that single mistakes are seen. */
const good = fc.tuple(
  fc.constantFrom({ requestId: 'r' }, { key: 'k' }, { key: 'k', service: 's' }),
  fc.constantFrom<object>(
    { label: 1 },
    { event: 'e' },
    { event: 'e', id: 'i', value: 2, values: { a: 1 }, at: '2027-06-30T12:00:00Z' },
    { label: 1, at: '2027-06-30T12:00:00Z' },
    { event: 'e', values: manyNumbers(64) },
    { event: 'e', values: manyNumbers(65) },
  ),
)

t.test('A line of feedback is taken exactly where its schema takes it.', async (t) => {
  let taken = 0
  const agree = (value: object) => {
    const body = JSON.stringify(value, (_key, each: unknown) => (each === Infinity ? 'ß' : each))
    const written = body.replaceAll('"ß"', '1e999')
    const [parsed] = parseFeedback(written, 'application/json')
    const isTaken = !('error' in parsed!)
    taken += isTaken ? 1 : 0
    return isTaken === validate(JSON.parse(written))
  }
  fc.assert(fc.property(line, agree), { numRuns: 3000, seed: 1 })
  fc.assert(
    fc.property(good, line, fc.boolean(), ([who, what], other, alone) =>
      agree(alone ? { ...who, ...what } : { ...who, ...what, ...other }),
    ),
    { numRuns: 3000, seed: 2 },
  )
  t.ok(taken > 1000, `${taken} were taken`)
})
