import type { RolloutSpec, StepSpec } from '../../../src/domain/rollout-spec.ts'
import type { Service } from '../../../src/domain/service.ts'
import { ERRORS, RMSE, rolloutSpec, service } from '../../fakes/simulated-service.ts'

/** What a configuration says of the one service of these worlds. */
export type Configuration = {
  readonly baseline: string
  readonly canary: string
  readonly steps: keyof typeof STEPS
  readonly metrics: keyof typeof METRICS
  readonly holdbackBp: number
  readonly start: RolloutSpec['start']
  readonly onInconclusive: RolloutSpec['onInconclusive']
  /** `absent`: the service is gone; `fixed split`: it has an A/B test between renamed variants instead. */
  readonly kind: 'rollout' | 'fixed split' | 'absent'
}

export const COOLDOWN_MS = 60_000

const weights = (...percents: readonly number[]): readonly StepSpec[] =>
  percents.map((percent) => ({
    kind: 'weight',
    weightBp: percent * 100,
    minDurationMs: 1000,
    minRequests: 20,
  }))

const pause = (durationMs: number | null): StepSpec => ({ kind: 'pause', durationMs })

const STEPS = {
  plain: weights(10, 50, 100),
  fewer: weights(30, 100),
  approval: [...weights(10), pause(null), ...weights(50, 100)],
  timed: [pause(1000), ...weights(10), pause(2000), ...weights(100)],
  'blue-green': [pause(null), ...weights(100)],
} as const

// So wide that a few seconds of traffic prove or refute them.
const LOOSE_ERRORS = { ...ERRORS, floor: 0.3 }
const LOOSE_RMSE = { ...RMSE, maxChange: 1, sensitivity: 1, minLabels: 20, labelWindowMs: 500 }

const METRICS = {
  errors: [LOOSE_ERRORS],
  'errors and rmse': [LOOSE_ERRORS, LOOSE_RMSE],
  'errors, rmse that pauses': [LOOSE_ERRORS, { ...LOOSE_RMSE, onFailure: 'pause' }],
} as const

/** The service of a configuration; null where it has none. */
export function serviceOf(of: Configuration): Service | null {
  if (of.kind === 'absent') return null
  if (of.kind === 'fixed split') return fixedSplit()
  const built = service(
    rolloutSpec({
      spec: {
        strategy: of.steps === 'blue-green' ? 'blue-green' : 'canary',
        start: of.start,
        steps: STEPS[of.steps],
        holdbackBp: of.holdbackBp,
        onInconclusive: of.onInconclusive,
        watchMs: 5000,
        cooldownMs: COOLDOWN_MS,
        maxDurationMs: 120_000,
      },
      analysis: { metrics: METRICS[of.metrics], warmUpMs: 500 },
    }),
  )
  const [baseline, canary] = built.variants
  return {
    ...built,
    variants: [
      { ...baseline!, version: of.baseline },
      { ...canary!, version: of.canary },
    ],
  }
}

function fixedSplit(): Service {
  const built = service(null)
  return {
    ...built,
    variants: built.variants.map((v) => (v.name === 'canary' ? { ...v, name: 'challenger' } : v)),
    split: { ...built.split, weightsBp: { challenger: 5000 } },
  }
}
