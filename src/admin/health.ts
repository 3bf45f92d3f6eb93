import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { RouteContext } from './route-context.ts'

/**
 * Adds `GET /healthz`, `/readyz` and `/metrics`. The statuses of the first two are public; what exactly is
 * not ready is told to those who may read. Metrics need a token only where others can reach the listener.
 */
export function addHealthRoutes(app: FastifyInstance, { deps, auth, allow }: RouteContext): void {
  const mayRead = (request: FastifyRequest) => 'actor' in auth.check(request, 'read')

  app.get('/healthz', async (request) => {
    const workers = mayRead(request) ? await deps.workers() : {}
    return { status: 'ok', ...(Object.keys(workers).length === 0 ? {} : { workers }) }
  })

  app.get('/readyz', async (request, reply) => {
    const { ready, checks } = deps.ready()
    void reply.status(ready ? 200 : 503)
    return mayRead(request)
      ? { ready, checks: { ...checks, ...(await deps.workers()) } }
      : { ready }
  })

  app.get('/metrics', auth.isLocal ? {} : { onRequest: allow('read') }, async (_request, reply) => {
    const { contentType, body } = await deps.metrics()
    void reply.type(contentType)
    return body
  })
}
