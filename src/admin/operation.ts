import type { TObject, TSchema } from 'typebox'
import type { Scope } from '../config/config.ts'
import { ERRORS, type ErrorCode } from '../domain/errors.ts'

/** What a route of the admin API is, does and answers: it is checked by this, and described by it. */
export type Operation = {
  /** Unique; names the operation in generated clients. */
  readonly id: string
  readonly tag: Tag
  /** One line, and what else there is to know. */
  readonly summary: string
  readonly description: string
  /** What a token must be allowed; null = public. */
  readonly scope: Scope | null
  /** Who asks a loopback listener, and not through a proxy, needs no token. */
  readonly openOnLoopback?: true
  readonly params?: TObject
  readonly query?: TObject
  readonly body?: RequestBody
  /** `If-Match` with the revision is heeded. */
  readonly ifMatch?: true
  readonly answers: Readonly<Record<number, Answer>>
  /** Beside those that follow from the scope, the parameters and the body. */
  readonly errors: readonly ErrorCode[]
}

/** The groups of the reference, in its order. */
export const TAGS = {
  services: 'What runs, how it is judged, and how long it takes.',
  commands:
    'What operators do. All of it is logged as a decision, with the name of the token. Any gateway of a store may be asked: one that follows hands the command to the one that decides and gives its answer, which takes half a second, and up to eight where that one has just died. What it refuses, 412 among it, was not carried out; a 503 says what is known.',
  feedback: 'Labels and events that arrive later.',
  configuration: 'The file that serin runs by.',
  observability: 'For load balancers, Prometheus and whoever looks around.',
} as const

/** The groups that operations are described in. */
export type Tag = keyof typeof TAGS

/** What a route takes as its body; `limitBytes` is refused beyond with 413. */
export type RequestBody = {
  readonly schema: TSchema
  readonly contentTypes: readonly string[]
  readonly limitBytes: number
  readonly example: unknown
  /** It is read line by line by its own reader: the route does not parse it. */
  readonly readByLines?: true
}

/** What a route answers with one status. `etag`: with the revision for `If-Match`. */
export type Answer = {
  readonly description: string
  /** Without it: JSON. */
  readonly contentType?: string
  readonly schema: TSchema
  readonly etag?: true
  readonly example?: unknown
}

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: Operation
  }
}

/** The codes of all problems that an operation may answer with, by status, in order. */
export function problemsOf(operation: Operation): ReadonlyMap<number, readonly ErrorCode[]> {
  const { scope, openOnLoopback, params, query, body, ifMatch, errors } = operation
  const codes = new Set<ErrorCode>([
    ...when(query !== undefined || body !== undefined || ifMatch, 'SERIN_BAD_REQUEST'),
    ...when(scope !== null, 'SERIN_UNAUTHENTICATED', 'SERIN_FORBIDDEN'),
    ...when(params !== undefined, 'SERIN_UNKNOWN_SERVICE'),
    ...when(body !== undefined, 'SERIN_BODY_TOO_LARGE', 'SERIN_UNSUPPORTED_MEDIA_TYPE'),
    ...when(ifMatch, 'SERIN_STALE_REVISION'),
    ...when(scope !== null || openOnLoopback, 'SERIN_INTERNAL'),
    ...errors,
  ])
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of [...codes].sort((a, b) => ERRORS[a].status - ERRORS[b].status)) {
    const { status } = ERRORS[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return byStatus
}

function when(
  condition: boolean | undefined,
  ...codes: readonly ErrorCode[]
): readonly ErrorCode[] {
  return condition === true ? codes : []
}
