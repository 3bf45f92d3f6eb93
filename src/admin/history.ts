import type { FastifyInstance } from 'fastify'
import { presentHistory, type HistoryJson } from './present-history.ts'
import { requireService, type RouteContext, type ServiceParams } from './route-context.ts'

/** Adds `GET …/history`: what the evidence of the current attempt was, turn by turn. */
export function addHistoryRoute(app: FastifyInstance, { deps, allow }: RouteContext): void {
  app.get<{ Params: ServiceParams }>(
    '/api/v1/services/:service/history',
    { onRequest: allow('read') },
    (request): HistoryJson => {
      const { service } = requireService(deps, request.params.service)
      return presentHistory(service.name, deps.history(service.name))
    },
  )
}
