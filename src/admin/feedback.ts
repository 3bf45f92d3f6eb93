import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { MAX_LINE_CHARS } from '../feedback/parse.ts'
import type { FeedbackContentType, FeedbackReport } from './admin-deps.ts'
import type { Operation } from './operation.ts'
import { AdminError } from './problem.ts'
import { readText } from './read-text.ts'
import { mediaType, type RouteContext } from './route-context.ts'
import { FeedbackLineSchema, FeedbackReportSchema } from './schema-feedback.ts'

const CONTENT_TYPES: readonly FeedbackContentType[] = ['application/json', 'application/x-ndjson']

const LIMIT_BYTES = 16 * 1024 * 1024

const SEND: Operation = {
  id: 'sendFeedback',
  tag: 'feedback',
  summary: 'Send labels and events',
  description:
    'One object (application/json), or one a line (application/x-ndjson, at most 10,000 lines, empty ones with them). A line has at most 65,536 characters, and the `values` of an event 64 numbers. Each line stands for itself; sending a batch again does no harm. When no line at all can be read, the answer is 400 and has the members of the report beside those of a problem.',
  scope: 'feedback',
  body: {
    schema: FeedbackLineSchema,
    contentTypes: CONTENT_TYPES,
    limitBytes: LIMIT_BYTES,
    example: { requestId: '7f9c2ba4', label: 3.5 },
    readByLines: true,
  },
  answers: { 200: { description: 'What became of the lines.', schema: FeedbackReportSchema } },
  errors: ['SERIN_STORE_FAILED'],
}

/**
 * Adds `POST /api/v1/feedback`: one object (`application/json`) or one a line (`application/x-ndjson`).
 * Answers 200 with the report when any line could be read, and 400 with the report's members when none could.
 */
export function addFeedbackRoute(app: FastifyInstance, { deps, route }: RouteContext): void {
  // A scope of its own: here bodies are handed on as text, and read line by line by the label join.
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      [...CONTENT_TYPES],
      async (_request: unknown, body: IncomingMessage) => readText(body, LIMIT_BYTES),
    )
    scope.post<{ Body: string | undefined }>('/api/v1/feedback', route(SEND), async (request) => {
      const body = request.body ?? ''
      if (body.length <= MAX_LINE_CHARS && body.trim() === '') {
        throw new AdminError('SERIN_BAD_REQUEST', 'the body is empty; send at least one object')
      }
      const contentType = mediaType(request) as FeedbackContentType
      const report = await deps.feedback(body, contentType, request.services)
      if (report.rejected.length > 0 && countRead(report) === 0) {
        const { line, error } = report.rejected[0]!
        throw new AdminError('SERIN_BAD_REQUEST', `nothing could be read; line ${line}: ${error}`, {
          more: report,
        })
      }
      return report
    })
  })
}

function countRead({ joined, unmatched, late, duplicate }: FeedbackReport): number {
  return joined + unmatched + late + duplicate
}
