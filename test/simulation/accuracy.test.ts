import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { CANARY_SIDE, type BetTally, type Cohort, type Side } from '../../src/domain/cohort.ts'
import { proofRatio, type Hypothesis } from '../../src/domain/hypothesis.ts'
import { emptyBetTally } from '../../src/metrics/tally.ts'
import { foldHypothesis } from '../../src/rollout/fold-cohort.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { publishTerms } from '../../src/rollout/terms.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { addBet } from '../../src/statistics/mean-bet.ts'
import { ACCURACY, rolloutSpec } from '../fakes/simulated-service.ts'
import { sampleCohort } from '../store/samples.ts'

const EACH = 500
const RUNS = 40

/** Shares of right answers, and what is allowed. */
type Setting = {
  readonly pi: number
  readonly baseline: number
  readonly canary: number
  readonly margin: number
}

/** Requests after which it was shown, with a look every 500; null = not within `cohorts`. */
function found(
  seed: number,
  cohorts: number,
  setting: Setting,
  what: 'harm' | 'proof' = 'harm',
): number | null {
  const { pi, baseline, canary, margin: maxChange } = setting
  const random = createRandom(seed)
  const { analysis } = rolloutSpec({ analysis: { metrics: [{ ...ACCURACY, maxChange }] } })
  const hypothesis: Hypothesis = buildHypotheses(analysis)[0]!
  const { id, harm } = hypothesis
  let evidence = emptyEvidence('r', [hypothesis], 0)
  for (let number = 1; number <= cohorts; number++) {
    const terms = publishTerms([hypothesis], evidence, pi, () => null)
    const tally = emptyBetTally('score')
    for (let n = 0; n < EACH; n++) {
      const side: Side = random() < pi ? CANARY_SIDE : 0
      book(tally, side, Number(random() < (side === CANARY_SIDE ? canary : baseline)))
    }
    const cohort: Cohort = sampleCohort(number, { pi, terms, tallies: { [id]: tally } })
    evidence = foldHypothesis(evidence, hypothesis, cohort, () => [[], []])
    if (evidence.hypotheses[id]!.sup[what] >= Math.log(1 / hypothesis[what]!.alpha))
      return number * EACH
    function book(to: BetTally, side: Side, y: number): void {
      to.n[side]++
      to.sum[side] += y
      to.sumSq[side] += y
      const bets = terms.bets[id]
      if (bets !== undefined) addBet(to, bets, side, y, pi, harm.ratio, proofRatio(hypothesis))
    }
  }
  return null
}

function median(cohorts: number, setting: Setting, what: 'harm' | 'proof' = 'harm'): number {
  const times = Array.from(
    { length: RUNS },
    (_, seed) => found(seed + 1, cohorts, setting, what) ?? Infinity,
  )
  return times.toSorted((a, b) => a - b)[RUNS / 2]!
}

t.test('a canary that is wrong more often is found however seldom the baseline is', async (t) => {
  // Requests of both sides; theory (`Kelly`, half of the rollouts) says 5,500, 3,600 and 28,000.
  const cases = [
    [{ pi: 0.05, baseline: 0.999, canary: 0.9, margin: 0.05 }, 9000],
    [{ pi: 0.2, baseline: 0.99, canary: 0.9, margin: 0.05 }, 6000],
    [{ pi: 0.2, baseline: 0.99, canary: 0.98, margin: 0.005 }, 45_000],
  ] as const
  for (const [setting, most] of cases) {
    const half = median(150, setting)
    t.ok(half <= most, `${JSON.stringify(setting)}: half of them after ${half}`)
  }
})

t.test('one alike is proved within a margin that is as small as its wrong answers', async (t) => {
  const half = median(80, { pi: 0.2, baseline: 0.99, canary: 0.99, margin: 0.01 }, 'proof')
  t.ok(half <= 14_000, `half of them after ${half}`)
})

t.test('one at the margin is found as rarely as the level says', async (t) => {
  for (const [baseline, margin] of [
    [0.999, 0.05],
    [0.99, 0.01],
    [0.99, 0],
  ] as const) {
    const canary = baseline * (1 - margin)
    const setting = { pi: 0.2, baseline, canary, margin }
    const acted = Array.from({ length: RUNS }, (_, seed) => found(seed + 1, 40, setting))
    const harmed = acted.filter((at) => at !== null).length
    // More than 5 of 40 have a chance of less than 2 in 100 even where they need all of 5 %.
    t.ok(harmed <= 5, `${harmed} of ${RUNS} of ${baseline} within ${margin}`)
  }
})
