import { kindOfSplit } from '../domain/kind-of-split.ts'
import type { DecisionJson, ServiceJson } from '../admin/present.ts'
import { describePause } from '../domain/describe-pause.ts'
import { renderSummary, renderTime, renderWeights } from './render-command.ts'

/** Builds the line about a decision that was not seen before. */
export function describeNews({
  at,
  service,
  id,
  action,
  actor,
  summary,
  note,
  to,
}: DecisionJson): string {
  return `${renderTime(at)}  ${service}  #${id} ${action} by ${actor}: ${renderSummary({ summary, note })} (${to.phase}, ${renderWeights(to.weights)})`
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

function describeService(service: ServiceJson): string {
  const { rollout, phase, step, weights, pause, winner } = service
  return [
    phase ?? (winner === null ? kindOfSplit(service) : `${winner} promoted`),
    ...(rollout === null ? [] : [rollout]),
    ...(step === null || step.kind === null ? [] : [`step ${step.index + 1}/${step.of}`]),
    renderWeights(weights),
    ...(pause === null ? [] : [`paused ${describePause(pause.by, pause.metric)}`]),
  ].join('  ')
}
