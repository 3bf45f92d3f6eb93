import type { Static } from 'typebox'
import { DEFAULTS } from './defaults.ts'
import {
  FIELD_PATTERN,
  FIELD_TITLE,
  bodySource,
  fieldSource,
  headerName,
  headerSource,
} from './schema-place.ts'
import {
  amount,
  headerSecret,
  map,
  namedMap,
  note,
  oneOf,
  positiveShare,
  size,
  weight,
} from './schema-value.ts'
import { Type } from './type.ts'

const ATTEMPT = 'live (starts a new attempt of the rollout)'

const RangeSchema = map(
  {
    gte: Type.Optional(Type.Number(note('At least.', 'live'))),
    gt: Type.Optional(Type.Number(note('Above.', 'live'))),
    lt: Type.Optional(Type.Number(note('Below.', 'live'))),
    lte: Type.Optional(Type.Number(note('At most.', 'live'))),
    prefix: Type.Optional(
      Type.String({ minLength: 1, ...note('What the text starts with.', 'live') }),
    ),
  },
  { minProperties: 1 },
)

/** A condition as the file writes it: a list of values, a range or a prefix. */
export type RawCondition = readonly (string | number | boolean)[] | Static<typeof RangeSchema>

const ConditionSchema = Type.Unsafe<RawCondition>({
  title: 'a list of values, a range { gte, gt, lt, lte } or { prefix }',
  anyOf: [
    {
      type: 'array',
      minItems: 1,
      items: { type: ['string', 'number', 'boolean'], title: 'text, a number, true or false' },
    },
    RangeSchema,
  ],
})

const WhenSchema = Type.Unsafe<Record<string, RawCondition>>({
  title: 'a map of conditions by field',
  type: 'object',
  minProperties: 1,
  additionalProperties: ConditionSchema,
  propertyNames: { type: 'string', pattern: FIELD_PATTERN, title: FIELD_TITLE },
  ...note('Conditions by field; all of them must hold.', 'live'),
})

const RuleSchema = map(
  {
    when: WhenSchema,
    variant: Type.Optional(Type.String(note('The variant that answers.', 'live'))),
    weights: Type.Optional(
      namedMap(
        weight(note('Share of the requests that this rule matches.', 'live')),
        note('A coin of its own; the baseline has the rest.', 'live'),
      ),
    ),
  },
  {
    title: 'a map with `when` and exactly one of `variant` and `weights`',
    oneOf: [{ required: ['variant'] }, { required: ['weights'] }],
  },
)

/** `services.*.split`: how the requests of a service are shared out. */
export const SplitSchema = map(
  {
    key: Type.Optional(
      fieldSource(
        note(
          'What assignment sticks to: header:N, cookie:N, query:N, body:/json/pointer or ip. Without it: a fresh draw per request.',
          ATTEMPT,
        ),
      ),
    ),
    coin: Type.Optional(
      oneOf(
        note(
          'What decides where a key goes: its hash, or its own value, a number from 0 to 1 that must be uniformly random.',
          ATTEMPT,
          DEFAULTS.coin,
        ),
        ['hash', 'value'],
      ),
    ),
    rules: Type.Optional(
      Type.Array(
        RuleSchema,
        note(
          'Key-based split: the first rule that matches decides; such requests are not evidence.',
          'live',
        ),
      ),
    ),
    weights: Type.Optional(
      namedMap(
        weight(note('Share of the randomised requests.', 'live')),
        note('A fixed split; the baseline has the rest. Not together with rollout.', 'live'),
      ),
    ),
    override: Type.Optional(
      map(
        {
          header: headerName(note('Header in which a tester names the variant.', 'live')),
          secret: headerSecret(note('What x-serin-secret must say.', 'live'), 16),
        },
        note('Lets testers choose the variant; such requests are not evidence.', 'live'),
      ),
    ),
  },
  note('How requests are shared out.', 'live'),
)

/** `services.*.mirror`: standing shadows. */
export const MirrorSchema = Type.Array(
  map({
    to: Type.String(note('The variant that gets copies; not the baseline.', 'live')),
    share: Type.Optional(
      positiveShare(note('Share of the requests that are copied.', 'live', DEFAULTS.mirror.share)),
    ),
    maxBody: Type.Optional(
      size(note('Requests with a larger body are not copied.', 'live', DEFAULTS.mirror.maxBody)),
    ),
    tolerance: Type.Optional(
      amount(
        note(
          'Predictions agree when they differ by at most this fraction of the larger one; 0 = they are equal.',
          'live',
          DEFAULTS.mirror.tolerance,
        ),
      ),
    ),
  }),
  note('Copies of requests, whose answers nobody waits for. Needs idempotent: true.', 'live'),
)

const SegmentSchema = map(
  {
    from: fieldSource(note('Field of the request that names the segment.', ATTEMPT)),
    values: Type.Array(
      Type.String({ minLength: 1 }),
      note('The segments; all others count as `other`.', ATTEMPT),
    ),
  },
  note('Splits metrics with `segments: true` by a field of the request.', ATTEMPT),
)

/** `services.*.observe`: what is read from requests and answers. */
export const ObserveSchema = map(
  {
    requestId: Type.Optional(
      headerSource(
        note(
          'Header with the request id; generated when absent, always echoed.',
          'live',
          DEFAULTS.requestId,
        ),
      ),
    ),
    prediction: Type.Optional(
      bodySource(
        note(
          'Where the predicted number stands in a JSON answer; of a stream in its last event that has it.',
          'live',
        ),
      ),
    ),
    sample: Type.Optional(
      positiveShare(
        note('Share of the requests whose predictions are read.', 'live', DEFAULTS.observeSample),
      ),
    ),
    segment: Type.Optional(SegmentSchema),
  },
  note('What is read from requests and answers, after the answer has left.', 'live'),
)

/** The split of a service as the file writes it. */
export type RawSplit = Static<typeof SplitSchema>
/** Segments as the file writes them. */
export type RawSegment = Static<typeof SegmentSchema>
/** A rule as the file writes it. */
export type RawRule = Static<typeof RuleSchema>
/** A mirror as the file writes it. */
export type RawMirror = Static<typeof MirrorSchema>[number]
