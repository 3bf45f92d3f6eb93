import type { FastifyBaseLogger } from 'fastify'
import { rolloutId } from './domain/rollout-state.ts'
import { bpToPercent } from './domain/units.ts'
import type { RolloutView } from './rollout/view.ts'

/** Says where a rollout goes on after a start; nothing of one that has not begun. */
export function logResumed(
  { state, steps, lastDecision }: RolloutView,
  log: Pick<FastifyBaseLogger, 'info'>,
): void {
  if (lastDecision === null || state.phase === 'idle') return
  const { service, phase, step, weightBp } = state
  const rollout = rolloutId(state)
  const isUnderWay = phase === 'progressing' || phase === 'paused'
  const where = isUnderWay ? ` at step ${step + 1} of ${steps}` : ''
  log.info(
    { service, rollout, phase, stepIndex: step, decision: lastDecision.id },
    `${rollout} is ${phase}${where}: the canary has ${bpToPercent(weightBp)} %`,
  )
}
