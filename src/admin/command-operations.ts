import { Type } from '../config/type.ts'
import { COMMAND_BODIES, WEIGHTS_BODY, type RouteVerb } from './command-body.ts'
import { DECISION_EXAMPLE, PENDING_EXAMPLE, SERVICE_EXAMPLE } from './examples.ts'
import type { Operation } from './operation.ts'
import { SERVICE_PARAMS } from './route-context.ts'
import { DecisionSchema } from './schema-decision.ts'
import { ServiceSchema } from './schema-service.ts'
import { orNull } from './schema-value.ts'

/** What every command answers. */
export const CommandAnswerSchema = Type.Object(
  {
    decision: orNull(
      DecisionSchema,
      'null = it was so already: nothing was decided, and a reason stands in the log of the gateway alone. Or it is pending.',
    ),
    pending: orNull(
      Type.String(),
      'What is in force here and not stored yet, as a sentence; null = nothing.',
    ),
    service: ServiceSchema,
  },
  {
    title: 'CommandAnswer',
    description: 'The decision that a command made, and the service after it.',
  },
)

const COMMON = {
  tag: 'commands',
  scope: 'operate',
  params: SERVICE_PARAMS,
  ifMatch: true,
  answers: {
    200: {
      description: 'It is so now: stored, and in force.',
      schema: CommandAnswerSchema,
      etag: true,
      example: { decision: DECISION_EXAMPLE, pending: null, service: SERVICE_EXAMPLE },
    },
  },
  errors: ['SERIN_REFUSED', 'SERIN_STORE_FAILED'],
} as const satisfies Partial<Operation>

const BODY = { contentTypes: ['application/json'], limitBytes: 16 * 1024 } as const

/** `PUT …/weights`. */
export const WEIGHTS: Operation = {
  ...COMMON,
  id: 'setWeights',
  summary: 'Override the weights',
  description:
    'Sets the canary to this weight and pauses the rollout; `resume` goes on with the weight of its step.',
  body: { ...BODY, schema: WEIGHTS_BODY, example: { canary: 20, reason: 'a look at the logs' } },
}

/** `POST …/{verb}`. */
export function describeCommand(verb: RouteVerb): Operation {
  const { summary, description, example } = VERBS[verb]
  const body = { ...BODY, schema: COMMAND_BODIES[verb], example }
  const operation = { ...COMMON, id: verb, summary, description, body }
  return verb === 'abort' ? { ...operation, answers: { ...COMMON.answers, ...PENDING } } : operation
}

/** Of what takes effect without the store. */
const PENDING = {
  202: {
    description: 'In force in this gateway; stored when the store is back.',
    schema: CommandAnswerSchema,
    etag: true,
    example: PENDING_EXAMPLE,
  },
} as const satisfies Operation['answers']

const VERBS: Readonly<
  Record<
    RouteVerb,
    { readonly summary: string; readonly description: string; readonly example: unknown }
  >
> = {
  promote: {
    summary: 'Go on to the next step',
    description:
      'Past the evidence gates, or to 100 % with `full`. Refused while the canary is down, unless `full`. Of a fixed split: makes `variant` its winner.',
    example: { reason: 'checked by hand', full: true },
  },
  abort: {
    summary: 'Roll back',
    description:
      'Gives all traffic back to the baseline, from any phase. Where the store is away: in this gateway at once, and everywhere when it is back.',
    example: { reason: 'wrong model file' },
  },
  pause: {
    summary: 'Hold the present weight',
    description: 'Until `resume`. Protection stays armed.',
    example: { reason: 'release freeze' },
  },
  resume: {
    summary: 'Go on after a pause',
    description:
      'Returns to the weights of the step. The metric that paused it no longer decides in this attempt. Never approves a pause step.',
    example: { reason: 'the drift is the new campaign' },
  },
  retry: {
    summary: 'Try a rolled-back version again',
    description: 'A new attempt with evidence of its own, after the cooldown or with `force`.',
    example: { reason: 'the upstream was restarted', force: true },
  },
  undo: {
    summary: 'Take a promotion back',
    description: 'In the watch or after it: all traffic goes to the baseline again.',
    example: { reason: 'complaints' },
  },
}
