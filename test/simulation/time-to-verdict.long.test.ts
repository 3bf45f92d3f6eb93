import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { Simulation } from '../fakes/simulation.ts'
import { forecast } from '../../src/rollout/forecast.ts'
import { planOf } from '../fakes/rollout.ts'
import {
  forecastTrial,
  RMS,
  simulateTrial,
  trafficOf,
  trialService,
  type Trial,
} from './time-to-verdict.ts'

const TRIALS: readonly Trial[] = [
  { percent: 50, rps: 500, errorRate: 0.01, labelWindowMs: 2000 },
  { percent: 20, rps: 500, errorRate: 0.01, labelWindowMs: 10_000 },
  { percent: 50, rps: 100, errorRate: 0.05, labelWindowMs: 60_000 },
  { percent: 20, rps: 300, errorRate: 0, labelWindowMs: 20_000 },
  { percent: 5, rps: 1000, errorRate: 0.05, labelWindowMs: 5000 },
]

for (const trial of TRIALS) {
  t.test(`Rollouts take what the planner says: ${JSON.stringify(trial)}`, async (t) => {
    const { p50, p80, forecast, eta } = simulateTrial(trial, 400)
    t.ok(Math.abs(forecast.p50Seconds / p50 - 1) < 0.2, `${forecast.p50Seconds} s for ${p50} s`)
    t.ok(Math.abs(forecast.p80Seconds / p80 - 1) < 0.2, `${forecast.p80Seconds} s for ${p80} s`)
    // The ETA is the longest of the metrics' medians: where two take equally long, the last is later.
    t.ok(eta.said / eta.left > 0.65 && eta.said / eta.left < 1.3, `${eta.said} s for ${eta.left} s`)
  })
}

/** Seconds that each of 200 rollouts of the whole evaluator takes until it leaves the last step below 100 %. */
async function simulateRollouts(
  rollout: ReturnType<typeof trialService>,
  { rps, errorRate }: Trial,
  keys: number,
): Promise<{ readonly p50: number; readonly p80: number }> {
  const last = rollout.rollout!.steps.length - 1
  const times: number[] = []
  for (let seed = 1; seed <= 200; seed++) {
    const random = createRandom(seed)
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    const simulation = await Simulation.create({
      service: rollout,
      random,
      rps,
      keys,
      fate: () => ({
        outcome: random() < errorRate ? 'failed' : 'ok',
        latencyMs: 20,
        error: Math.abs(normal()) * RMS,
        labelAfterMs: 500,
      }),
    })
    await simulation.run(3_600_000, ({ step, phase }) => {
      return step === last || (phase !== 'progressing' && phase !== 'idle')
    })
    times.push((simulation.clock.ms - simulation.state.startedAt) / 1000)
  }
  times.sort((a, b) => a - b)
  return { p50: times[100]!, p80: times[160]! }
}

t.test('The whole evaluator takes as long, with its ledger, books and store.', async (t) => {
  const trial = { percent: 50, rps: 1000, errorRate: 0.01, labelWindowMs: 2000 }
  const forecast = forecastTrial(trial)
  const { p50, p80 } = await simulateRollouts(trialService(trial), trial, 0)
  t.ok(Math.abs(forecast.p50Seconds / p50 - 1) < 0.2, `${forecast.p50Seconds} s for ${p50} s`)
  t.ok(Math.abs(forecast.p80Seconds / p80 - 1) < 0.2, `${forecast.p80Seconds} s for ${p80} s`)
})

t.test('So does a ramp of users, whose proof is one of all steps together.', async (t) => {
  const trial = { percent: 30, rps: 1000, errorRate: 0.01, labelWindowMs: 2000 }
  const ramp = trialService(trial, { earlierPercent: 10, keyed: true })
  const { p50Seconds, p80Seconds } = forecast(planOf(ramp), trafficOf(trial))
  // So many that each request is of a new one.
  const { p50, p80 } = await simulateRollouts(ramp, trial, 1e9)
  t.ok(Math.abs(p50Seconds / p50 - 1) < 0.2, `${p50Seconds} s for ${p50} s`)
  t.ok(Math.abs(p80Seconds / p80 - 1) < 0.2, `${p80Seconds} s for ${p80} s`)
})
