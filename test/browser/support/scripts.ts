import { ERRORS, LATENCY, RMSE, weightSteps } from '../../fakes/simulated-service.ts'
import { errorOf } from '../../fakes/quick-rollout.ts'
import type { Script } from './simulated-service.ts'

const METRICS = [
  { ...ERRORS, floor: 0.005 },
  { ...LATENCY, maxChange: 0.1, sensitivity: 0.1 },
  RMSE,
]

const STEPS = weightSteps([5, 20, 50, 100], 1000).map((step) => ({
  ...step,
  minDurationMs: 20_000,
}))

const COMMON = {
  rps: 400,
  metrics: METRICS,
  spec: { steps: STEPS, watchMs: 1_800_000 },
  analysis: { intervalMs: 2000, warmUpMs: 10_000 },
} as const

/** An answer of a model whose errors vary around `rms`, in so many ms, and fails so often. */
function answer(random: () => number, rms: number, medianMs: number, failures: number) {
  return {
    outcome: random() < failures ? ('failed' as const) : ('ok' as const),
    latencyMs: medianMs * Math.exp(0.35 * (random() + random() + random() - 1.5)),
    error: errorOf(random, rms),
    labelAfterMs: 400,
  }
}

/** A canary that is a little worse, within the margin, in the middle of its way: the evidence is not there yet. */
export const UNDER_WAY: Script = {
  ...COMMON,
  name: 'credit-risk',
  versions: ['1.4', '2.0'],
  seed: 7,
  seconds: 98,
  fate: (variant, random) =>
    answer(random, variant === 'canary' ? 3.1 : 3, variant === 'canary' ? 21.8 : 21.5, 0.006),
}

/** A canary whose predictions are worse: it is rolled back for them. */
export const ROLLED_BACK: Script = {
  ...COMMON,
  name: 'fraud-score',
  versions: ['7.1', '7.2'],
  seed: 3,
  seconds: 125,
  fate: (variant, random) => answer(random, variant === 'canary' ? 3.27 : 3, 18, 0.006),
}

/** It has passed its steps up to one that waits for somebody. */
export const WAITS: Script = {
  ...COMMON,
  name: 'churn',
  versions: ['2026-10', '2026-11'],
  seed: 5,
  seconds: 140,
  spec: {
    ...COMMON.spec,
    steps: [STEPS[0]!, STEPS[1]!, { kind: 'pause', durationMs: null }, STEPS[2]!, STEPS[3]!],
  },
  metrics: [METRICS[0]!, METRICS[1]!],
  fate: (_variant, random) => answer(random, 3, 9, 0.004),
}

/** A much better canary that got to 100 % and is watched. */
export const WATCHED: Script = {
  ...COMMON,
  name: 'delivery-eta',
  versions: ['12', '13'],
  seed: 9,
  seconds: 200,
  fate: (variant, random) =>
    answer(random, variant === 'canary' ? 2.2 : 3, variant === 'canary' ? 12 : 15, 0.005),
}

/** The same, and the watch is over. */
export const PROMOTED: Script = {
  ...WATCHED,
  name: 'image-tagger',
  versions: ['0.9', '1.0'],
  seed: 11,
  seconds: 260,
  spec: { ...COMMON.spec, watchMs: 20_000 },
}

/** Nobody has started it. */
export const IDLE: Script = {
  ...COMMON,
  name: 'search-rank',
  versions: ['4', '5'],
  seed: 13,
  seconds: 20,
  spec: { ...COMMON.spec, start: 'manual' },
  fate: (_variant, random) => answer(random, 3, 30, 0.004),
}
