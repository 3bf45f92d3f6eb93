import { Type } from '../config/type.ts'
import { DISAGREEMENTS, MIRROR_RESULTS } from '../metrics/mirror-book.ts'
import { count, numberOrNull, oneOf, orNull, time } from './schema-value.ts'

const AnswerValueSchema = Type.Unsafe<string | number | boolean | null>({
  type: ['string', 'number', 'boolean', 'null'],
  description: 'The statuses where these differ, else the predictions; null = none was read.',
})

const PairSchema = Type.Object(
  {
    at: time(),
    requestId: Type.String(),
    answeredBy: Type.String({ description: 'The variant whose answer the client has.' }),
    result: oneOf(['agreed', 'unread', ...DISAGREEMENTS]),
    live: AnswerValueSchema,
    mirror: AnswerValueSchema,
    liveMs: Type.Number({ description: 'To the head of the answer.' }),
    mirrorMs: Type.Number({ description: 'To the head of the answer.' }),
  },
  { title: 'Pair', description: 'Two answers to one request, by their values alone.' },
)

/** What a mirror did since this process started. */
export const MirrorSchema = Type.Object(
  {
    inFlight: count('Copies under way.'),
    results: Type.Object(counts(MIRROR_RESULTS), {
      description: 'Copies that have ended, or were never sent, by what became of them.',
    }),
    lastOkAt: orNull(time(), 'When the last good answer came.'),
    p50Ms: numberOrNull('null before the first answer.'),
    p95Ms: numberOrNull(),
    p99Ms: numberOrNull(),
    pairs: count('Pairs of answers that were compared.'),
    unread: count('Pairs that could not be.'),
    disagreements: Type.Object(counts(DISAGREEMENTS)),
    liveHeadMs: numberOrNull('Mean time to the head of the answer; null before the first pair.'),
    mirrorHeadMs: numberOrNull(),
    lastDisagreed: Type.Array(PairSchema, { description: 'The oldest first.' }),
  },
  { title: 'Mirror', description: 'What a mirror did since this process started.' },
)

function counts<W extends string>(words: readonly W[]) {
  return Object.fromEntries(words.map((word) => [word, Type.Integer({ minimum: 0 })])) as Record<
    W,
    ReturnType<typeof Type.Integer>
  >
}
