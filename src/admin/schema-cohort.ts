import { Type } from '../config/type.ts'
import { byName, count, oneOf, orNull, pair, time } from './schema-value.ts'

const numbers = (description: string) => Type.Array(Type.Number(), { description })
const units = (description: string) => pair(Type.Integer({ minimum: 0 }), description)

const TermsSchema = Type.Object(
  {
    thresholds: byName(
      Type.Object({ baselineMs: Type.Number(), harmMs: Type.Number(), proofMs: Type.Number() }),
      'Of latency, by hypothesis.',
    ),
    bets: byName(
      Type.Object({
        centre: Type.Number(),
        cap: Type.Number(),
        lift: Type.Optional(
          Type.Number({
            description:
              'Of a ratio: by how much the canary’s denominators were known to be larger; absent = 1.',
          }),
        ),
        harm: numbers('The λ of each bet.'),
        proof: numbers('The λ of each bet.'),
      }),
      'By hypothesis.',
    ),
    caps: byName(Type.Number(), 'On the absolute error, by metric.'),
    bins: Type.Optional(byName(numbers('Edges.'), 'Of drift, by hypothesis.')),
  },
  { description: 'What its bets were made with: fixed when it opened.' },
)

const TallySchema = Type.Unsafe<unknown>({
  type: 'object',
  required: ['kind'],
  additionalProperties: true,
  properties: { kind: { type: 'string', enum: ['event', 'bet', 'drift'] } },
  description: 'Sums, as they are stored: `serin backtest` reads them, and knows older forms.',
})

const CohortSchema = Type.Object(
  {
    number: count('Assignment order, over the whole attempt.'),
    rollout: Type.String(),
    step: count('Index of the step.'),
    pi: Type.Number({ description: 'Probability of the canary, in (0, 1).' }),
    epoch: count('Index of the newest start point.'),
    judged: Type.Boolean({ description: 'false in warm-up.' }),
    openedAt: time(),
    closedAt: orNull(time()),
    closedByInterval: Type.Optional(Type.Literal(true)),
    settledAt: orNull(time(), 'When its last outcome was known.'),
    shares: Type.Optional(
      oneOf(
        ['expected', 'complete', 'incomplete'],
        'Of several gateways on one store: the shares of the others are awaited, all have come, or some never did. Absent: it is of one gateway alone.',
      ),
    ),
    terms: TermsSchema,
    assigned: units('Units drawn: [baseline, canary].'),
    observed: units('Of those, the ones whose predictions are looked at.'),
    segments: Type.Optional(
      byName(
        Type.Object({ assigned: units('Units drawn.'), observed: units('Looked at.') }),
        'The same by segment.',
      ),
    ),
    tallies: byName(TallySchema, 'By hypothesis.'),
  },
  {
    title: 'Cohort',
    description: 'The requests that were assigned in one interval at one weight, as sums.',
  },
)

const AttemptSchema = Type.Object(
  {
    rollout: Type.String(),
    cohorts: count('How many are kept.'),
    from: time(),
    to: time(),
    evicted: count('How many made room for newer ones.'),
  },
  { title: 'Attempt', description: 'An attempt of which cohorts are kept.' },
)

/** A page of archived cohorts. */
export const CohortPageSchema = Type.Object(
  {
    rollout: orNull(Type.String(), 'Of which attempt the cohorts are; null = nothing is archived.'),
    plan: orNull(
      Type.Object({}),
      'What they were judged by last, as serin keeps it: for `serin backtest` alone.',
    ),
    cohorts: Type.Array(CohortSchema, { description: 'In assignment order.' }),
    next: orNull(Type.Integer(), '`after` of the next page; null = this was the last one.'),
    attempts: Type.Array(AttemptSchema, { description: 'The oldest first.' }),
  },
  { title: 'CohortPage', description: 'A page of archived cohorts.' },
)
