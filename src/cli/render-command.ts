import type { CommandAnswer } from '../admin/commands.ts'
import type { DecisionJson } from '../admin/present.ts'
import { describePause } from '../domain/describe-pause.ts'
import { formatWeight } from '../rollout/format.ts'

/** Writes what a command led to as one or two lines; `reason` is what the operator gave as such. */
export function renderCommandAnswer(
  { decision, pending, service }: CommandAnswer,
  reason?: string,
): string {
  const done =
    decision === null
      ? `${service.name}: ${pending ?? describeUnchanged(service, reason)}`
      : `${service.name}: decision ${decision.id} (${decision.action}): ${decision.summary}`
  return `${done}\n${service.name}: ${service.phase ?? (service.winner === null ? 'fixed' : 'promoted')}, ${renderWeights(service.weights)}\n`
}

function describeUnchanged(
  { pause }: CommandAnswer['service'],
  reason: string | undefined,
): string {
  const why = pause === null ? '' : ` (paused ${describePause(pause.by, pause.metric)})`
  const lost = ', so that no decision has the reason: it stands in the log of the gateway alone'
  return `nothing to change${why}${reason === undefined ? '' : lost}`
}

/** A decision's sentence, with the reason that whoever asked for it gave. */
export function renderSummary({ summary, note }: Pick<DecisionJson, 'summary' | 'note'>): string {
  return note === null ? summary : `${summary} Given reason: ${note}`
}

/** Weights as `baseline 80 %, canary 20 %`. */
export function renderWeights(weights: Readonly<Record<string, number>>): string {
  return Object.entries(weights)
    .map(([name, percent]) => `${name} ${formatWeight(percent)}`)
    .join(', ')
}

/**
 * The same of a moment in a span that began at `from`: without date and zone, which stand at its
 * begin, where the date is the same.
 */
export function renderTimeSince(at: string, from: string): string {
  return at.slice(0, 10) === from.slice(0, 10) ? at.slice(11, 19) : renderTime(at)
}

/** A moment of the API, to the second, in UTC, and says so (RFC 3339 section 5.6): `2027-05-01 11:59:00Z`. */
export function renderTime(at: DecisionJson['at']): string {
  return `${at.slice(0, 19).replace('T', ' ')}Z`
}
