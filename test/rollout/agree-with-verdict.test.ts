import t from 'tap'
import type { Evidence } from '../../src/domain/evidence.ts'
import type { Hypothesis } from '../../src/domain/hypothesis.ts'
import { agreeWithVerdict } from '../../src/rollout/agree-with-verdict.ts'

const SHOWN = Math.log(20)

function revenue(better: 'lower' | 'higher', floor = 0): Hypothesis {
  const margin = better === 'lower' ? 1.1 : 0.9
  return {
    ...{ id: 'revenue', metric: 'revenue', better, onFailure: 'rollback', required: true },
    source: { of: 'sum', event: 'buy', field: null, cap: 10, windowMs: 0 },
    harm: { ratio: 1, alpha: 0.05 },
    proof: { ratio: margin, floor, alpha: 0.05 },
  }
}

/** Both bounds of an interval around the estimate, of what has shown so much. */
function cut(
  hypothesis: Hypothesis,
  estimate: number,
  shown: { readonly harm?: true; readonly proof?: true; readonly better?: true },
): readonly number[] {
  const sup = (isHarmed?: true, isProved?: true) => ({
    sup: { harm: isHarmed ? SHOWN : 0, proof: isProved ? SHOWN : 0 },
  })
  const hypotheses = {
    revenue: sup(shown.harm, shown.proof),
    'revenue/better': sup(undefined, shown.better),
  } as unknown as Evidence['hypotheses']
  const ratio = { estimate, lower: 0.5, upper: 2, method: 'asymptotic', level: 0.95 } as const
  const { lower, upper } = agreeWithVerdict(ratio, hypothesis, { hypotheses })!
  return [lower, upper]
}

t.test('an interval excludes what the verdict beside it has excluded', async (t) => {
  const [higher, lower] = [revenue('higher'), revenue('lower')]
  t.same(cut(higher, 1.3, {}), [0.5, 2])
  t.same(cut(higher, 1.3, { proof: true }), [0.9, 2], 'no worse')
  t.same(cut(higher, 1.3, { proof: true, better: true }), [1, 2], 'better')
  t.same(cut(higher, 1.3, { better: true }), [0.5, 2], 'better is only said after no worse')
  t.same(cut(higher, 0.8, { harm: true }), [0.5, 1], 'worse')
  t.same(cut(lower, 0.8, { proof: true }), [0.5, 1.1])
  t.same(cut(lower, 0.8, { proof: true, better: true }), [0.5, 1])
  t.same(cut(lower, 1.3, { harm: true }), [1, 2])
  t.same(cut(lower, 1.05, { harm: true, proof: true }), [1, 1.1], 'worse by little')
})

t.test('where the estimate has moved on the interval says so', async (t) => {
  t.same(cut(revenue('higher'), 0.8, { proof: true }), [0.5, 2])
  t.same(cut(revenue('lower'), 0.8, { harm: true }), [0.5, 2])
})

t.test('a proof that allows a floor excludes no ratio, being better does', async (t) => {
  t.same(cut(revenue('lower', 0.001), 0.8, { proof: true }), [0.5, 2])
  t.same(cut(revenue('lower', 0.001), 0.8, { proof: true, better: true }), [0.5, 1])
  t.equal(agreeWithVerdict(null, revenue('lower'), { hypotheses: {} }), null)
})
