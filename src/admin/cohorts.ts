import type { FastifyInstance } from 'fastify'
import type { Service } from '../domain/service.ts'
import { BASELINE } from '../domain/variant.ts'
import { comparisonKey } from '../rollout/experiment-plan.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import {
  presentAttempt,
  presentCohort,
  type AttemptJson,
  type CohortJson,
} from './present-cohort.ts'
import { AdminError } from './problem.ts'
import { parseCount, refuseUnknown } from './query.ts'
import { requireService, type RouteContext, type ServiceParams } from './route-context.ts'

const DEFAULT_LIMIT = 200
const MAX_LIMIT = 1000

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

/**
 * Adds `GET …/cohorts[?variant=&rollout=&after=&limit=]`: the cohorts of an attempt (the newest that is
 * archived where none is named), a page at a time. `variant`: those of this challenger of an experiment.
 */
export function addCohortRoute(app: FastifyInstance, { deps, allow }: RouteContext): void {
  app.get<{ Params: ServiceParams; Querystring: Readonly<Record<string, unknown>> }>(
    '/api/v1/services/:service/cohorts',
    { onRequest: allow('read') },
    async (request): Promise<CohortsAnswer> => {
      const { service } = requireService(deps, request.params.service)
      const { query } = request
      refuseUnknown(query, ['variant', 'rollout', 'after', 'limit'])
      const kept = archiveOf(service, query['variant'])
      const after = parseCount('after', query['after'], 0, Number.MAX_SAFE_INTEGER) ?? 0
      const limit = parseCount('limit', query['limit'], 1, MAX_LIMIT) ?? DEFAULT_LIMIT
      const archived = await deps.attempts(kept)
      const attempts = archived.map(presentAttempt)
      const rollout = query['rollout'] ?? attempts.at(-1)?.rollout ?? null
      if (rollout === null) return { rollout, plan: null, cohorts: [], next: null, attempts }
      if (!attempts.some((a) => a.rollout === rollout)) {
        const known = attempts.map((a) => a.rollout).join(', ')
        const detail = `no cohorts of "${String(rollout)}" are kept; of "${service.name}" there are: ${known === '' ? 'none' : known}`
        throw new AdminError('SERIN_NOT_FOUND', detail)
      }
      const id = rollout as string
      const [plan, cohorts] = await Promise.all([
        deps.archivedPlan(kept, id),
        deps.archivedCohorts(kept, id, { after, limit }),
      ])
      const next = cohorts.length < limit ? null : cohorts.at(-1)!.number
      return { rollout: id, plan, cohorts: cohorts.map(presentCohort), next, attempts }
    },
  )
}

/** The name that cohorts are archived under; throws SERIN_NOT_FOUND for what is no challenger. */
function archiveOf({ name, variants }: Service, variant: unknown): string {
  if (variant === undefined) return name
  const challengers = variants.map((v) => v.name).filter((each) => each !== BASELINE)
  const found = challengers.find((each) => each === variant)
  if (found !== undefined) return comparisonKey(name, found)
  const known = challengers.length === 0 ? 'none' : challengers.join(', ')
  const detail = `${JSON.stringify(variant)} is no challenger of "${name}"; it has: ${known}`
  throw new AdminError('SERIN_NOT_FOUND', detail)
}
