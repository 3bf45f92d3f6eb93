import t from 'tap'
import type { LatencyQuantile } from '../../src/domain/rollout-spec.ts'
import { aloneTerms, publishTerms } from '../../src/rollout/terms.ts'
import { centredBets } from '../../src/statistics/mean-bet.ts'
import { bets, cohort, evidenceOf } from '../fakes/evidence.ts'
import { plan } from '../fakes/rollout.ts'
import { ACCURACY, LATENCY, RMSE } from '../fakes/simulated-service.ts'

const LEARNING = plan({ analysis: { metrics: [{ ...RMSE, cap: null }, LATENCY] } })
const CAPPED = plan({ analysis: { metrics: [RMSE, LATENCY] } })

t.test('what nothing is known of yet is left out, so that it is not judged', (t) => {
  const terms = publishTerms(LEARNING.hypotheses, evidenceOf(LEARNING, []), 0.2, () => null)
  t.same(terms, { thresholds: {}, bets: {}, caps: {} })
  t.end()
})

t.test("thresholds are the baseline's quantile, the canary's with the margin", (t) => {
  const asked: number[] = []
  const quantile = (of: LatencyQuantile) => (asked.push(of.quantile), 100)
  const terms = publishTerms(CAPPED.hypotheses, evidenceOf(CAPPED, []), 0.2, quantile)
  t.same(asked, [0.95])
  t.equal(terms.thresholds['latency']!.baselineMs, 100)
  t.equal(Math.round(terms.thresholds['latency']!.harmMs), 110)
  t.equal(Math.round(terms.thresholds['latency']!.proofMs), 110)
  t.end()
})

t.test('a cap comes from the configuration, else from what was learnt', (t) => {
  t.same(publishTerms(CAPPED.hypotheses, evidenceOf(CAPPED, []), 0.2, () => null).caps, {
    rmse: 25,
  })
  const learnt = evidenceOf(LEARNING, [], { caps: { rmse: 12 } })
  t.same(publishTerms(LEARNING.hypotheses, learnt, 0.2, () => null).caps, { rmse: 12 })
  t.end()
})

t.test('where nothing is compared caps are all that is needed, and no cap is none', (t) => {
  const none = { thresholds: {}, bets: {} }
  t.same(aloneTerms(CAPPED.hypotheses, { caps: {} }), { ...none, caps: { rmse: 25 } })
  t.same(aloneTerms(LEARNING.hypotheses, { caps: { rmse: 12 } }), { ...none, caps: { rmse: 12 } })
  const { rmse } = aloneTerms(LEARNING.hypotheses, { caps: {} }).caps
  t.ok(rmse! > 1e60)
  t.ok(Number.isFinite(1e6 * rmse! ** 4), 'sums of the squares of squared errors are numbers')
  t.end()
})

t.test(
  "bets begin with 20 of the baseline's labels, centred on their mean over all weights",
  (t) => {
    const few = evidenceOf(CAPPED, [
      cohort(CAPPED, { tallies: { rmse: bets([19, 50], [9, 9], 1) } }),
    ])
    t.same(publishTerms(CAPPED.hypotheses, few, 0.2, () => null).bets, {})
    const enough = evidenceOf(CAPPED, [
      cohort(CAPPED, { tallies: { rmse: bets([10, 50], [8, 90], 4) } }),
      cohort(CAPPED, { number: 2, pi: 0.5, tallies: { rmse: bets([10, 50], [10, 90], 4) } }),
    ])
    const { rmse } = publishTerms(CAPPED.hypotheses, enough, 0.5, () => null).bets
    t.match(rmse, { centre: 9, cap: 625 })
    const basis = { pi: 0.5, ratio: 1.05 ** 2, mean: 9, variance: 5, cap: 625 }
    for (const [index, bet] of centredBets(basis, 'above').entries()) {
      t.ok(Math.abs(rmse!.harm[index]! - bet) < 1e-9)
    }
    t.ok(rmse!.proof.every((bet) => bet < 0))
    t.end()
  },
)

t.test('where higher is better, harm is bet on a canary below the margin', (t) => {
  const right = plan({ analysis: { metrics: [ACCURACY] } })
  const evidence = evidenceOf(right, [
    cohort(right, { tallies: { accuracy: bets([10, 50], [0.8, 0.8], 0.16) } }),
    cohort(right, { number: 2, tallies: { accuracy: bets([10, 50], [0.8, 0.8], 0.16) } }),
  ])
  const { accuracy } = publishTerms(right.hypotheses, evidence, 0.2, () => null).bets
  const basis = { pi: 0.2, ratio: 0.95, mean: 0.8, variance: 0.16, cap: 1 }
  const near = (bet: number, n: number, of: readonly number[]) => Math.abs(bet - of[n]!) < 1e-9
  t.ok(accuracy!.harm.every((bet, n) => near(bet, n, centredBets(basis, 'below'))))
  t.ok(accuracy!.proof.every((bet, n) => near(bet, n, centredBets(basis, 'above'))))
  t.end()
})
