import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
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
import type { ServiceStatus } from './service-status.ts'

/** Services that are presented before requests get their turn: about a millisecond's work. */
const AT_ONCE = 4

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
  app.get('/api/v1/services', route(LIST), async (_request, reply) => {
    await deps.gather(null)
    void reply.type('application/json; charset=utf-8')
    return Readable.from(writeList(deps.services()))
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

async function* writeList(services: Iterable<ServiceStatus>): AsyncIterable<string> {
  let text = '{"services":['
  let count = 0
  for (const service of services) {
    if (count > 0) text += ','
    text += JSON.stringify(presentService(service))
    count += 1
    if (count % AT_ONCE !== 0) continue
    yield text
    text = ''
    await nextTurn()
  }
  yield `${text}]}`
}
