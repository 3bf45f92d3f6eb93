import type { Command, Decision } from '../domain/decision.ts'
import { bpToPercent } from '../domain/units.ts'
import { DOWN_AFTER_MS, NO_TRAFFIC_AFTER_MS, type Observation } from './observation.ts'
import { EVALUATOR } from './transition.ts'

/** What cohorts do not know, as the log has it: an operator's command, or something of the world. */
export type Outside = {
  readonly at: number
  readonly command?: Command
  /** What was seen beside the cohorts at `now`. */
  readonly world: (now: number) => Partial<Observation>
}

const NOTHING = () => ({})
const NO_ATTEMPTS = { attempts: 0, failures: 0, clientErrors: 0 }

/** What led to a decision from outside of the evidence; null where the evidence (or the time) did. */
export function outsideOf(decision: Decision): Outside | null {
  const { at, actor, reason } = decision
  // The breaker of another replica speaks in its own name.
  const world = WORLDS[reason]
  if (world !== undefined) return { at, world }
  const command = actor === EVALUATOR ? null : commandOf(decision)
  return command === null ? null : { at, command, world: NOTHING }
}

/** What the gates of that reason saw. */
const WORLDS: Readonly<Record<string, Outside['world']>> = {
  'variant-down': () => ({ canary: { ready: false, downForMs: DOWN_AFTER_MS, failing: false } }),
  breaker: () => ({ breaker: { tripped: true, canary: NO_ATTEMPTS, baseline: NO_ATTEMPTS } }),
  baseline: () => ({ baseline: { ready: true, downForMs: 0, failing: true } }),
  'no-traffic': (now) => ({ lastRequestAt: now - NO_TRAFFIC_AFTER_MS }),
}

function commandOf({ action, actor, note, reason, from, to }: Decision): Command | null {
  if (reason !== 'operator') return null
  const by = { actor, note }
  switch (action) {
    case 'start':
    case 'advance':
    case 'promote':
      return { ...by, verb: 'promote', full: to.phase === 'watching' && to.step > from.step + 1 }
    case 'rollback':
      return { ...by, verb: 'abort' }
    case 'pause':
    case 'resume':
    case 'undo':
      return { ...by, verb: action }
    case 'override':
      return {
        ...by,
        verb: 'weights',
        canaryBp: Math.round(to.weights['canary']! / bpToPercent(1)),
      }
    default:
      // A retry begins an attempt; nobody holds by hand.
      return null
  }
}
