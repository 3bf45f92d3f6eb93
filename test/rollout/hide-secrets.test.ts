import t from 'tap'
import { hidePlanSecrets, hideSecrets } from '../../src/rollout/hide-secrets.ts'
import { GPU, SCORE } from '../fakes/measurements.ts'
import { plan } from '../fakes/rollout.ts'
import { ERRORS, rolloutSpec } from '../fakes/simulated-service.ts'

const METRICS = [ERRORS, GPU, SCORE]
const SHOWN = [ERRORS, GPU, { ...SCORE, secret: '(hidden)' }]

t.test('every secret of a metric is hidden, and nothing else is another', (t) => {
  const spec = rolloutSpec({ analysis: { metrics: METRICS } })
  t.same(hideSecrets(spec), { ...spec, analysis: { ...spec.analysis, metrics: SHOWN } })
  t.equal(spec.analysis.metrics[2], SCORE, 'what runs keeps its own')
  t.end()
})

t.test('a plan has its metrics twice, and no secret in either place', (t) => {
  const hidden = hidePlanSecrets(plan({ analysis: { metrics: METRICS } }))
  t.same(hidden.metrics, SHOWN)
  t.same(hidden.spec.analysis.metrics, SHOWN)
  t.notMatch(JSON.stringify(hidden), SCORE.secret!)
  t.end()
})

t.test('a plan without a secret stays what it is', (t) => {
  const open = plan({ analysis: { metrics: [ERRORS, GPU] } })
  t.equal(hidePlanSecrets(open), open)
  t.end()
})
