import { Type } from '../config/type.ts'
import { byName, orNull, time } from './schema-value.ts'

const ColumnSchema = Type.Array(orNull(Type.Number()), {
  description: 'A number for each moment; null = not known then, or without bound.',
})

const EvidenceHistorySchema = Type.Object({
  log: ColumnSchema,
  threshold: orNull(Type.Number(), 'The one that decides now; null = nothing is asked.'),
})

/** One metric over time. */
export const MetricHistorySchema = Type.Object({
  name: Type.String(),
  baseline: ColumnSchema,
  canary: ColumnSchema,
  ratio: Type.Object({ estimate: ColumnSchema, lower: ColumnSchema, upper: ColumnSchema }),
  harm: EvidenceHistorySchema,
  nonInferiority: EvidenceHistorySchema,
})

/** One variant's traffic over time. */
export const TrafficHistorySchema = Type.Object({
  requests: ColumnSchema,
  errors: ColumnSchema,
  p95Ms: ColumnSchema,
})

/** How an attempt went: every column is as long as `at`, the oldest first. */
export const HistorySchema = Type.Object({
  service: Type.String(),
  rollout: orNull(
    Type.String(),
    'Names the attempt; null = nothing was noted since the process began.',
  ),
  at: Type.Array(time()),
  weights: byName(ColumnSchema, 'In percent, by variant.'),
  variants: byName(
    TrafficHistorySchema,
    'By variant: counters since the process began, latency in ms. Empty with `gateway.workers`: no worker knows what all of them count.',
  ),
  metrics: Type.Array(MetricHistorySchema),
})
