import { Type } from '../config/type.ts'
import { PHASES } from '../domain/decision.ts'
import { MetricSchema } from './schema-metric.ts'
import { byName, oneOf, orNull, time } from './schema-value.ts'

const StandingSchema = Type.Object(
  {
    phase: oneOf(PHASES),
    step: Type.Integer({ minimum: 0, description: 'Index of the step, from 0.' }),
    weights: byName(Type.Number(), 'Percent, by variant.'),
  },
  { title: 'Standing', description: 'Where a rollout stood before or after a decision.' },
)

/** One entry of the decision log. */
export const DecisionSchema = Type.Object(
  {
    id: Type.Integer({ minimum: 1, description: 'Counts up by one for each service, from 1.' }),
    at: time(),
    service: Type.String(),
    rollout: Type.String({ description: 'The attempt, such as `1.4->2.0#1`.' }),
    action: oneOf([
      ...['start', 'advance', 'promote', 'rollback', 'pause'],
      ...['resume', 'override', 'retry', 'undo', 'hold', 'verdict'],
    ] as const),
    reason: Type.String({
      description: 'A metric, or a word of the gate that spoke: `breaker`, `operator` and so on.',
    }),
    actor: Type.String({ description: '`evaluator`, or the name of the token.' }),
    summary: Type.String({ description: 'One sentence with the numbers.' }),
    note: orNull(Type.String(), 'What the operator gave as reason.'),
    from: StandingSchema,
    to: StandingSchema,
    metrics: Type.Array(MetricSchema, { description: 'The evidence that it was made on.' }),
    configHash: Type.String({ description: 'Of the configuration that was in force.' }),
  },
  {
    title: 'Decision',
    description: 'One entry of the decision log: what was done, why, and on which evidence.',
  },
)
