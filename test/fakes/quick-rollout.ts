import { createRandom } from '../../src/demo/seeded-random.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import type { Service } from '../../src/domain/service.ts'
import { ERRORS, RMSE, rolloutSpec, service, weightSteps } from './simulated-service.ts'
import { Simulation, type Fate, type SimulationOptions } from './simulation.ts'

/** What a request of a good model meets. */
export const GOOD: Fate = { outcome: 'ok', latencyMs: 20, error: 3, labelAfterMs: 500 }

/** A rollout whose steps last 2 s and need 50 canary units each. */
export function quickService(
  change: Parameters<typeof rolloutSpec>[0] = {},
  keyed = false,
): Service {
  const steps = weightSteps([5, 20, 50, 100], 50).map((s) => ({ ...s, minDurationMs: 2000 }))
  const spec = { steps, watchMs: 2000, ...change.spec }
  return service(
    rolloutSpec({ spec, analysis: { metrics: [ERRORS, RMSE], ...change.analysis } }),
    keyed,
  )
}

/** An absolute error; their squares vary around `rms`². */
export function errorOf(random: () => number, rms: number): number {
  return rms * Math.sqrt(3) * random()
}

/** 3,000 requests a second to a quick rollout; `fate` says how a request differs from a good one. */
export function simulate(
  seed: number,
  keys: number,
  fate: (
    random: () => number,
    variant: string,
    ms: number,
    segment: string | null,
  ) => Partial<Fate>,
  metrics: readonly MetricSpec[] = [ERRORS, RMSE],
  change: Partial<SimulationOptions> = {},
): Promise<Simulation> {
  const random = createRandom(seed)
  const options: SimulationOptions = {
    service: quickService({ analysis: { metrics } }, keys > 0),
    random,
    rps: 3000,
    keys,
    fate: (variant, ms, segment) => ({
      ...GOOD,
      error: errorOf(random, 3),
      ...fate(random, variant, ms, segment),
    }),
  }
  // Not spread: a getter among the changes is read at each request.
  return Simulation.create(
    Object.defineProperties(options, Object.getOwnPropertyDescriptors(change)),
  )
}
