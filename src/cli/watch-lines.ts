import type { DecisionJson, ServiceJson } from '../admin/present.ts'
import { describePause } from '../domain/describe-pause.ts'
import { renderTime, renderWeights } from './render-command.ts'

/** Builds the line about a decision that was not seen before. */
export function describeNews({
  at,
  service,
  id,
  action,
  actor,
  summary,
  to,
}: DecisionJson): string {
  return `${renderTime(at)}  ${service}  #${id} ${action} by ${actor}: ${summary} (${to.phase}, ${renderWeights(to.weights)})`
}

/**
 * Builds the lines about what has changed of a service beside its decisions; `before: null` = it is seen for
 * the first time. `now` in ms since the epoch.
 */
export function describeChanges(
  before: ServiceJson | null,
  service: ServiceJson,
  now: number,
): readonly string[] {
  const prefix = `${renderTime(new Date(now).toISOString())}  ${service.name}`
  // A new decision says where it led to by itself.
  const isTold = before !== null && before.lastDecision?.id !== service.lastDecision?.id
  const stands = describeService(service)
  return [
    ...(isTold || (before !== null && describeService(before) === stands)
      ? []
      : [`${prefix}  ${stands}`]),
    ...(before === null || before.rollout !== service.rollout
      ? []
      : service.metrics.flatMap(({ name, verdict }) => {
          const was = before.metrics.find((metric) => metric.name === name)?.verdict
          return was === undefined || was === verdict
            ? []
            : [`${prefix}  ${name}: ${was} -> ${verdict}`]
        })),
  ]
}

function describeService({ rollout, phase, step, weights, pause, winner }: ServiceJson): string {
  return [
    phase ?? (winner === null ? 'fixed weights' : `${winner} promoted`),
    ...(rollout === null ? [] : [rollout]),
    ...(step === null || step.kind === null ? [] : [`step ${step.index + 1}/${step.of}`]),
    renderWeights(weights),
    ...(pause === null ? [] : [`paused ${describePause(pause.by, pause.metric)}`]),
  ].join('  ')
}
