import type { FastifyInstance } from 'fastify'
import type { Operation } from './operation.ts'
import { presentHistory, type HistoryJson } from './present-history.ts'
import {
  requireService,
  SERVICE_PARAMS,
  type RouteContext,
  type ServiceParams,
} from './route-context.ts'
import { HistorySchema } from './schema-history.ts'

const EXAMPLE: HistoryJson = {
  service: 'credit-risk',
  rollout: '1.4->2.0#1',
  at: ['2027-05-01T11:59:58.000Z', '2027-05-01T12:00:00.000Z'],
  weights: { canary: [20, 20] },
  variants: { canary: { requests: [1190, 1204], errors: [3, 3], p95Ms: [14, 14] } },
  metrics: [
    {
      name: 'rmse',
      baseline: [3.1, 3.1],
      canary: [3.02, 3.02],
      ratio: { estimate: [0.971, 0.974], lower: [0.915, 0.921], upper: [1.066, 1.061] },
      harm: { log: [-1.1, -1.2], threshold: 4.6 },
      nonInferiority: { log: [1.9, 2.1], threshold: 3 },
    },
  ],
}

const GET: Operation = {
  id: 'getHistory',
  tag: 'services',
  summary: 'How the current attempt went',
  description:
    'What the evidence was, turn by turn, in columns. Kept in memory: it begins when the process does. See docs/dashboard.md.',
  scope: 'read',
  params: SERVICE_PARAMS,
  answers: { 200: { description: 'The history.', schema: HistorySchema, example: EXAMPLE } },
  errors: [],
}

/** Adds `GET …/history`: what the evidence of the current attempt was, turn by turn. */
export function addHistoryRoute(app: FastifyInstance, { deps, route }: RouteContext): void {
  app.get<{ Params: ServiceParams }>(
    '/api/v1/services/:service/history',
    route(GET),
    (request): HistoryJson => {
      const { service } = requireService(deps, request.params.service)
      return presentHistory(service.name, deps.history(service.name))
    },
  )
}
