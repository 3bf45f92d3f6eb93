import { describePause } from '../../../domain/describe-pause.ts'
import { describeRollback } from '../../../domain/describe-rollback.ts'
import type { ServiceSummaryJson } from '../../present-summary.ts'
import { downOf } from '../parts/down-of.ts'

/** How much a service wants somebody to look: 0 = now, 1 = it moves, 2 = all is quiet. */
export type Attention = 0 | 1 | 2

/** Why a service wants somebody to look at it, in a few words; null = it does not. */
export function concernOf(service: ServiceSummaryJson): string | null {
  const { phase, pause, figures, weights, verdicts } = service
  const down = downOf(figures, weights)
  if (down !== null) return `${down} has no healthy upstream`
  if (phase === 'rolled-back')
    return describeRollback(service.rolledBackReason ?? 'an unknown reason')
  if (phase === 'paused' && pause !== null && pause.by !== 'timer') {
    return pause.by === 'approval' ? 'waits for an approval' : describePause(pause.by, pause.metric)
  }
  if (phase === 'idle') {
    return service.idleReason === 'manual-start' ? 'waits to be started' : 'the canary is not ready'
  }
  for (const [verdict, concern] of CONCERNS) {
    const found = Object.entries(verdicts).find(([, each]) => each === verdict)
    if (found !== undefined) return `${found[0]} ${concern}`
  }
  return null
}

/** What a verdict is a concern for; what weighs most comes first. */
const CONCERNS: readonly (readonly [ServiceSummaryJson['verdicts'][string], concern: string])[] = [
  ['failed', 'is worse'],
  ['worse', 'is worse'],
  ['beyond-limit', 'is beyond its limit'],
  ['shift', 'has shifted'],
  ['error', 'cannot be read'],
]

/** How much a service wants somebody to look. */
export function attentionOf(service: ServiceSummaryJson): Attention {
  if (concernOf(service) !== null) return 0
  return service.phase === null || service.phase === 'promoted' ? 2 : 1
}

/** Those that want somebody to look come first; among equals the name decides, so that rows keep their places. */
export function byAttention(a: ServiceSummaryJson, b: ServiceSummaryJson): number {
  return attentionOf(a) - attentionOf(b) || a.name.localeCompare(b.name)
}
