import { Type } from '../config/type.ts'
import { MetricPlanSchema, TimesSchema, TrafficPlanSchema } from './schema-plan.ts'
import { oneOf, orNull } from './schema-value.ts'

/** One metric of a challenger. */
export const ChallengedMetricSchema = Type.Object({
  ...MetricPlanSchema.properties,
  improvement: Type.Number({ description: 'The change for the better that `better` is about.' }),
  better: orNull(
    TimesSchema,
    'To show a challenger better that is so by `improvement`; null = it is not asked of this metric.',
  ),
})

/** One challenger of an experiment. */
export const ComparisonPlanSchema = Type.Object({
  ...TimesSchema.properties,
  variant: Type.String(),
  version: Type.String(),
  weight: Type.Number({ description: 'Percent of all requests.' }),
  slowest: orNull(
    Type.String(),
    'What takes longest; null = no metric decides, so that nothing is said over all.',
  ),
  metrics: Type.Array(ChallengedMetricSchema),
})

/** How long an experiment takes. */
export const ExperimentPlanSchema = Type.Object(
  {
    service: Type.String(),
    strategy: oneOf(['fixed'], 'What tells it from the plan of a rollout.'),
    baselineVersion: Type.String(),
    ...TrafficPlanSchema.properties,
    comparisons: Type.Array(ComparisonPlanSchema, {
      description:
        'By challenger; its times are those until nothing required is unknown of it, were it as good as the baseline.',
    }),
    suggestions: Type.Array(Type.String(), {
      description: 'Each alone is enough for half of the time of the slowest challenger.',
    }),
  },
  {
    title: 'ExperimentPlan',
    description: 'How long it takes, from the beginning, to compare variants at fixed weights.',
  },
)
