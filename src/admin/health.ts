import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from '../config/type.ts'
import type { Operation } from './operation.ts'
import type { RouteContext } from './route-context.ts'

const ALIVE: Operation = {
  id: 'getLiveness',
  tag: 'observability',
  summary: 'Whether the process is alive',
  description: 'Says nothing about models or store: restart it only where this does not answer.',
  scope: null,
  answers: {
    200: {
      description: 'It is.',
      schema: Type.Object({
        status: Type.Literal('ok'),
        workers: Type.Optional(
          sentences('A sentence for each worker, where there are several; for those who may read.'),
        ),
      }),
      example: { status: 'ok' },
    },
  },
  errors: [],
}

const ReadinessSchema = Type.Object({
  ready: Type.Boolean(),
  checks: Type.Optional(sentences('A sentence for each thing; only for those who may read.')),
})

const READY: Operation = {
  id: 'getReadiness',
  tag: 'observability',
  summary: 'Whether requests should be sent here',
  description: 'Public; the checks are told to those who may read.',
  scope: null,
  answers: {
    200: {
      description: 'Ready.',
      schema: ReadinessSchema,
      example: { ready: true, checks: { store: 'up' } },
    },
    503: {
      description: 'Not ready: send requests elsewhere.',
      schema: ReadinessSchema,
      example: { ready: false, checks: { draining: 'the gateway is shutting down' } },
    },
  },
  errors: ['SERIN_INTERNAL'],
}

const METRICS: Operation = {
  id: 'getMetrics',
  tag: 'observability',
  summary: 'Prometheus metrics',
  description: 'All series are in docs/metrics-reference.md.',
  scope: 'read',
  openOnLoopback: true,
  answers: {
    200: {
      description: 'The exposition, version 0.0.4.',
      contentType: 'text/plain',
      schema: Type.String(),
      example: 'serin_leader 1\n',
    },
  },
  errors: [],
}

/**
 * Adds `GET /healthz`, `/readyz` and `/metrics`. The statuses of the first two are public; what exactly is
 * not ready is told to those who may read. Metrics need no token of who asks on this machine.
 */
export function addHealthRoutes(app: FastifyInstance, context: RouteContext): void {
  const { deps, auth, noteRefused, route } = context
  const mayRead = (request: FastifyRequest) => {
    const checked = auth.check(request, 'read')
    if ('actor' in checked) return true
    // Here, too, somebody who tries tokens would see which one is good.
    const { code } = checked.refusal
    const isTried = request.headers.authorization !== undefined
    if (isTried && code === 'SERIN_UNAUTHENTICATED') noteRefused(request, code)
    return false
  }

  app.get('/healthz', route(ALIVE), async (request) => {
    const workers = mayRead(request) ? await deps.workers() : {}
    return { status: 'ok', ...(Object.keys(workers).length === 0 ? {} : { workers }) }
  })

  app.get('/readyz', route(READY), async (request, reply) => {
    const { ready, checks } = deps.ready()
    void reply.status(ready ? 200 : 503)
    return mayRead(request)
      ? { ready, checks: { ...checks, ...(await deps.workers()) } }
      : { ready }
  })

  app.get('/metrics', route(METRICS), async (_request, reply) => {
    const { contentType, body } = await deps.metrics()
    void reply.type(contentType)
    return body.length <= PIECE ? body : Readable.from(piecesOf(Buffer.from(body)))
  })
}

/** What is written at once of an exposition; that of a thousand services has megabytes. */
const PIECE = 256 * 1024

function* piecesOf(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE)
}

function sentences(description: string) {
  return Type.Unsafe<Record<string, string>>({
    type: 'object',
    patternProperties: { '^.*$': Type.String() },
    description,
  })
}
