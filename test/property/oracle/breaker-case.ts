import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { MetricSpec } from '../../../src/domain/rollout-spec.ts'
import type { Service } from '../../../src/domain/service.ts'
import { ACCURACY, CONVERSION, ERRORS, LATENCY } from '../../fakes/simulated-service.ts'
import { drawCase, type Case, type Fate } from './cases.ts'

const WINDOW_MS = 2000

/** What hardly rolls back by evidence, so that the breaker is what does. */
const METRICS: readonly MetricSpec[] = [
  { ...ERRORS, onFailure: 'warn' },
  { ...ERRORS, maxChange: null, max: 0.9, onFailure: 'pause' },
  { ...LATENCY, quantile: 0.5, maxChange: 3, onFailure: 'pause' },
  { ...ACCURACY, onFailure: 'pause', labelWindowMs: WINDOW_MS, minLabels: 20 },
  { ...CONVERSION, maxChange: 0.9, onFailure: 'warn', windowMs: WINDOW_MS },
]

/** How a variant is broken from a moment on, for a while: `of` = for which of its keys. */
type Fault = {
  readonly variant: string
  readonly from: number
  readonly to: number
  readonly how: 'fails' | 'refuses' | 'hangs' | 'is left' | 'is at fault'
  readonly share: number
}

/** A life in which one variant breaks, or both do, in the way that the breaker is for. */
export function drawBreakerCase(seed: number): Case {
  const life = drawCase(seed)
  const random = createRandom(seed * 611_953)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  // What a process counts for limits is in the figures of all of them.
  const isAlone = life.gateways === 1 && life.restart === null
  const metrics = METRICS.filter(({ max }) => isAlone || max === null)
    .toSorted(() => random() - 0.5)
    .slice(0, 1 + Math.floor(random() * 2))
  const faults = Array.from({ length: 1 + Math.floor(3 * random()) }, (_, n): Fault => {
    const from = pick([0, 3000, 6000, 12_000]) + 2000 * random()
    return {
      variant: n === 0 ? pick(['canary', 'canary', 'baseline']) : pick(['canary', 'baseline']),
      ...{ from, to: from + pick([1500, 4000, 30_000]) },
      how: pick(['fails', 'fails', 'refuses', 'hangs', 'is left', 'is at fault']),
      share: pick([0.3, 0.45, 0.55, 0.7, 1]),
    }
  })
  const rollout = life.service.rollout!
  const breakerFailures = pick([0.5, 0.5, 0.5, 0.3, 0.8])
  const warmUpMs = pick([1000, 4000])
  const analysis = { ...rollout.analysis, metrics, breakerFailures, warmUpMs }
  const service: Service = { ...life.service, rollout: { ...rollout, analysis } }
  const restart = life.restart && { ...life.restart, isKilled: false }
  return {
    ...{ ...life, metrics, service, segments: [], restart },
    keys: life.keys === 0 ? 0 : pick([8, 40, 400]),
    requestMs: pick([5, 12.5, 25, 62.5, 125]),
    fate: (draw, variant, elapsedMs) => {
      const fate = life.fate(draw, variant, elapsedMs)
      const fault = faults.find(
        (each) => each.variant === variant && each.from <= elapsedMs && elapsedMs < each.to,
      )
      return fault !== undefined && draw() < fault.share ? broken(fate, fault) : fate
    },
  }
}

function broken(fate: Fate, { how }: Fault): Fate {
  switch (how) {
    case 'fails':
      return { ...fate, outcome: 'failed', latencyMs: 3 }
    case 'refuses':
      return { ...fate, outcome: 'ok', status: 404 }
    case 'hangs':
      return { ...fate, outcome: 'no_answer', latencyMs: 3000 }
    case 'is left':
      return { ...fate, outcome: 'client_closed', latencyMs: 1000 }
    // Turned away at its door: no attempt of the server has failed.
    case 'is at fault':
      return { ...fate, outcome: 'rejected', latencyMs: 1 }
  }
}
