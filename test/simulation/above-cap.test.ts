import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { CANARY_SIDE, type Cohort, type Side } from '../../src/domain/cohort.ts'
import type { EventEvidence, Evidence } from '../../src/domain/evidence.ts'
import type { Hypothesis } from '../../src/domain/hypothesis.ts'
import { bookCappedValue } from '../../src/metrics/capped-value.ts'
import { CapLearner } from '../../src/metrics/cap-learner.ts'
import { emptyBetTally, emptyEventTally } from '../../src/metrics/tally.ts'
import { foldHypothesis } from '../../src/rollout/fold-cohort.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { publishTerms } from '../../src/rollout/terms.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { isFarApart } from '../../src/statistics/event-evidence.ts'
import { RMSE, rolloutSpec } from '../fakes/simulated-service.ts'
import { sampleCohort } from '../store/samples.ts'

const PI = 0.2
const EACH = 200
const COHORTS = 100
const RUNS = 20
/** The 99.9 % quantile of |error| of a normal distribution of spread 1. */
const CAP = 3.29

/** An absolute error of the canary. */
type Draw = (random: () => number) => number

/** |error| of a normal distribution of spread 1. */
function normal(random: () => number): number {
  return Math.abs(Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
}

/** How labels of a baseline with normal errors and of a canary end, looked at after each cohort. */
function end(seed: number, maxChange: number, draw: Draw): 'metric' | 'guard' | 'proved' | 'open' {
  const random = createRandom(seed)
  const { analysis } = rolloutSpec({ analysis: { metrics: [{ ...RMSE, cap: CAP, maxChange }] } })
  const hypotheses = buildHypotheses(analysis).filter(({ required }) => required)
  const [main, guard] = hypotheses as [Hypothesis, Hypothesis]
  let evidence: Evidence = emptyEvidence('r', hypotheses, 0)
  for (let number = 1; number <= COHORTS; number++) {
    const cohort: Cohort = sampleCohort(number, {
      pi: PI,
      terms: publishTerms(hypotheses, evidence, PI, () => null),
      tallies: { [main.id]: emptyBetTally('score'), [guard.id]: emptyEventTally(false) },
    })
    const question = { metric: RMSE.name, segment: undefined, hypotheses }
    for (let n = 0; n < EACH; n++) {
      const side: Side = random() < PI ? CANARY_SIDE : 0
      const error = side === CANARY_SIDE ? draw(random) : normal(random)
      bookCappedValue(cohort, question, side, error, (e) => e ** 2, new CapLearner())
    }
    for (const h of hypotheses) evidence = foldHypothesis(evidence, h, cohort, () => [[], []])
    const isShown = (of: 'harm' | 'proof', h: Hypothesis) =>
      evidence.hypotheses[h.id]!.sup[of] >= Math.log(1 / h[of]!.alpha)
    if (isShown('harm', main)) return 'metric'
    const isApart = isFarApart(guard, evidence.hypotheses[guard.id] as EventEvidence)
    if (isShown('harm', guard) && isApart) return 'guard'
    if (isShown('proof', main) && isShown('proof', guard)) return 'proved'
  }
  return 'open'
}

function count(maxChange: number, draw: Draw): Record<ReturnType<typeof end>, number> {
  const ends = { metric: 0, guard: 0, proved: 0, open: 0 }
  for (let seed = 1; seed <= RUNS; seed++) ends[end(seed, maxChange, draw)]++
  return ends
}

t.test('under a wide margin a canary within it is proved, guard and all', async (t) => {
  for (const scale of [1, 1.12, 1.25]) {
    t.match(
      count(0.5, (random) => scale * normal(random)),
      { proved: RUNS },
      `× ${scale}`,
    )
  }
})

t.test('at its margin the guard finds a canary as rarely as its level says', async (t) => {
  for (const margin of [0.05, 0.2, 0.5]) {
    const { guard, metric } = count(margin, (random) => (1 + margin) * normal(random))
    // Both have half of 5 %: more than 3 of 20 have a chance of less than 2 in 100 even where they need all of it.
    t.ok(guard + metric <= 3, `${guard} and ${metric} of ${RUNS} under ${margin}`)
  }
})

t.test('errors far above the cap are found under any margin', async (t) => {
  for (const margin of [0.05, 0.2, 0.5]) {
    const wild: Draw = (random) => (random() < 0.02 ? 3 * CAP : normal(random))
    t.match(count(margin, wild), { guard: RUNS }, `a margin of ${margin}`)
  }
})
