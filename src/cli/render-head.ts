import { kindOfSplit } from '../domain/kind-of-split.ts'
import type { ServiceJson } from '../admin/present.ts'
import { describePauseCause, describePauseEnd } from '../domain/describe-pause.ts'
import { describeRollbackCause } from '../domain/describe-rollback.ts'
import { formatWeight } from '../rollout/format.ts'
import { renderTime } from './render-command.ts'
import { renderLabelled, renderTable, type Cell, type Style } from './render.ts'

/** Builds the first lines about a service: its phase, attempt and step, and why it stands there. */
export function renderHead(service: ServiceJson, style: Style): readonly string[] {
  const bold = { text: service.name, paint: style.bold }
  if (service.phase === null) {
    return renderTable([[bold, ...describeFixed(service, style)]], '<<<<', style)
  }
  const step =
    service.step === null || service.step.kind === null
      ? []
      : [
          `step ${service.step.index + 1}/${service.step.of}${service.step.kind === 'mirror' ? ' (mirror)' : ''}`,
        ]
  const strategy = service.strategy === 'blue-green' ? ['blue-green'] : []
  const facts = [service.rollout!, ...strategy, ...step].join('  ')
  const why = describePhase(service)
  return [
    ...renderTable(
      [[bold, { text: service.phase, paint: paintPhase(service.phase, style) }, facts]],
      '<<<',
      style,
    ),
    ...(why === null ? [] : renderLabelled('because', why, style.width)),
  ]
}

function describeFixed(service: ServiceJson, style: Style): readonly Cell[] {
  if (service.strategy !== 'fixed') return ['rollout not read yet']
  const { winner } = service
  const split = winner === null ? [] : [{ text: `${winner} promoted`, paint: style.good }]
  const id = service.comparisons.length === 0 ? [] : [service.rollout!]
  return [kindOfSplit(service), ...id, ...split]
}

function describePhase(service: ServiceJson): string | null {
  const { pause } = service
  if (pause !== null) {
    const isPlanned = pause.by === 'approval' || pause.by === 'timer'
    if (service.strategy === 'blue-green' && isPlanned) {
      return `preview, reached by the override alone, until ${pause.until === null ? '`serin promote`' : renderTime(pause.until)}`
    }
    const until = pause.until === null ? '' : ` until ${renderTime(pause.until)}`
    const ends = describePauseEnd(pause, service.name)
    const keeps = isPlanned ? '' : describeKept(service)
    return `${describePauseCause(pause)}${until}${keeps}; ${ends}`
  }
  if (service.idleReason === 'manual-start') return 'waits for `serin promote`'
  if (service.idleReason === 'canary-not-ready') return 'the canary was not healthy yet'
  if (service.watchUntil !== null) {
    const held = service.weights['baseline'] ?? 0
    const rest = held === 0 ? '' : `, ${formatWeight(held)} held back`
    return `watched until ${renderTime(service.watchUntil)}${rest}`
  }
  return service.rolledBackReason === null
    ? null
    : `${describeRollbackCause(service.rolledBackReason)}; the baseline serves everything. \`serin explain ${service.name}\` says more; \`serin retry ${service.name}\`${describeCooldown(service)} begins another attempt`
}

// Whoever is called by a pause has to know first that users still get the canary's answers.
function describeKept({ weights }: ServiceJson): string {
  const canary = weights['canary'] ?? 0
  return canary === 0 ? '' : `, and the canary keeps its ${formatWeight(canary)} of the requests`
}

/** From when on a version that is rolled back can be retried, after a blank; empty where that is not known. */
export function describeCooldown({ retryFrom }: Pick<ServiceJson, 'retryFrom'>): string {
  return retryFrom === null
    ? ''
    : ` (from ${renderTime(retryFrom)} on, before that with \`--force\`)`
}

/** How a phase is painted. */
export function paintPhase(phase: string, style: Style): (text: string) => string {
  if (phase === 'promoted' || phase === 'watching') return style.good
  return phase === 'rolled-back' || phase === 'paused' ? style.bad : (text) => text
}
