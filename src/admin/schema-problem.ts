import { Type } from '../config/type.ts'
import { ERRORS, type ErrorCode } from '../domain/errors.ts'
import { oneOf } from './schema-value.ts'

/** What is wrong with a request, or with serin (RFC 9457). */
export const ProblemSchema = Type.Object(
  {
    type: Type.Literal('about:blank'),
    title: Type.String({ description: 'Of the code; always the same for it.' }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    code: oneOf(Object.keys(ERRORS) as ErrorCode[], 'Stable: clients may switch on it.'),
    detail: Type.String({ description: 'What was found, and what would be right.' }),
    instance: Type.String({ description: 'The path that was asked for, without its query.' }),
    problems: Type.Optional(
      Type.Array(Type.String(), { description: 'Every mistake of a refused configuration.' }),
    ),
  },
  {
    title: 'Problem',
    description: 'What is wrong with a request, or with serin (RFC 9457).',
    examples: [
      {
        type: 'about:blank',
        title: 'Unknown service',
        status: 404,
        code: 'SERIN_UNKNOWN_SERVICE',
        detail: 'there is no service "credit"; known: credit-risk',
        instance: '/api/v1/services/credit',
      },
    ],
  },
)
