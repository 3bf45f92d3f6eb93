import type { MetricSpec } from '../domain/rollout-spec.ts'
import type { Service } from '../domain/service.ts'
import { formatCount } from '../rollout/format.ts'
import { teachingValues } from '../rollout/teaching-values.ts'
import type { Finding } from './problem.ts'

/**
 * Metrics of an experiment that begin with a time in which nothing is judged: of few people come the numbers of events that
 * teach a cap, and nobody waits for a minimum of them, as in a rollout. Labels and answers come soon, and are left out.
 */
export function lintExperiment({ name, experiment }: Service): readonly Finding[] {
  return (experiment?.metrics ?? []).flatMap((metric) => {
    const values = teachingValues(metric)
    if (values === null || !isOfEvents(metric)) return []
    const who =
      metric.kind === 'sum' ? 'units of the baseline with an event' : 'events of the baseline'
    return {
      path: ['services', name, 'analysis', 'metrics', metric.name],
      message: `has no cap, which is learnt first: the first ${formatCount(values)} ${who} teach it, and nothing is judged before, nor are they later; set cap to a value that hardly any is above`,
    }
  })
}

function isOfEvents(metric: MetricSpec): boolean {
  return metric.kind === 'sum' || (metric.kind === 'mean' && metric.from.in === 'event')
}
