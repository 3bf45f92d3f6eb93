import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { Simulation } from '../fakes/simulation.ts'
import { forecastTrial, RMS, simulateTrial, trialService, type Trial } from './time-to-verdict.ts'

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

t.test('The whole evaluator takes as long, with its ledger, books and store.', async (t) => {
  const trial = { percent: 50, rps: 1000, errorRate: 0.01, labelWindowMs: 2000 }
  const forecast = forecastTrial(trial)
  const times: number[] = []
  for (let seed = 1; seed <= 200; seed++) {
    const random = createRandom(seed)
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    const simulation = await Simulation.create({
      service: trialService(trial),
      random,
      rps: trial.rps,
      keys: 0,
      fate: () => ({
        outcome: random() < trial.errorRate ? 'failed' : 'ok',
        latencyMs: 20,
        error: Math.abs(normal()) * RMS,
        labelAfterMs: 500,
      }),
    })
    await simulation.run(3_600_000, ({ step, phase }) => {
      return step > 0 || (phase !== 'progressing' && phase !== 'idle')
    })
    const { startedAt } = simulation.state
    times.push((simulation.clock.ms - startedAt) / 1000)
  }
  times.sort((a, b) => a - b)
  const [p50, p80] = [times[100]!, times[160]!]
  t.ok(Math.abs(forecast.p50Seconds / p50 - 1) < 0.2, `${forecast.p50Seconds} s for ${p50} s`)
  t.ok(Math.abs(forecast.p80Seconds / p80 - 1) < 0.2, `${forecast.p80Seconds} s for ${p80} s`)
})
