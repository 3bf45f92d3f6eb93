import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import { Type } from '../config/type.ts'
import type { Service } from '../domain/service.ts'
import { BASELINE } from '../domain/variant.ts'
import { comparisonKey } from '../rollout/experiment-plan.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import { COHORTS_EXAMPLE } from './examples.ts'
import type { Operation } from './operation.ts'
import {
  presentAttempt,
  presentCohort,
  type AttemptJson,
  type CohortJson,
} from './present-cohort.ts'
import { AdminError } from './problem.ts'
import {
  requireService,
  SERVICE_PARAMS,
  type RouteContext,
  type ServiceParams,
} from './route-context.ts'
import { CohortPageSchema } from './schema-cohort.ts'

const DEFAULT_LIMIT = 200

/** What `GET …/cohorts` answers. */
export type CohortsAnswer = {
  /** Of which attempt the cohorts are; null = nothing is archived. */
  readonly rollout: string | null
  /** What they were judged by last. */
  readonly plan: RolloutPlan | null
  /** In assignment order. */
  readonly cohorts: readonly CohortJson[]
  /** `after` of the next page; null = this was the last one. */
  readonly next: number | null
  /** Every attempt of the service that is archived, the oldest first. */
  readonly attempts: readonly AttemptJson[]
}

const PAGE = Type.Object({
  variant: Type.Optional(
    Type.String({ description: 'A challenger of an experiment: its cohorts.' }),
  ),
  rollout: Type.Optional(
    Type.String({ description: 'The attempt. Without it: the newest that is archived.' }),
  ),
  after: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      default: 0,
      description: 'Only cohorts with a higher number.',
    }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: DEFAULT_LIMIT,
      description: 'At most so many: the oldest.',
    }),
  ),
})

const LIST: Operation = {
  id: 'listCohorts',
  tag: 'services',
  summary: 'What was counted of an attempt',
  description:
    'The cohorts of an attempt, a page at a time: what `serin backtest` judges again. See docs/backtest.md.',
  scope: 'read',
  params: SERVICE_PARAMS,
  query: PAGE,
  answers: {
    200: {
      description: 'A page of cohorts.',
      schema: CohortPageSchema,
      example: COHORTS_EXAMPLE,
    },
  },
  errors: ['SERIN_NOT_FOUND', 'SERIN_STORE_FAILED'],
}

/**
 * Adds `GET …/cohorts[?variant=&rollout=&after=&limit=]`: the cohorts of an attempt (the newest that is
 * archived where none is named), a page at a time. `variant`: those of this challenger of an experiment.
 */
export function addCohortRoute(app: FastifyInstance, { deps, route }: RouteContext): void {
  app.get<{ Params: ServiceParams; Querystring: Static<typeof PAGE> }>(
    '/api/v1/services/:service/cohorts',
    route(LIST),
    async (request): Promise<CohortsAnswer> => {
      const { service } = requireService(deps, request.params.service)
      const kept = archiveOf(service, request.query.variant)
      const { after = 0, limit = DEFAULT_LIMIT } = request.query
      const archived = await deps.attempts(kept)
      const attempts = archived.map(presentAttempt)
      const rollout = request.query.rollout ?? attempts.at(-1)?.rollout ?? null
      if (rollout === null) return { rollout, plan: null, cohorts: [], next: null, attempts }
      if (!attempts.some((a) => a.rollout === rollout)) {
        const known = attempts.map((a) => a.rollout).join(', ')
        const detail = `no cohorts of "${rollout}" are kept; of "${service.name}" there are: ${known === '' ? 'none' : known}`
        throw new AdminError('SERIN_NOT_FOUND', detail)
      }
      const [plan, cohorts] = await Promise.all([
        deps.archivedPlan(kept, rollout),
        deps.archivedCohorts(kept, rollout, { after, limit }),
      ])
      const next = cohorts.length < limit ? null : cohorts.at(-1)!.number
      return { rollout, plan, cohorts: cohorts.map(presentCohort), next, attempts }
    },
  )
}

/** The name that cohorts are archived under; throws SERIN_NOT_FOUND for what is no challenger. */
function archiveOf({ name, variants }: Service, variant: string | undefined): string {
  if (variant === undefined) return name
  const challengers = variants.map((v) => v.name).filter((each) => each !== BASELINE)
  const found = challengers.find((each) => each === variant)
  if (found !== undefined) return comparisonKey(name, found)
  const known = challengers.length === 0 ? 'none' : challengers.join(', ')
  const detail = `${JSON.stringify(variant)} is no challenger of "${name}"; it has: ${known}`
  throw new AdminError('SERIN_NOT_FOUND', detail)
}
