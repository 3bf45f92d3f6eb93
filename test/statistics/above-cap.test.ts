import t from 'tap'
import { capLimits, cappedMeanOf, type CappedMean } from '../../src/statistics/above-cap.ts'
import type { Hypothesis } from '../../src/domain/hypothesis.ts'
import { near } from './near.ts'

const asked = (change: Partial<CappedMean> = {}): CappedMean => ({
  ...{ better: 'lower', harmRatio: 1.2, proofRatio: 1.5, isSquared: false },
  ...change,
})

t.test('a canary is held against the cap with the margin, a baseline against the cap', (t) => {
  t.same(capLimits(10, 0, asked()), { harm: 10, proof: 10 })
  const plain = capLimits(10, 1, asked())
  near(t, plain.harm, 12)
  near(t, plain.proof, 15)
  const squared = capLimits(10, 1, asked({ isSquared: true, harmRatio: 1.44, proofRatio: 2.25 }))
  near(t, squared.harm, 12)
  near(t, squared.proof, 15)
  t.same(capLimits(10, 1, asked({ better: 'higher' })), { harm: 10, proof: 10 })
  t.end()
})

t.test('the margin of an RMSE is that of its errors, not of their squares', (t) => {
  const hypothesis: Hypothesis = {
    ...{ id: 'rmse', metric: 'rmse', better: 'lower', onFailure: 'rollback', required: true },
    source: { of: 'score', score: 'squared-error', cap: null, windowMs: 1 },
    ...{ harm: { ratio: 2.25, alpha: 0.05 }, proof: null },
  }
  const rmse = cappedMeanOf(hypothesis)
  t.same(rmse, { better: 'lower', harmRatio: 2.25, proofRatio: 2.25, isSquared: true })
  near(t, capLimits(2, 1, rmse).harm, 3)
  const source = { ...hypothesis.source, score: 'absolute-error' } as Hypothesis['source']
  t.notOk(cappedMeanOf({ ...hypothesis, source }).isSquared)
  t.end()
})
