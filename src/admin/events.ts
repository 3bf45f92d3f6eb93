import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import { Type } from '../config/type.ts'
import { EventStream } from './event-stream.ts'
import { LiveFeed } from './live-feed.ts'
import type { Operation } from './operation.ts'
import { AdminError } from './problem.ts'
import { requireService, type RouteContext } from './route-context.ts'

/** Streams that are open at once; a dashboard has one. */
const MOST_READERS = 100

const CONTENT_TYPE = 'text/event-stream; charset=utf-8'

const QUESTION = Type.Object({
  service: Type.Optional(
    Type.String({
      description: 'Tells of this service alone, and everything. Without it: of all, at a glance.',
      examples: ['credit-risk'],
    }),
  ),
})

const GET: Operation = {
  id: 'streamEvents',
  tag: 'services',
  summary: 'What changes, as it changes',
  description:
    'Server-sent events: a `snapshot`, then `service` with the members that changed, `decision` and `removed`; of all services also `reload`, as `GET /api/v1/reload` has it; `store` when the store goes and when it is back. `Last-Event-ID` brings the decisions from then on. See docs/dashboard.md.',
  scope: 'read',
  query: QUESTION,
  answers: {
    200: {
      description: 'The stream, which does not end by itself.',
      contentType: 'text/event-stream',
      schema: Type.String(),
      example:
        'event: service\ndata: {"at":"2027-05-01T12:00:00.000Z","name":"credit-risk","changes":{"weights":{"baseline":50,"canary":50}}}\n\n',
    },
  },
  errors: ['SERIN_UNKNOWN_SERVICE', 'SERIN_SHUTTING_DOWN', 'SERIN_OVERLOADED'],
}

/** Adds `GET /api/v1/events[?service=]`: server-sent events of all services, or of one in full. */
export function addEventRoute(app: FastifyInstance, { deps, auth, route }: RouteContext): void {
  const feed = new LiveFeed(deps)
  app.addHook('preClose', async () => feed.close())

  app.get<{ Querystring: Static<typeof QUESTION> }>(
    '/api/v1/events',
    route(GET),
    async (request, reply) => {
      const { service: name } = request.query
      const service = name === undefined ? null : requireService(deps, name).service.name
      const since = readLastEventId(request.headers['last-event-id'])
      if (deps.isDraining()) {
        throw new AdminError('SERIN_SHUTTING_DOWN', 'the gateway is shutting down')
      }
      if (feed.readers >= MOST_READERS) {
        throw new AdminError('SERIN_OVERLOADED', `${MOST_READERS} streams of events are open`)
      }
      // A stream has no end that a HEAD could wait for.
      if (request.method === 'HEAD') return reply.type(CONTENT_TYPE).send()
      reply.hijack()
      const isAllowed = () => 'actor' in auth.check(request, 'read')
      const stream = new EventStream(reply.raw, isAllowed, deps.countDroppedStream)
      reply.raw.on('close', () => feed.leave(stream))
      reply.raw.writeHead(200, {
        'content-type': CONTENT_TYPE,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        // Proxies that would collect an answer before they pass it on.
        'x-accel-buffering': 'no',
      })
      await feed.join(stream, service, since).catch((error: unknown) => {
        // The head has left: the reader comes back and asks again.
        request.log.error({ err: error }, 'missed decisions could not be read')
        stream.end()
      })
    },
  )
}

function readLastEventId(header: unknown): number | null {
  if (header === undefined) return null
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header)
  const detail = `Last-Event-ID is ${JSON.stringify(header)}; send the id of a decision's event`
  throw new AdminError('SERIN_BAD_REQUEST', detail)
}
