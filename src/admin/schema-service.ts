import { Type } from '../config/type.ts'
import { PHASES } from '../domain/decision.ts'
import { ComparisonSchema } from './schema-comparison.ts'
import { DecisionSchema } from './schema-decision.ts'
import { MetricSchema } from './schema-metric.ts'
import { MirrorSchema } from './schema-mirror.ts'
import { byName, count, numberOrNull, oneOf, orNull, time } from './schema-value.ts'

const StepSchema = Type.Object({
  index: count('From 0.'),
  of: count('How many there are.'),
  kind: orNull(
    oneOf(['weight', 'mirror', 'pause']),
    'null = no step is current: idle, promoted, rolled back.',
  ),
  enteredAt: time(),
})

/** Why a rollout is paused. */
export const PauseSchema = Type.Object({
  by: Type.String({
    description: 'approval, timer, operator, metric, ratio-mismatch, baseline or override.',
  }),
  at: time(),
  until: orNull(time(), 'null waits for somebody.'),
  metric: orNull(Type.String(), 'The one that paused it, where one did.'),
})

const FailingNameSchema = Type.Object({
  name: Type.String(),
  since: time(),
  why: Type.String({ description: "The resolver's code: `ENOTFOUND`, `EAI_AGAIN` …" }),
  addresses: Type.Array(Type.String(), {
    description: 'Where it led last: requests go there. Empty: it was never found.',
  }),
})

/** A version of the model that can answer, with its figures. */
export const VariantSchema = Type.Object(
  {
    version: Type.String(),
    requests: count('Since this process started, or since it has this version.'),
    errors: count('Requests with the outcome `failed` or `no_answer`.'),
    rejected: count('Requests that its door turned away: no fault of its answers.'),
    left: count(
      'Requests whose client left before an answer: no errors, but the breaker judges by them.',
    ),
    inFlight: count('Requests under way now.'),
    p50Ms: numberOrNull('Of late, the older the less; null before the first answer.'),
    p95Ms: numberOrNull(),
    p99Ms: numberOrNull(),
    upstreams: count('How many there are.'),
    healthy: count('How many of them are healthy.'),
    failingNames: Type.Array(FailingNameSchema, {
      description:
        'Names of its upstreams that cannot be looked up now, by the process that answers; empty where all can.',
    }),
  },
  { title: 'Variant', description: 'A version of the model, and what it did.' },
)

/** What the requests of one rule came to. */
export const RuleSchema = Type.Object(
  {
    rule: orNull(
      Type.String(),
      'The conditions of the rule; null = no rule matched, and a draw decided.',
    ),
    weights: orNull(
      byName(Type.Number(), 'By variant; those that get nothing are left out.'),
      'Percent of its requests that the rule gives each variant, as it is configured; null where no rule matched, and for a rule that is configured no more.',
    ),
    variants: byName(
      Type.Object({
        requests: count('Since this process started, or since it has this version.'),
        errors: count('Requests with the outcome `failed` or `no_answer`.'),
        p50Ms: numberOrNull('Of late, the older the less; null before the first answer.'),
        p95Ms: numberOrNull(),
        p99Ms: numberOrNull(),
        metrics: byName(
          Type.Object({ value: Type.Number(), n: count('Labels that it was read from.') }),
          'Metrics of labels by name; those without a label are left out.',
        ),
      }),
      'By the variant that answered.',
    ),
  },
  { title: 'Rule', description: 'What the requests of one rule came to.' },
)

/** Whose requests are evidence. */
export const ReplicasSchema = Type.Object(
  {
    contributing: count('Processes that take part, the one that decides included.'),
    differing: Type.Array(Type.String(), {
      description:
        'Names of those that do not: they run with another configuration of the service.',
    }),
  },
  { description: 'Whose requests are evidence, of the processes on the store.' },
)

/** A service as it runs now. */
export const ServiceSchema = Type.Object(
  {
    name: Type.String(),
    strategy: oneOf(
      ['canary', 'blue-green', 'fixed'],
      '`fixed` = no rollout: the configured weights hold.',
    ),
    rollout: orNull(Type.String(), 'The attempt of the rollout, or of the experiment.'),
    revision: orNull(
      Type.Integer(),
      'What `ETag` and `If-Match` speak of; null without a rollout or a fixed split.',
    ),
    phase: orNull(oneOf(PHASES)),
    step: orNull(StepSchema),
    pause: orNull(PauseSchema, 'null in every phase but `paused`.'),
    idleReason: orNull(
      oneOf(['canary-not-ready', 'manual-start']),
      'Why an idle rollout has not started.',
    ),
    watchUntil: orNull(time(), 'When a watch ends.'),
    rolledBackReason: orNull(Type.String()),
    retryFrom: orNull(
      time(),
      'When the cooldown after a rollback is over, before which `retry` needs `force`; null in every phase but `rolled-back`.',
    ),
    weights: byName(Type.Number(), 'Percent of the randomised requests, by variant.'),
    variants: byName(VariantSchema, 'By name.'),
    mirrors: byName(MirrorSchema, 'By the name of the variant that gets the copies.'),
    rules: Type.Array(RuleSchema, {
      description:
        'The rules in their order, then (`rule: null`) what none of them matched; empty where there is no rule.',
    }),
    metrics: Type.Array(MetricSchema),
    missing: Type.Array(Type.String(), {
      description: 'What the next step waits for, in sentences.',
    }),
    etaSeconds: numberOrNull(
      'Median time until the step can be left: the longest of what `missing` waits for; null = not known.',
    ),
    winner: orNull(Type.String(), 'The variant that a fixed split was promoted to.'),
    comparisons: Type.Array(ComparisonSchema, {
      description: 'One for each challenger of an experiment.',
    }),
    notice: orNull(
      Type.String(),
      'What must be said of a variant that gets requests and cannot answer, of names of upstreams that cannot be looked up, of requests that lack their key, of the process that decides, where it is another one, of what the store does not have yet, of labels that do not come while requests go on, and of how requests are shared out.',
    ),
    decider: orNull(
      Type.String(),
      'Origin of the admin API of the process that decides, whose figures are those of the evidence; null = it is this one, or none that is reached from other machines.',
    ),
    replicas: orNull(
      ReplicasSchema,
      'null where nothing is judged, or where another process decides: ask that one.',
    ),
    lastDecision: orNull(DecisionSchema),
  },
  { title: 'Service', description: 'A service as it runs now.' },
)
