import type { FastifyInstance } from 'fastify'
import { EventStream } from './event-stream.ts'
import { LiveFeed } from './live-feed.ts'
import { AdminError } from './problem.ts'
import { parseCount, refuseUnknown } from './query.ts'
import { requireService, type RouteContext } from './route-context.ts'

/** Streams that are open at once; a dashboard has one. */
const MOST_READERS = 100

/** Adds `GET /api/v1/events[?service=]`: server-sent events of all services, or of one in full. */
export function addEventRoute(app: FastifyInstance, { deps, auth, allow }: RouteContext): void {
  const feed = new LiveFeed(deps)
  app.addHook('preClose', async () => feed.close())

  app.get<{ Querystring: Readonly<Record<string, unknown>> }>(
    '/api/v1/events',
    { onRequest: allow('read') },
    async (request, reply) => {
      refuseUnknown(request.query, ['service'])
      const { service: name } = request.query
      const service = name === undefined ? null : requireService(deps, String(name)).service.name
      const since = parseCount(
        'Last-Event-ID',
        request.headers['last-event-id'],
        0,
        Number.MAX_SAFE_INTEGER,
      )
      if (deps.isDraining()) {
        throw new AdminError('SERIN_SHUTTING_DOWN', 'the gateway is shutting down')
      }
      if (feed.readers >= MOST_READERS) {
        throw new AdminError('SERIN_OVERLOADED', `${MOST_READERS} streams of events are open`)
      }
      reply.hijack()
      const isAllowed = () => 'actor' in auth.check(request, 'read')
      const stream = new EventStream(reply.raw, isAllowed, deps.countDroppedStream)
      reply.raw.on('close', () => feed.leave(stream))
      reply.raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
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
