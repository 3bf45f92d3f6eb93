import { readsAnswer, type MetricSpec } from '../domain/rollout-spec.ts'

/**
 * Numbers that an event must bring, by the event's name and then by field (null stands for its own `value`), and
 * which of them are taken: those that are means alone are from 0 on.
 */
export type EventFields = ReadonlyMap<string, ReadonlyMap<string | null, 'any' | 'from 0'>>

/** The events that some metric counts, and the numbers that are read from each. */
export function eventFieldsOf(metrics: readonly MetricSpec[]): EventFields {
  const fields = new Map<string, Map<string | null, 'any' | 'from 0'>>()
  const count = (event: string) => {
    const numbers = fields.get(event) ?? new Map<string | null, 'any' | 'from 0'>()
    fields.set(event, numbers)
    return numbers
  }
  for (const metric of metrics) {
    if (metric.kind === 'conversion') count(metric.event)
    // Refunds count against a total, also where a mean of the same numbers does without them.
    if (metric.kind === 'sum') count(metric.event).set(metric.field, 'any')
    if (metric.kind === 'mean' && metric.from.in === 'event') {
      const { event, field } = metric.from
      const numbers = count(event)
      numbers.set(field, numbers.get(field) ?? 'from 0')
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
  const pointers = metrics.flatMap((metric) => (readsAnswer(metric) ? [metric.from.pointer] : []))
  return [...new Set(pointers)]
}
