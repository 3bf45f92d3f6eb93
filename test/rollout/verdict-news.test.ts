import t from 'tap'
import type { Comparison, ComparisonVerdict } from '../../src/domain/comparison.ts'
import type { MetricReport } from '../../src/domain/verdict.ts'
import { reconcileExperiment } from '../../src/rollout/experiment.ts'
import { buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { tellVerdict } from '../../src/rollout/verdict-news.ts'
import { fakeMetric } from '../admin/fake-deps.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { ERRORS } from '../fakes/simulated-service.ts'

const PLAN = buildExperimentPlan(threeWay([ERRORS]), 'hash')!
const { state } = reconcileExperiment(PLAN, null, { now: 0, actor: 'configuration' })

function compared(verdict: ComparisonVerdict, change: Partial<MetricReport> = {}): Comparison {
  return {
    ...{ variant: 'b', verdict, expectedShare: 1 / 3, etaSeconds: null },
    metrics: [
      { report: fakeMetric({ name: 'guard', required: false }), verdict: null, superiority: null },
      { report: fakeMetric(change), verdict, superiority: null },
    ],
    units: { baseline: 2, challenger: 1 },
    ratioMismatch: { log: 0, threshold: 7 },
  }
}

t.test('a verdict is told with the metrics that say so, and what they read', async (t) => {
  const told = (comparison: Comparison) => tellVerdict(PLAN, state, [comparison])!.decision!
  t.match(
    told(compared('better', { canary: { value: 3.8, n: 1 }, baseline: { value: 4, n: 1 } })),
    {
      ...{ action: 'verdict', reason: 'rmse', actor: 'evaluator' },
      summary:
        'b (B) is shown to be better than the baseline by rmse, 3.8 against 4; it keeps its 25 %, since nothing moves a fixed split by itself',
    },
  )
  t.match(told(compared('no-worse')), {
    reason: 'no-worse',
    summary: /^b \(B\) is shown to be no worse than the baseline: rmse within 5 %; it keeps/,
  })
  const slow = { kind: 'latency', slow: { baseline: 0.05, canary: 0.4 } }
  t.match(told(compared('worse', slow)).summary, / by rmse, 40 % slow or failed against 5 %; /)
})

t.test('what is not known, not to be relied on, or told already is not told', async (t) => {
  t.equal(tellVerdict(PLAN, state, [compared('unknown')]), null)
  const skewed = { ...compared('worse'), ratioMismatch: { log: 8, threshold: 7 } }
  t.equal(tellVerdict(PLAN, state, [skewed]), null)
  const after = tellVerdict(PLAN, state, [compared('no-worse')])!.state
  t.equal(after.revision, state.revision + 1)
  t.equal(tellVerdict(PLAN, after, [compared('no-worse')]), null)
  t.equal(tellVerdict(PLAN, after, [compared('unknown')]), null, 'taken back')
  const c = { ...compared('worse'), variant: 'c' }
  const both = tellVerdict(PLAN, after, [compared('no-worse'), c])!
  t.equal(both.about, 'c')
  t.equal(tellVerdict(PLAN, both.state, [compared('no-worse'), c]), null)
  t.ok(tellVerdict(PLAN, both.state, [compared('better'), c]), 'it became better')
})
