import { Type } from '../config/type.ts'
import { MOST_MEASURED } from '../domain/measurable.ts'
import { ISO_8601, MAX_VALUES } from '../feedback/parse.ts'
import { byName, count } from './schema-value.ts'

/** What is beyond it is no measurement. */
const MEASURED = { minimum: -MOST_MEASURED, maximum: MOST_MEASURED }

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))

/**
 * One line of feedback. The label join reads lines by itself, since it takes thousands in one request;
 * a test holds it against this.
 */
export const FeedbackLineSchema = Type.Object(
  {
    service: text('Needed where two services know the request id or the key.'),
    requestId: text('The `x-request-id` of the answer.'),
    key: text('What assignment sticks to, instead of a request id.'),
    label: Type.Optional(Type.Number({ ...MEASURED, description: 'The true value.' })),
    event: text('The name of an event, instead of a label.'),
    id: text('Tells events of one name apart: the same one again is a duplicate.'),
    value: Type.Optional(Type.Number({ ...MEASURED, description: "The event's number." })),
    values: Type.Optional(
      Type.Unsafe<Record<string, number>>({
        ...byName(Type.Number(MEASURED), "The event's numbers by field."),
        maxProperties: MAX_VALUES,
      }),
    ),
    at: Type.Optional(
      Type.String({
        pattern: ISO_8601.source,
        description:
          'When the event happened, ISO 8601 with a zone. Without it: now. Of a label it is not read: what counts is that it comes within labelWindow.',
        examples: ['2027-06-30T12:00:00Z'],
      }),
    ),
  },
  {
    title: 'FeedbackLine',
    description: 'A label or an event, about one request or one key.',
    additionalProperties: false,
    allOf: [
      { oneOf: [{ required: ['requestId'] }, { required: ['key'] }] },
      {
        oneOf: [
          {
            required: ['label'],
            not: {
              anyOf: [{ required: ['id'] }, { required: ['value'] }, { required: ['values'] }],
            },
          },
          { required: ['event'], not: { required: ['label'] } },
        ],
      },
    ],
    examples: [
      { requestId: '7f9c2ba4', label: 3.5 },
      { key: 'user-42', event: 'order', id: 'o-1001', values: { amount: 19.9 } },
    ],
  },
)

/** What became of lines of feedback. */
export const FeedbackReportSchema = Type.Object(
  {
    joined: count(
      'Lines that have their request. Where that was never evidence (answered after the promotion, by an override or a rule, in the warm-up, or in the seconds after a `kill -9` in which the old lease runs out) they count for nothing.',
    ),
    unmatched: count(
      'Lines whose request or key nobody knows, or not any more. A key is known by its first request that is evidence.',
    ),
    late: count(
      'Lines that came after the window of every metric, or whose cohort is gone with a process that was killed.',
    ),
    duplicate: count(
      'Lines that were known already; a label that says otherwise than the first one is among them, and the first one stays.',
    ),
    unscored: count(
      'Labels among the joined and late ones that a metric of the service cannot score, such as a label of -1 for a log-loss.',
    ),
    rejected: Type.Array(
      Type.Object({
        line: Type.Integer({ minimum: 1, description: 'From 1.' }),
        error: Type.String(),
      }),
      { description: 'Lines that could not be used, with the reason.' },
    ),
  },
  {
    title: 'FeedbackReport',
    description: 'How many lines of feedback became what.',
    examples: [
      {
        joined: 980,
        unmatched: 12,
        late: 3,
        duplicate: 5,
        unscored: 0,
        rejected: [{ line: 7, error: 'label is not a number' }],
      },
    ],
  },
)
