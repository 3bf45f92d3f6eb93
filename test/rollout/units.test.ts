import t from 'tap'
import { stepCanaryUnits } from '../../src/rollout/units.ts'
import { cohort, evidenceOf } from '../fakes/evidence.ts'
import { plan } from '../fakes/rollout.ts'
import { RMSE } from '../fakes/simulated-service.ts'

t.test('Without outcomes the draws since the step began tell its units.', async (t) => {
  const labels = plan({ analysis: { metrics: [RMSE] } })
  const evidence = evidenceOf(labels, [cohort(labels, { assigned: [80, 20] })])
  t.equal(stepCanaryUnits(labels, evidence, { step: 0 }), 20)
  t.equal(stepCanaryUnits(labels, { ...evidence, stepStart: 1 }, { step: 1 }), 0, 'just begun')
})
