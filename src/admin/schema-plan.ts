import { Type } from '../config/type.ts'
import { count, numberOrNull, oneOf } from './schema-value.ts'

const times = {
  p50Seconds: numberOrNull(
    'Half of the rollouts (experiments) have it within so many seconds; null = never.',
  ),
  p80Seconds: numberOrNull('Four of five have it within so many seconds; null = never.'),
}

/** How soon something happens. */
export const TimesSchema = Type.Object(times)

/** One metric of a step, or of a challenger. */
export const MetricPlanSchema = Type.Object({
  name: Type.String(),
  regression: Type.Number({ description: 'The change for the worse that `see` is about.' }),
  see: TimesSchema,
  margin: Type.Number({ description: 'The change that `prove` excludes.' }),
  floor: Type.Number(),
  prove: TimesSchema,
})

/** One step of a plan. */
export const StepPlanSchema = Type.Object({
  ...times,
  index: count('Among all steps, from 0.'),
  weight: Type.Number({ description: 'Percent; 0 = a mirror.' }),
  proves: Type.Boolean({
    description: 'It is left only with the proof that the canary is no worse.',
  }),
  slowest: Type.String({ description: 'What takes longest.' }),
  minimums: Type.Array(
    Type.Object({ name: Type.String(), seconds: numberOrNull('null = never.') }),
  ),
  metrics: Type.Array(MetricPlanSchema),
})

/** The traffic that a plan reckons with; each field is one of the plan. */
export const TrafficPlanSchema = Type.Object({
  unit: oneOf(['request', 'key']),
  unitsPerSecond: Type.Number(),
  trafficFrom: oneOf(['given', 'observed']),
  baseline: Type.Array(
    Type.Object({
      name: Type.String(),
      value: numberOrNull('null = only the shape of the distribution matters.'),
      text: Type.String({ description: 'The value with its unit.' }),
      from: oneOf(['given', 'observed', 'assumed']),
    }),
    { description: 'What the baseline is taken to be.' },
  ),
})

/** How long a rollout takes. */
export const PlanSchema = Type.Object(
  {
    ...times,
    service: Type.String(),
    versions: Type.Object({ baseline: Type.String(), canary: Type.String() }),
    strategy: oneOf(['canary', 'blue-green']),
    watchWeight: Type.Number({ description: "The canary's weight in the watch, percent." }),
    ...TrafficPlanSchema.properties,
    steps: Type.Array(StepPlanSchema),
    pauseSeconds: Type.Number({
      description: 'Timed pauses, which are in the times of the whole.',
    }),
    approvals: count('Pauses that wait for somebody, and are in no time.'),
    maxDurationSeconds: Type.Number(),
    fits: Type.Boolean({ description: 'Four of five are through within `maxDuration`.' }),
    suggestions: Type.Array(Type.String(), {
      description: 'Each is enough alone. Empty where it fits.',
    }),
  },
  { title: 'Plan', description: 'How long the rollout of a canary that is as good takes.' },
)
