import type { MetricSpec } from '../domain/rollout-spec.ts'

/** Numbers that an event must bring, by the event's name; null stands for its own `value`. */
export type EventFields = ReadonlyMap<string, ReadonlySet<string | null>>

/** The events that some metric counts, and the numbers that are read from each. */
export function eventFieldsOf(metrics: readonly MetricSpec[]): EventFields {
  const fields = new Map<string, Set<string | null>>()
  const count = (event: string, ...numbers: (string | null)[]) => {
    fields.set(event, new Set([...(fields.get(event) ?? []), ...numbers]))
  }
  for (const metric of metrics) {
    if (metric.kind === 'conversion') count(metric.event)
    if (metric.kind === 'sum') count(metric.event, metric.field)
    if (metric.kind === 'mean' && metric.from.in === 'event') {
      count(metric.from.event, metric.from.field)
    }
    if (metric.kind === 'ratio') {
      count(metric.numerator)
      count(metric.denominator)
    }
  }
  return fields
}

/** The pointers into the answer whose numbers metrics are means of, each once. */
export function answerPointersOf(metrics: readonly MetricSpec[]): readonly string[] {
  const pointers = metrics.flatMap((metric) =>
    metric.kind === 'mean' && metric.from.in === 'answer' ? [metric.from.pointer] : [],
  )
  return [...new Set(pointers)]
}
