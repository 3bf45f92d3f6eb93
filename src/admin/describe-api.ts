import type { FastifyInstance } from 'fastify'
import { Type } from '../config/type.ts'
import { buildOpenapi, type DescribedRoute } from './openapi.ts'
import type { Operation } from './operation.ts'
import type { RouteContext } from './route-context.ts'

const OPENAPI: Operation = {
  id: 'getOpenapi',
  tag: 'observability',
  summary: 'This description',
  description: 'The admin API as OpenAPI 3.1. Public: it holds no data.',
  scope: null,
  answers: {
    200: {
      description: 'An OpenAPI document.',
      schema: Type.Object(
        { openapi: Type.String(), info: Type.Object({}) },
        { additionalProperties: true },
      ),
      example: { openapi: '3.1.0', info: { title: 'serin', version: '0.1.0' } },
    },
  },
  errors: [],
}

/**
 * Adds `GET /openapi.json`: made of the operations by which the routes check requests. To be called
 * before any other route is added. A route without an operation is in no description.
 */
export function addDescription(app: FastifyInstance, { deps, route }: RouteContext): void {
  const routes: DescribedRoute[] = []
  app.addHook('onRoute', ({ method, url, config }) => {
    const operation = config?.operation
    if (operation === undefined || method === 'HEAD') return
    routes.push({ method: String(method), url, operation })
  })
  // Once is enough: routes do not change while it listens.
  let document: object | null = null
  app.get('/openapi.json', route(OPENAPI), () => (document ??= buildOpenapi(routes, deps.version)))
}
