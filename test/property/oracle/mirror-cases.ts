import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { MetricSpec, MirrorStepSpec } from '../../../src/domain/rollout-spec.ts'
import type { Service } from '../../../src/domain/service.ts'
import {
  ACCURACY,
  ERRORS,
  RMSE,
  rolloutSpec,
  service,
  weightSteps,
} from '../../fakes/simulated-service.ts'
import type { CopyFate, Fate } from '../../fakes/simulation.ts'

export const WINDOW_MS = 3000

const ANSWERS: Extract<MetricSpec, { kind: 'disagreement' }> = {
  ...{ name: 'answers', kind: 'disagreement', mode: 'decide', onFailure: 'rollback' },
  ...{ better: 'lower', maxChange: null, sensitivity: 0, max: 0.05, min: null },
}

const METRICS: readonly MetricSpec[] = [
  ERRORS,
  { ...ERRORS, name: 'margin', maxChange: 0.2, floor: 0.001 },
  { ...ERRORS, name: 'small', maxChange: 0.05, floor: 0 },
  ANSWERS,
  { ...ANSWERS, name: 'few', max: 0.3 },
  { ...RMSE, cap: 6, maxChange: 0.05, labelWindowMs: WINDOW_MS },
  { ...RMSE, name: 'mae', kind: 'mae', cap: 4, maxChange: 0, labelWindowMs: WINDOW_MS },
  { ...RMSE, name: 'near', cap: 6, maxChange: 0.005, labelWindowMs: WINDOW_MS },
  { ...ACCURACY, labelWindowMs: WINDOW_MS },
]

/** A mirror step that a seed draws. */
export type MirrorCase = {
  readonly seed: number
  readonly service: Service
  readonly metrics: readonly MetricSpec[]
  readonly segments: readonly string[]
  readonly mirror: MirrorStepSpec
  readonly fate: (random: () => number) => Fate
  readonly copy: (random: () => number, request: Fate) => CopyFate
}

export function drawMirror(seed: number): MirrorCase {
  const random = createRandom(seed * 32_452_843)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  const segments = random() < 0.3 ? ['gold', 'other'] : []
  const metrics = METRICS.toSorted(() => random() - 0.5)
    .slice(0, pick([1, 2, 3]))
    // A disagreement is that of all.
    .map((metric) =>
      segments.length === 0 || metric.kind === 'disagreement' ? metric : { ...metric, segments },
    )
  const mirror: MirrorStepSpec = {
    ...{ kind: 'mirror', share: 1, minDurationMs: 5000, minRequests: pick([800, 1e6]) },
    ...{ maxBytes: 1024, tolerance: 0 },
  }
  const [failing, other, worse] = [0.1 * random(), 0.1 * random(), pick([1, 1, 1, 1.3, 2])]
  // Where users label answers, none comes for a request without.
  const labelsFailed = random() < 0.5
  const steps = [mirror, ...weightSteps([5, 100])]
  return {
    ...{ seed, metrics, segments, mirror },
    service: service(rolloutSpec({ spec: { steps }, analysis: { metrics, warmUpMs: 1000 } })),
    fate: (draw) => {
      const outcome = draw() < failing ? 'failed' : 'ok'
      const isLabelled = draw() >= 0.2 && (outcome === 'ok' || labelsFailed)
      return {
        outcome,
        latencyMs: 5 + 50 * draw(),
        // Of which some are the same number as the label.
        error: !isLabelled ? null : draw() < 0.4 ? 0 : Math.round(10 * (draw() - 0.5)),
        labelAfterMs: 300 + 1500 * draw(),
        prediction: Math.floor(10 * draw()),
      }
    },
    copy: (draw, { outcome, prediction }) => {
      const isAs = draw() < 0.7
      const failed = isAs ? outcome === 'failed' : draw() < failing * worse
      const moved =
        draw() < other * worse ? prediction! + Math.round(8 * (draw() - 0.5)) : prediction!
      const disagreed =
        draw() < 0.05 ? null : failed !== (outcome === 'failed') || moved !== prediction
      return { failed, disagreed, latencyMs: 5 + 200 * draw(), prediction: moved }
    },
  }
}
