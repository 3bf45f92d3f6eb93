import type { FastifyInstance } from 'fastify'
import { presentDecision } from './present.ts'
import { AdminError } from './problem.ts'
import { parseCount, refuseUnknown } from './query.ts'
import { requireService, type RouteContext, type ServiceParams } from './route-context.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000

/** Adds `GET …/decisions[?after=&limit=]`, newest first, and `GET …/decisions/{id}`. */
export function addDecisionRoutes(app: FastifyInstance, { deps, allow }: RouteContext): void {
  app.get<{ Params: ServiceParams; Querystring: Readonly<Record<string, unknown>> }>(
    '/api/v1/services/:service/decisions',
    { onRequest: allow('read') },
    async (request) => {
      const { service } = requireService(deps, request.params.service)
      refuseUnknown(request.query, ['after', 'limit'])
      const after = parseCount('after', request.query['after'], 0, Number.MAX_SAFE_INTEGER) ?? 0
      const limit = parseCount('limit', request.query['limit'], 1, MAX_LIMIT) ?? DEFAULT_LIMIT
      const decisions = await deps.decisions(service.name, { after, limit })
      return { decisions: decisions.map(presentDecision) }
    },
  )

  app.get<{ Params: ServiceParams & { readonly id: string } }>(
    '/api/v1/services/:service/decisions/:id',
    { onRequest: allow('read') },
    async (request) => {
      const { service } = requireService(deps, request.params.service)
      const id = parseCount('the decision', request.params.id, 1, Number.MAX_SAFE_INTEGER)!
      const decision = await deps.decision(service.name, id)
      if (decision !== null) return presentDecision(decision)
      throw new AdminError('SERIN_NOT_FOUND', `service "${service.name}" has no decision ${id}`)
    },
  )
}
