import t from 'tap'
import { hidePlanSecrets, hideSecrets } from '../../src/rollout/hide-secrets.ts'
import { GPU, SCORE } from '../fakes/measurements.ts'
import { plan } from '../fakes/rollout.ts'
import { ERRORS, rolloutSpec } from '../fakes/simulated-service.ts'

const METRICS = [ERRORS, GPU, SCORE]
const SHOWN = [ERRORS, GPU, { ...SCORE, url: 'http://scores/(hidden)', secret: '(hidden)' }]

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

t.test('of the address of a provider the origin is left, and of its headers the names', (t) => {
  const shown = (url: string) => {
    const metric = { ...SCORE, url, secret: null, headers: { 'x-api-key': 'k' } }
    const [hidden] = hideSecrets(rolloutSpec({ analysis: { metrics: [metric] } })).analysis.metrics
    t.match(hidden, { secret: null, headers: { 'x-api-key': '(hidden)' } })
    return (hidden as typeof metric).url
  }
  t.equal(shown('https://h:8/score?api_key=s'), 'https://h:8/(hidden)')
  t.equal(shown('https://h?api_key=s'), 'https://h/(hidden)')
  t.equal(shown('https://u:p@h/'), 'https://h')
  t.equal(shown('http://{{variant}}.h/t0ken/{{version}}'), 'http://{{variant}}.h/(hidden)')
  t.end()
})

t.test('a plan that asks nobody stays what it is', (t) => {
  const open = plan({ analysis: { metrics: [ERRORS] } })
  t.equal(hidePlanSecrets(open), open)
  t.end()
})
