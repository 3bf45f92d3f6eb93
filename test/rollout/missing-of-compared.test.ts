import t from 'tap'
import type { Hypothesis } from '../../src/domain/hypothesis.ts'
import type { MetricReport } from '../../src/domain/verdict.ts'
import { missingOfCompared } from '../../src/rollout/missing-of-compared.ts'
import { report } from '../fakes/rollout.ts'
import { LATENCY, RMSE } from '../fakes/simulated-service.ts'

const SCORE = { of: 'score', score: 'squared', windowMs: 1000 } as const

function ask(source: object, of: Partial<MetricReport>, metrics = [RMSE]): string | null {
  const hypothesis = { id: 'rmse', metric: 'rmse', source } as Hypothesis
  return missingOfCompared({ metrics }, hypothesis, report(of))
}

t.test('why more of the same says nothing of a challenger', async (t) => {
  const learnt = [{ ...RMSE, cap: null }]
  t.match(ask(SCORE, { cap: null }, learnt), /its cap is learnt first/)
  t.match(ask(SCORE, { passedCap: { share: 0.05, cap: 3 } }), /above 3, the cap that was learnt/)
  t.match(ask(SCORE, { cap: 3, baseline: { value: 0, n: 9 } }), /the baseline has 0/)
  const slow = { baseline: 0, canary: 0 }
  const latency = { of: 'latency', quantile: 0.9, harmMargin: 0, proofMargin: 0.1 }
  t.match(ask(latency, { slow }, [LATENCY] as never), /no answer is slower/)
})

t.test('nothing is missing where evidence is all that it takes', async (t) => {
  t.equal(ask(SCORE, { cap: 3 }), null)
  t.equal(ask(SCORE, { cap: 3, better: 'higher', baseline: { value: 0, n: 9 } }), null)
  t.equal(ask(SCORE, { cap: null }, []), null, 'of a metric that is not known any more')
  t.equal(ask({ of: 'failure' }, {}), null)
  const slow = { baseline: 0, canary: 0.1 }
  t.equal(ask({ of: 'latency', quantile: 0.9 }, { slow }), null)
})
