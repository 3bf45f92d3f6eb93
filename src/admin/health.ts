import type { FastifyInstance } from 'fastify'
import type { RouteContext } from './route-context.ts'

/**
 * Adds `GET /healthz`, `/readyz` and `/metrics`. The statuses of the first two are public; what exactly is
 * not ready is told to those who may read. Metrics need a token only where others can reach the listener.
 */
export function addHealthRoutes(app: FastifyInstance, { deps, auth, allow }: RouteContext): void {
  app.get('/healthz', () => ({ status: 'ok' }))

  app.get('/readyz', (request, reply) => {
    const { ready, checks } = deps.ready()
    void reply.status(ready ? 200 : 503)
    return 'actor' in auth.check(request, 'read') ? { ready, checks } : { ready }
  })

  app.get('/metrics', auth.isLocal ? {} : { onRequest: allow('read') }, async (_request, reply) => {
    const { contentType, body } = await deps.metrics()
    void reply.type(contentType)
    return body
  })
}
