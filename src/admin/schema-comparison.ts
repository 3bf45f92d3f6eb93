import { Type } from '../config/type.ts'
import { LogEvidenceSchema, MetricSchema } from './schema-metric.ts'
import { count, numberOrNull, oneOf, orNull } from './schema-value.ts'

const VERDICTS = ['better', 'no-worse', 'worse', 'unknown'] as const

/** A metric of a challenger, with what an experiment says of it. */
export const ComparedMetricSchema = Type.Object(
  {
    ...MetricSchema.properties,
    comparison: orNull(oneOf(VERDICTS), 'null = it is shown, and not compared.'),
    superiority: orNull(LogEvidenceSchema, 'For being better at all.'),
    missing: orNull(
      Type.String(),
      'Why it cannot be known yet, however much of the same comes (its cap is learnt first, say), in a sentence; null = more evidence is all that it takes.',
    ),
    differs: orNull(
      oneOf(['more', 'fewer']),
      'Of what guards the others (missing labels, requests without an answer, answers with a 4xx): that the challenger is shown to have more or fewer of it, so that they are read from other requests on one side than on the other; null = neither is shown.',
    ),
  },
  {
    title: 'ComparedMetric',
    description: 'A metric of a challenger: here `canary` stands for the challenger.',
  },
)

/** One challenger of an experiment against the baseline. */
export const ComparisonSchema = Type.Object(
  {
    variant: Type.String(),
    verdict: oneOf(VERDICTS, 'Over all required metrics.'),
    units: Type.Object({
      baseline: count('Units drawn for it.'),
      challenger: count('Units drawn for it.'),
    }),
    expectedShare: Type.Number({
      description: 'The share that the challenger should have of the two, 0 to 1.',
    }),
    etaSeconds: numberOrNull('Median time until nothing required is unknown; null = not known.'),
    ratioMismatch: LogEvidenceSchema,
    mismatched: Type.Boolean({
      description:
        'Requests are not shared out as drawn: nothing of the comparison can be relied on.',
    }),
    metrics: Type.Array(ComparedMetricSchema),
  },
  { title: 'Comparison', description: 'One challenger of an experiment against the baseline.' },
)
