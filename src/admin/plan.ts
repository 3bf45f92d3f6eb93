import type { FastifyInstance } from 'fastify'
import { presentPlan } from './present-plan.ts'
import { AdminError } from './problem.ts'
import { requireService, type RouteContext, type ServiceParams } from './route-context.ts'

const KNOWN = ['rps', 'errorRate', 'regression']

/** Adds `GET …/plan[?rps=&errorRate=&regression=]`: how long the service's rollout takes. */
export function addPlanRoute(app: FastifyInstance, { deps, allow }: RouteContext): void {
  app.get<{ Params: ServiceParams; Querystring: Readonly<Record<string, unknown>> }>(
    '/api/v1/services/:service/plan',
    { onRequest: allow('read') },
    (request) => {
      const { service } = requireService(deps, request.params.service)
      const { query } = request
      const unknown = Object.keys(query).find((name) => !KNOWN.includes(name))
      if (unknown !== undefined) {
        const detail = `unknown query parameter "${unknown}"; known: ${KNOWN.join(', ')}`
        throw new AdminError('SERIN_BAD_REQUEST', detail)
      }
      const rps = parseNumber('rps', query['rps'], 1e9)
      const errorRate = parseNumber('errorRate', query['errorRate'], 1)
      const regression = parseNumber('regression', query['regression'], 1e3)
      if (rps === 0) throw new AdminError('SERIN_BAD_REQUEST', 'rps is 0: nothing can be judged')
      if (service.rollout === null) {
        const detail = `${service.name} has no rollout: its weights are those of the configuration`
        throw new AdminError('SERIN_REFUSED', detail)
      }
      const found = deps.forecast(service.name, { rps, errorRate }, regression)
      if (found !== null) return presentPlan(service, found)
      const unit = service.split.key === null ? 'requests' : 'new keys'
      const detail = `${service.name} has no traffic to reckon with: give it, in ${unit} per second (rps=100)`
      throw new AdminError('SERIN_BAD_REQUEST', detail)
    },
  )
}

function parseNumber(name: string, text: unknown, max: number): number | null {
  if (text === undefined) return null
  const value = typeof text === 'string' && /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN
  if (value <= max) return value
  const detail = `${name} is ${JSON.stringify(text)}; send a number from 0 to ${max}`
  throw new AdminError('SERIN_BAD_REQUEST', detail)
}
