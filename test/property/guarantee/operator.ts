import type { Random } from '../../../bench/calibration/random.ts'
import type { Command } from '../../../src/domain/decision.ts'
import type { RolloutState } from '../../../src/domain/rollout-state.ts'
import type { Life } from './draw-life.ts'

const BY = { actor: 'operator', note: null } as const

/** What somebody does at a look, if anything; `isWorst`: the evidence against the canary was never as strong. */
export function drawCommand(
  random: Random,
  state: RolloutState,
  { hand, traffic }: Life,
  isWorst: boolean,
): Command | null {
  const isHeld = state.phase === 'paused' && state.pausedBy !== 'timer'
  if (isHeld && state.pausedBy === 'approval') {
    return random() < 0.05 ? { ...BY, verb: 'promote', full: false } : null
  }
  if (hand === 'none') return null
  if (isHeld) return random() < 0.05 ? { ...BY, verb: 'resume' } : null
  if (state.phase !== 'progressing') return null
  // About three in a life, whose looks are about one a second.
  const isNow = hand === 'worst' ? isWorst && random() < 0.5 : random() < 3 / traffic.seconds
  if (!isNow || state.weightBp === 0) return null
  const what = random()
  if (what < 0.3) return { ...BY, verb: 'pause' }
  if (what < 0.6) return { ...BY, verb: 'weights', canaryBp: Math.round(1 + 9900 * random() ** 2) }
  if (what < 0.8) return { ...BY, verb: 'weights', canaryBp: Math.round(state.weightBp / 2) }
  return { ...BY, verb: 'promote', full: false }
}
