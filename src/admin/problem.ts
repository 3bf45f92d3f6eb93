import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ERRORS, errorEntry, type ErrorCode } from '../domain/errors.ts'
import type { NoteRefusedAccess } from './refused-access.ts'

/** An error of the admin API: `detail` is the sentence for the caller, `more` further members of the answer. */
export class AdminError extends Error {
  readonly code: ErrorCode
  readonly more: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ErrorCode,
    detail: string,
    options: {
      readonly more?: Readonly<Record<string, unknown>>
      readonly headers?: Readonly<Record<string, string>>
    } = {},
  ) {
    super(detail)
    this.name = 'AdminError'
    this.code = code
    this.more = options.more ?? {}
    this.headers = options.headers ?? {}
  }
}

/** Answers a request with an error. */
export type SendProblem = (error: unknown, request: FastifyRequest, reply: FastifyReply) => void

/**
 * Builds what answers any error as problem details (RFC 9457). What the caller did wrong is told in full; what went
 * wrong inside is logged and told by its code alone. While the log says already that the store is away
 * (`isStoreTold`), what fails for that reason is a matter of debugging: senders of feedback try again and again. Whoever
 * is turned away for want of a token is told of to `noteRefused`.
 */
export function buildSendProblem(
  isStoreTold: () => boolean,
  noteRefused: NoteRefusedAccess,
): SendProblem {
  return (error, request, reply) => {
    const problem = toAdminError(error)
    const { status, title } = errorEntry(problem.code)
    if (status >= 500) {
      const isTold = problem.code === 'SERIN_STORE_FAILED' && isStoreTold()
      request.log[isTold ? 'debug' : 'error']({ err: error, code: problem.code }, problem.message)
    }
    if (status === 401 || status === 403) noteRefused(request, problem.code)
    void reply
      .status(status)
      .headers(problem.headers)
      .type('application/problem+json')
      .send(
        JSON.stringify({
          type: 'about:blank',
          title,
          status,
          code: problem.code,
          detail: problem.message,
          // The path alone: a query may hold what nobody should find in a log.
          instance: request.url.split('?')[0],
          ...problem.more,
        }),
      )
  }
}

function toAdminError(error: unknown): AdminError {
  if (error instanceof AdminError) return error
  const { code, statusCode, message } = error as Partial<FastifyError>
  if (code === 'SERIN_STORE_FAILED' || code === 'SERIN_BODY_TOO_LARGE') {
    return new AdminError(code, message ?? ERRORS[code].detail)
  }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new AdminError('SERIN_BODY_TOO_LARGE', 'the body is larger than this route reads')
  }
  if (statusCode === 415) {
    return new AdminError(
      'SERIN_UNSUPPORTED_MEDIA_TYPE',
      message ?? ERRORS.SERIN_UNSUPPORTED_MEDIA_TYPE.detail,
    )
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new AdminError('SERIN_BAD_REQUEST', message ?? ERRORS.SERIN_BAD_REQUEST.detail)
  }
  return new AdminError('SERIN_INTERNAL', ERRORS.SERIN_INTERNAL.detail)
}
