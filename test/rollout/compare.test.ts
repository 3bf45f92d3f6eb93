import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { compare } from '../../src/rollout/compare.ts'
import { GPU, SCORE } from '../fakes/measurements.ts'
import { ACCURACY, ERRORS } from '../fakes/simulated-service.ts'

function verdictOf(metric: MetricSpec, baseline: number | null, canary: number) {
  const of = (value: number | null) => ({ value, n: value === null ? 0 : 500 })
  return compare(metric, { baseline: of(baseline), canary: of(canary) }, 7)?.verdict ?? null
}

const RELATIVE = { ...GPU, max: null, maxChange: 0.1 }

t.test('case 26, a failure wins over a success: beyond the limit, within the margin', (t) => {
  t.equal(verdictOf({ ...GPU, maxChange: 0.5 }, 0.8, 0.95), 'failed')
  t.equal(verdictOf({ ...GPU, maxChange: 0.1 }, 0.5, 0.8), 'failed', 'and the other way round')
  t.end()
})

t.test(
  'case 27, neither holds: both are beyond the limit, which says nothing of the canary',
  (t) => {
    t.equal(verdictOf(GPU, 0.95, 0.95), 'inconclusive')
    t.equal(
      verdictOf({ ...GPU, maxChange: 0.1 }, 0.95, 1.2),
      'failed',
      'but worse than the baseline',
    )
    t.end()
  },
)

t.test('case 28, not beyond a limit is a success; at the limit is not beyond it', (t) => {
  t.equal(verdictOf(GPU, null, 0.9), 'successful')
  t.equal(verdictOf(SCORE, null, 0.5), 'successful')
  t.end()
})

t.test('case 29, beyond a limit is a failure', (t) => {
  t.equal(verdictOf(GPU, 0.5, 0.91), 'failed')
  t.equal(verdictOf(GPU, null, 0.91), 'failed', 'nobody knows the baseline')
  t.equal(verdictOf(SCORE, null, 0.49), 'failed')
  t.end()
})

t.test(
  'cases 33–37: what is no finite number never gets here, it is an error where it is read',
  (t) => {
    t.equal(verdictOf(GPU, 0.5, -1e300), 'successful')
    t.equal(verdictOf(GPU, 0.5, 1e300), 'failed')
    t.end()
  },
)

t.test('a margin is held against the point estimate of the baseline', (t) => {
  t.equal(verdictOf(RELATIVE, 100, 110), 'successful')
  t.equal(verdictOf(RELATIVE, 100, 110.1), 'failed')
  t.equal(verdictOf({ ...RELATIVE, better: 'higher' }, 100, 90), 'successful')
  t.equal(verdictOf({ ...RELATIVE, better: 'higher' }, 100, 89.9), 'failed')
  t.equal(verdictOf(RELATIVE, -100, -90), 'successful', 'of a negative value its size counts')
  t.equal(verdictOf({ ...ACCURACY, maxChange: 0.05 }, 0.8, 0.75), 'failed')
  t.end()
})

t.test('the error rate may rise by its floor as well: twice almost nothing is nothing', (t) => {
  const errors = { ...ERRORS, maxChange: 1, floor: 0.01 }
  t.equal(verdictOf(errors, 0, 0.01), 'successful')
  t.equal(verdictOf(errors, 0.001, 0.0121), 'failed')
  t.end()
})

t.test('without the baseline a margin compares nothing, and a limit still holds', (t) => {
  t.equal(verdictOf(RELATIVE, null, 1e9), null)
  t.equal(verdictOf({ ...GPU, maxChange: 0.1 }, null, 0.95), 'failed')
  t.end()
})

t.test('a measurement has its time and figures', (t) => {
  const sides = { baseline: { value: 0.5, n: 3 }, canary: { value: 0.6, n: 4 } }
  t.same(compare(GPU, sides, 7), { at: 7, ...sides, error: null, verdict: 'successful' })
  t.end()
})
