import type { FastifyInstance } from 'fastify'
import { Type } from '../config/type.ts'
import { PAST_EXPERIMENT_EXAMPLE } from './examples.ts'
import type { Operation } from './operation.ts'
import { presentExperiments, type ExperimentsAnswer } from './present-experiments.ts'
import {
  requireService,
  SERVICE_PARAMS,
  type RouteContext,
  type ServiceParams,
} from './route-context.ts'
import { PastExperimentSchema } from './schema-experiment.ts'

/** So many decisions are looked through; of an experiment there are few. */
const MOST_DECISIONS = 1000

const LIST: Operation = {
  id: 'listExperiments',
  tag: 'services',
  summary: 'The experiments of a service that have ended',
  description:
    'Newest first, each with its verdicts as they stood at its end: as the decision log keeps them, of its newest 1,000 decisions. What is compared now stands in `comparisons` of the service. See docs/ab-testing.md.',
  scope: 'read',
  params: SERVICE_PARAMS,
  answers: {
    200: {
      description: 'The experiments; none where there was none.',
      schema: Type.Object({ experiments: Type.Array(PastExperimentSchema) }),
      example: { experiments: [PAST_EXPERIMENT_EXAMPLE] },
    },
  },
  errors: ['SERIN_STORE_FAILED'],
}

/** Adds `GET …/experiments`: those that have ended, newest first. */
export function addExperimentRoute(app: FastifyInstance, { deps, route }: RouteContext): void {
  app.get<{ Params: ServiceParams }>(
    '/api/v1/services/:service/experiments',
    route(LIST),
    async (request): Promise<ExperimentsAnswer> => {
      const { service } = requireService(deps, request.params.service)
      const decisions = await deps.decisions(service.name, { after: 0, limit: MOST_DECISIONS })
      return { experiments: presentExperiments(decisions) }
    },
  )
}
