import type { ServiceJson } from '../../../src/admin/present.ts'

/** What is known of one metric, by what it is about and where its rollout stands. */
export type KnownEvidence = ReadonlyMap<string, number>

/** How many units each metric that is judged by evidence has, of services as who decides shows them. */
export function knownEvidence(services: readonly ServiceJson[]): KnownEvidence {
  return new Map(
    services.flatMap(({ name, rollout, phase, step, metrics }) =>
      metrics
        // A quantile is shown with what its process has seen of the step.
        .filter(({ kind }) => kind !== 'latency')
        .filter(
          ({ evidence: { harm, nonInferiority } }) => harm !== null || nonInferiority !== null,
        )
        .map((metric) => {
          const about = `${metric.name} of ${name} (${rollout}, ${phase} in step ${step?.index})`
          return [about, (metric.baseline?.n ?? 0) + (metric.canary?.n ?? 0)] as const
        }),
    ),
  )
}

/** What was known and is not any more, where a rollout stands as it stood; empty = all of it is known. */
export function forgotten(before: KnownEvidence, after: KnownEvidence): readonly string[] {
  return [...before].flatMap(([about, units]) => {
    const now = after.get(about)
    return now === undefined || now >= units ? [] : [`${about} had ${units} units and has ${now}`]
  })
}
