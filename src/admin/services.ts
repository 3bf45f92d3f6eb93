import type { FastifyInstance } from 'fastify'
import { setEtag } from './etag.ts'
import { presentService } from './present.ts'
import { requireService, type RouteContext, type ServiceParams } from './route-context.ts'

/** Adds `GET /api/v1/services` and `GET /api/v1/services/{s}`. */
export function addServiceRoutes(app: FastifyInstance, { deps, allow }: RouteContext): void {
  app.get('/api/v1/services', { onRequest: allow('read') }, async () => {
    await deps.gather(null)
    return { services: deps.services().map(presentService) }
  })

  app.get<{ Params: ServiceParams }>(
    '/api/v1/services/:service',
    { onRequest: allow('read') },
    async (request, reply) => {
      await deps.gather(request.params.service)
      const status = requireService(deps, request.params.service)
      setEtag(reply, status)
      return presentService(status)
    },
  )
}
