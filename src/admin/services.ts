import type { FastifyInstance } from 'fastify'
import { Type } from '../config/type.ts'
import { setEtag } from './etag.ts'
import { SERVICE_EXAMPLE } from './examples.ts'
import type { Operation } from './operation.ts'
import { presentService } from './present.ts'
import {
  requireService,
  SERVICE_PARAMS,
  type RouteContext,
  type ServiceParams,
} from './route-context.ts'
import { ServiceSchema } from './schema-service.ts'

const LIST: Operation = {
  id: 'listServices',
  tag: 'services',
  summary: 'All services',
  description: 'In the order of the configuration.',
  scope: 'read',
  answers: {
    200: {
      description: 'The services.',
      schema: Type.Object({ services: Type.Array(ServiceSchema) }),
      example: { services: [SERVICE_EXAMPLE] },
    },
  },
  errors: [],
}

const GET: Operation = {
  id: 'getService',
  tag: 'services',
  summary: 'One service',
  description:
    'Its weights, the phase and the step of its rollout, the verdict on every metric with its evidence, what is missing, and how long it takes. The `ETag` is for `If-Match` of a command.',
  scope: 'read',
  params: SERVICE_PARAMS,
  answers: {
    200: {
      description: 'The service.',
      schema: ServiceSchema,
      etag: true,
      example: SERVICE_EXAMPLE,
    },
  },
  errors: [],
}

/** Adds `GET /api/v1/services` and `GET /api/v1/services/{s}`. */
export function addServiceRoutes(app: FastifyInstance, { deps, route }: RouteContext): void {
  app.get('/api/v1/services', route(LIST), async () => {
    await deps.gather(null)
    return { services: deps.services().map(presentService) }
  })

  app.get<{ Params: ServiceParams }>(
    '/api/v1/services/:service',
    route(GET),
    async (request, reply) => {
      await deps.gather(request.params.service)
      const status = requireService(deps, request.params.service)
      setEtag(reply, status)
      return presentService(status)
    },
  )
}
