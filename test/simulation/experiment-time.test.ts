import t from 'tap'
import { buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { forecastExperiment } from '../../src/rollout/forecast-experiment.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { CONVERSION, ERRORS } from '../fakes/simulated-service.ts'
import { simulateExperiment } from './experiment-time.ts'

const METRICS = [ERRORS, { ...CONVERSION, windowMs: 20_000, maxChange: 0.2 }]
const SPLIT = { b: 3000, c: 1000 }

t.test(
  'experiments take what the planner says, within 20 %, challenger by challenger',
  async (t) => {
    const plan = buildExperimentPlan(threeWay(METRICS, false, SPLIT), 'hash')!
    const { comparisons } = forecastExperiment(plan, {
      ...{ unitsPerSecond: 200, from: 'given', errorRate: 0.05 },
      rates: new Map([['conversion', 0.3]]),
      ...{ evidence: null, exceedance: null },
    })
    const shares = { errors: 0.05, conversion: 0.3 }
    const found = simulateExperiment(plan, { unitsPerSecond: 200, shares }, 200)
    for (const { variant, p50Seconds, p80Seconds } of comparisons) {
      const { p50, p80 } = found[variant]!
      t.ok(Math.abs(p50Seconds / p50 - 1) < 0.2, `${variant}: ${p50Seconds} s for ${p50} s`)
      t.ok(Math.abs(p80Seconds / p80 - 1) < 0.2, `${variant}: ${p80Seconds} s for ${p80} s`)
    }
  },
)
