import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { CANARY_SIDE, type Cohort, type Side } from '../../src/domain/cohort.ts'
import { proofRatio, type Hypothesis } from '../../src/domain/hypothesis.ts'
import { emptyBetTally } from '../../src/metrics/tally.ts'
import { foldHypothesis } from '../../src/rollout/fold-cohort.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { publishTerms } from '../../src/rollout/terms.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { replaceRatioUnit } from '../../src/statistics/ratio-bet.ts'
import { CLICKS, rolloutSpec } from '../fakes/simulated-service.ts'
import { sampleCohort } from '../store/samples.ts'

const PI = 0.2
const EACH = 150
const COHORTS = 150
const RUNS = 20
const VIEWS = 20

/**
 * Whether harm was shown of a canary with the baseline's clicks per view, which go up and down by half over a day of 100
 * cohorts, and with other numbers of views: each of 20 chances of one is taken with `views` on its side.
 */
function isHarmed(seed: number, views: readonly [baseline: number, canary: number]): boolean {
  const random = createRandom(seed)
  const metric = { ...CLICKS, cap: VIEWS, maxChange: 0 }
  const { analysis } = rolloutSpec({ analysis: { metrics: [metric] } })
  const hypothesis: Hypothesis = buildHypotheses(analysis)[0]!
  const { id, harm } = hypothesis
  const place = { pi: PI, harm: harm.ratio, proof: proofRatio(hypothesis) }
  let evidence = emptyEvidence('r', [hypothesis], 0)
  for (let number = 1; number <= COHORTS; number++) {
    const clicks = 0.2 * (1 + 0.5 * Math.sin((2 * Math.PI * number) / 100))
    const terms = publishTerms([hypothesis], evidence, PI, () => null)
    const tally = emptyBetTally('ratio')
    for (let n = 0; n < EACH; n++) {
      const side: Side = random() < PI ? CANARY_SIDE : 0
      let [clicked, viewed] = [0, 0]
      for (let chance = 0; chance < VIEWS; chance++) {
        if (random() >= views[side]) continue
        viewed++
        if (random() < clicks) clicked++
      }
      tally.n[side]++
      replaceRatioUnit(tally, terms.bets[id], side, [0, 0], [clicked, viewed], place)
    }
    const cohort: Cohort = sampleCohort(number, {
      ...{ pi: PI, terms, tallies: { [id]: tally } },
      assigned: tally.n,
    })
    evidence = foldHypothesis(evidence, hypothesis, cohort, () => [[], []])
    if (evidence.hypotheses[id]!.sup.harm >= Math.log(1 / harm.alpha)) return true
  }
  return false
}

t.test('a canary with more or fewer denominators, and the same ratio, is not worse', async (t) => {
  for (const canary of [0.26, 0.14, 0.2]) {
    const seeds = Array.from({ length: RUNS }, (_, i) => i + 1)
    const harmed = seeds.filter((seed) => isHarmed(seed, [0.2, canary])).length
    // More than 3 of 20 have a chance of less than 2 in 100 even where they need all of 5 %.
    t.ok(harmed <= 3, `${harmed} of ${RUNS} with ${canary} against 0.2`)
  }
})
