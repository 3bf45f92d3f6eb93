import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import { Type } from '../config/type.ts'
import type { MetricSpec } from '../domain/rollout-spec.ts'
import { analysisOf, type Service } from '../domain/service.ts'
import { isExperiment } from '../rollout/experiment-plan.ts'
import { describeStrayRate, type GivenRates } from '../rollout/given-rates.ts'
import { describeStrayShare, type GivenShares } from '../rollout/segment-share.ts'
import { PLAN_EXAMPLE } from './examples.ts'
import type { Operation } from './operation.ts'
import { presentExperimentPlan } from './present-experiment-plan.ts'
import { presentPlan } from './present-plan.ts'
import { AdminError } from './problem.ts'
import {
  requireService,
  SERVICE_PARAMS,
  type RouteContext,
  type ServiceParams,
} from './route-context.ts'
import { ExperimentPlanSchema } from './schema-experiment-plan.ts'
import { PlanSchema } from './schema-plan.ts'

const QUESTION = Type.Object({
  rps: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: 1e9,
      description:
        'Requests per second, or new keys where assignment sticks. Without it: as observed.',
      examples: [200],
    }),
  ),
  errorRate: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      description: "The baseline's share of failures. Without it: as observed, else 1 %.",
      examples: [0.01],
    }),
  ),
  rates: Type.Optional(
    Type.String({
      description:
        "The baseline's shares on other metrics (conversion, sum, mean of an event, ratio, accuracy), as `name:0.3`, several by commas. Without it: as observed, else 5 %, and 90 % of an accuracy.",
      examples: ['conversion:0.3'],
    }),
  ),
  segments: Type.Optional(
    Type.String({
      description:
        'Shares of segments among the requests, as `gold:0.1`, several by commas. Without it: as observed, else equal shares, of no segment too.',
      examples: ['gold:0.1'],
    }),
  ),
  regression: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1e3,
      description:
        'How much worse a canary is that should be seen, as a fraction; of a challenger also how much better. Without it: a doubling of failures (half of them), twice the margin of any other metric.',
      examples: [1],
    }),
  ),
})

const GET: Operation = {
  id: 'getPlan',
  tag: 'services',
  summary: 'How long a rollout, or an experiment, takes',
  description:
    'The forecast for a canary (challenger) that is as good as the baseline, and how soon a worse one is seen; of a challenger also how soon a better one is shown. See docs/planning.md.',
  scope: 'read',
  params: SERVICE_PARAMS,
  query: QUESTION,
  answers: {
    200: {
      description: 'The plan of the rollout, or of the experiment.',
      schema: Type.Unsafe({ anyOf: [PlanSchema, ExperimentPlanSchema] }),
      example: PLAN_EXAMPLE,
    },
  },
  errors: ['SERIN_REFUSED'],
}

/** Adds `GET …/plan[?rps=&errorRate=&rates=&segments=&regression=]`: how long the service's rollout or experiment takes. */
export function addPlanRoute(app: FastifyInstance, { deps, route }: RouteContext): void {
  app.get<{ Params: ServiceParams; Querystring: Static<typeof QUESTION> }>(
    '/api/v1/services/:service/plan',
    route(GET),
    (request) => {
      const { service } = requireService(deps, request.params.service)
      const { rps = null, errorRate = null, rates, segments, regression = null } = request.query
      if (service.rollout === null && !isExperiment(service)) {
        const detail = `${service.name} has no rollout, and no variants that are compared: its weights are those of the configuration`
        throw new AdminError('SERIN_REFUSED', detail)
      }
      const { metrics } = analysisOf(service)!
      const given = {
        ...{ rps, errorRate },
        rates: rates === undefined ? undefined : readRates(rates, metrics),
        shares: segments === undefined ? undefined : readShares(segments, metrics),
      }
      if (service.rollout !== null) {
        const found = deps.forecast(service.name, given, regression)
        if (found !== null) return presentPlan(service, found)
      } else {
        const found = deps.forecastExperiment(service.name, given, regression)
        if (found !== null) return presentExperimentPlan(service, found)
      }
      throw new AdminError('SERIN_BAD_REQUEST', describeNoTraffic(service))
    },
  )
}

function describeNoTraffic({ name, split, rollout }: Service): string {
  const [unit, why] =
    split.key === null
      ? ['requests', 'no request was drawn for one of its variants in the last minute']
      : [
          'new keys',
          `new keys are counted while ${rollout === null ? 'the weights of the configuration hold' : 'a rollout draws them'}, and none were`,
        ]
  return `${name} has no traffic to reckon with: ${why}. Give it, in ${unit} per second (rps=100; with the CLI --rps 100)`
}

/** Reads `conversion:0.3,clicks:0.1`. */
function readRates(text: string, metrics: readonly MetricSpec[]): GivenRates {
  const rates = new Map(readFractions('rates', text, 'conversion:0.3,clicks:0.1'))
  refuse('rates', describeStrayRate(rates, metrics))
  return rates
}

/** Reads `gold:0.1,silver:0.2`. */
function readShares(text: string, metrics: readonly MetricSpec[]): GivenShares {
  const shares = Object.fromEntries(readFractions('segments', text, 'gold:0.1,silver:0.2'))
  refuse('segments', describeStrayShare(shares, metrics))
  return shares
}

function readFractions(
  name: string,
  text: string,
  example: string,
): readonly (readonly [string, number])[] {
  // A segment may have commas and colons in its name, and ends with its share.
  return text.split(/(?<=:0?\.\d+),/).map((part) => {
    const [, of, share] = /^(.+):(0?\.\d+)$/s.exec(part) ?? []
    if (Number(share) > 0) return [of!, Number(share)]
    const detail = `${name} is ${JSON.stringify(text)}; send names and shares, above 0 and below 1, as in ${example}`
    throw new AdminError('SERIN_BAD_REQUEST', detail)
  })
}

function refuse(name: string, why: string | null): void {
  if (why !== null) throw new AdminError('SERIN_BAD_REQUEST', `${name}: ${why}`)
}
