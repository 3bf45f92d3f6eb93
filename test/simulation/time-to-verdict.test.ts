import t from 'tap'
import { simulateTrial } from './time-to-verdict.ts'

t.test(
  'Half, and four of five, of 200 rollouts take what the planner says, within 20 %.',
  async (t) => {
    const trial = { percent: 50, rps: 100, errorRate: 0.05, labelWindowMs: 5000 }
    const { p50, p80, forecast, eta } = simulateTrial(trial, 200)
    t.ok(Math.abs(forecast.p50Seconds / p50 - 1) < 0.2, `${forecast.p50Seconds} s for ${p50} s`)
    t.ok(Math.abs(forecast.p80Seconds / p80 - 1) < 0.2, `${forecast.p80Seconds} s for ${p80} s`)
    t.ok(Math.abs(eta.said / eta.left - 1) < 0.3, `halfway ${eta.said} s for ${eta.left} s`)
  },
)
