import { createRandom } from '../../src/demo/seeded-random.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { forecast, type Forecast } from '../../src/rollout/forecast.ts'
import { ERRORS, RMSE, rolloutSpec, service } from '../fakes/simulated-service.ts'
import { Simulation } from '../fakes/simulation.ts'
import { planOf } from '../fakes/rollout.ts'

/** One weight that is left with proof, as a rollout of which many are simulated. */
export type Trial = {
  readonly percent: number
  readonly rps: number
  readonly errorRate: number
  readonly labelWindowMs: number
  readonly metrics?: readonly MetricSpec[]
}

/** What many rollouts took, in seconds, and what was forecast of them. */
export type TrialResult = {
  readonly p50: number
  readonly p80: number
  readonly forecast: Forecast
  /** By run: what the status said at a third of the median time, and what was left. Null = nothing was said. */
  readonly etas: readonly { readonly said: number | null; readonly left: number }[]
}

const RMS = 3

/** Simulates `runs` rollouts of a canary that is as the baseline, each from its own seed. */
export async function simulateTrial(trial: Trial, runs: number): Promise<TrialResult> {
  const { percent, rps, errorRate, labelWindowMs } = trial
  const svc = service(
    rolloutSpec({
      spec: {
        steps: [percent, 100].map((weight) => ({
          kind: 'weight',
          weightBp: weight * 100,
          minDurationMs: 1000,
          minRequests: 1000,
        })),
        maxDurationMs: 86_400_000,
      },
      analysis: {
        metrics: trial.metrics ?? [
          { ...ERRORS, floor: 0.001 },
          { ...RMSE, cap: RMS * 3.29, labelWindowMs },
        ],
      },
    }),
  )
  const expected = forecast(planOf(svc), {
    unitsPerSecond: rps,
    from: 'given',
    errorRate,
    evidence: null,
    exceedance: null,
  })
  const lookAt = expected.p50Seconds / 3
  const times: number[] = []
  const looks: { said: number | null; seconds: number }[] = []
  for (let run = 1; run <= runs; run++) {
    const random = createRandom(run)
    const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    const simulation = await Simulation.create({
      service: svc,
      random,
      rps,
      keys: 0,
      fate: () => ({
        outcome: random() < errorRate ? 'failed' : 'ok',
        latencyMs: 20,
        error: Math.abs(gaussian()) * RMS,
        labelAfterMs: labelWindowMs / 2,
      }),
    })
    let said: number | null | undefined
    await simulation.run(86_400_000, (state) => {
      const elapsed = (simulation.clock.ms - state.startedAt) / 1000
      if (said === undefined && elapsed >= lookAt)
        said = simulation.evaluator.view('svc')!.etaSeconds
      return state.step > 0 || (state.phase !== 'progressing' && state.phase !== 'idle')
    })
    const { startedAt, stepEnteredAt } = simulation.state
    const seconds = (stepEnteredAt - startedAt) / 1000
    times.push(seconds)
    if (said !== undefined) looks.push({ said, seconds })
  }
  times.sort((a, b) => a - b)
  return {
    p50: times[Math.floor(runs / 2)]!,
    p80: times[Math.floor(runs * 0.8)]!,
    forecast: expected,
    etas: looks.map(({ said, seconds }) => ({ said, left: seconds - lookAt })),
  }
}
