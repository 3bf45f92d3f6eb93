import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import { Type } from '../config/type.ts'
import { DECISION_EXAMPLE } from './examples.ts'
import type { Operation } from './operation.ts'
import { presentDecision } from './present.ts'
import { AdminError } from './problem.ts'
import {
  requireService,
  SERVICE_PARAMS,
  type RouteContext,
  type ServiceParams,
} from './route-context.ts'
import { DecisionSchema } from './schema-decision.ts'

const DEFAULT_LIMIT = 100

const PAGE = Type.Object({
  after: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      default: 0,
      description: 'Only decisions with a higher id.',
    }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: DEFAULT_LIMIT,
      description: 'At most so many: the newest.',
    }),
  ),
})

const DECISION_PARAMS = Type.Object({
  ...SERVICE_PARAMS.properties,
  id: Type.Integer({
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'The id of a decision.',
    examples: [17],
  }),
})

const LIST: Operation = {
  id: 'listDecisions',
  tag: 'services',
  summary: 'The decision log of a service',
  description: 'Newest first, each with the evidence that it was made on.',
  scope: 'read',
  params: SERVICE_PARAMS,
  query: PAGE,
  answers: {
    200: {
      description: 'The decisions.',
      schema: Type.Object({ decisions: Type.Array(DecisionSchema) }),
      example: { decisions: [DECISION_EXAMPLE] },
    },
  },
  errors: ['SERIN_STORE_FAILED'],
}

const GET: Operation = {
  id: 'getDecision',
  tag: 'services',
  summary: 'One decision',
  description: 'As it was logged: a decision never changes.',
  scope: 'read',
  params: DECISION_PARAMS,
  answers: {
    200: { description: 'The decision.', schema: DecisionSchema, example: DECISION_EXAMPLE },
  },
  errors: ['SERIN_BAD_REQUEST', 'SERIN_NOT_FOUND', 'SERIN_STORE_FAILED'],
}

/** Adds `GET …/decisions[?after=&limit=]`, newest first, and `GET …/decisions/{id}`. */
export function addDecisionRoutes(app: FastifyInstance, { deps, route }: RouteContext): void {
  app.get<{ Params: ServiceParams; Querystring: Static<typeof PAGE> }>(
    '/api/v1/services/:service/decisions',
    route(LIST),
    async (request) => {
      const { service } = requireService(deps, request.params.service)
      const { after = 0, limit = DEFAULT_LIMIT } = request.query
      const decisions = await deps.decisions(service.name, { after, limit })
      return { decisions: decisions.map(presentDecision) }
    },
  )

  app.get<{ Params: Static<typeof DECISION_PARAMS> }>(
    '/api/v1/services/:service/decisions/:id',
    route(GET),
    async (request) => {
      const { service } = requireService(deps, request.params.service)
      const { id } = request.params
      const decision = await deps.decision(service.name, id)
      if (decision !== null) return presentDecision(decision)
      throw new AdminError('SERIN_NOT_FOUND', `service "${service.name}" has no decision ${id}`)
    },
  )
}
