import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { Evidence } from '../../src/domain/evidence.ts'
import { isLabelTest } from '../../src/domain/pairs.ts'
import type { MetricSpec, MirrorStepSpec } from '../../src/domain/rollout-spec.ts'
import { PairLabels } from '../../src/metrics/pair-labels.ts'
import { foldPairLabels, NO_PAIR_EVIDENCE, supOf } from '../../src/rollout/fold-pairs.ts'
import { isEmptyPairTally } from '../../src/rollout/pair-tally.ts'
import { publishPairTerms } from '../../src/rollout/pair-terms.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { plan } from '../fakes/rollout.ts'
import { ACCURACY, RMSE, weightSteps } from '../fakes/simulated-service.ts'
import { sampleCohort } from '../store/samples.ts'

const MIRROR: MirrorStepSpec = {
  kind: 'mirror',
  share: 1,
  minDurationMs: 0,
  minRequests: 1,
  maxBytes: 1,
  tolerance: 0,
}
const LEVEL = Math.log(1 / 0.05)
const RUNS = 200
const COHORTS = 50
const PAIRS_EACH = 40

/** Predictions of the two and the label, for one request. */
type Draw = (random: () => number) => readonly [baseline: number, canary: number, label: number]

/**
 * Labelled pairs as they come in a mirror step, cohort by cohort, looked at after each: after how many of
 * them harm is shown at 0.05, and the proof; Infinity = never.
 */
function run(seed: number, metric: MetricSpec, draw: Draw): { harm: number; proof: number } {
  const random = createRandom(seed)
  const { pairTests, hypotheses } = plan({
    spec: { steps: [MIRROR, ...weightSteps([5, 100])] },
    analysis: { metrics: [metric] },
  })
  const labels = new PairLabels(pairTests.filter(isLabelTest))
  const id = `${metric.name}/mirror`
  let evidence: Evidence = emptyEvidence('r', hypotheses, 0)
  const found = { harm: Infinity, proof: Infinity }
  for (let number = 1; number <= COHORTS; number++) {
    const terms = publishPairTerms(
      pairTests,
      {},
      (test) => labels.arrived(test),
      () => null,
    )
    const tallies = labels.emptyTallies()
    labels.add(sampleCohort(number, { mirrored: true, terms, tallies }), false)
    for (let n = 0; n < PAIRS_EACH; n++) {
      const [value, copy, label] = draw(random)
      labels.label({ value, pair: { cohort: number, copy } }, label)
    }
    for (const test of labels.tests) {
      const tally = tallies[test.id]!
      if (tally.kind === 'drift' || isEmptyPairTally(tally)) continue
      evidence = foldPairLabels(evidence, test, { number, step: 0, tally })
    }
    const sup = supOf(evidence.pairs ?? NO_PAIR_EVIDENCE, id)
    if (sup.harm >= LEVEL) found.harm = Math.min(found.harm, number * PAIRS_EACH)
    if (sup.proof >= LEVEL) found.proof = Math.min(found.proof, number * PAIRS_EACH)
  }
  return found
}

function share(metric: MetricSpec, draw: Draw, of: 'harm' | 'proof', within = Infinity): number {
  let count = 0
  for (let seed = 1; seed <= RUNS; seed++) {
    const at = run(seed, metric, draw)[of]
    if (at < Infinity && at <= within) count++
  }
  return count / RUNS
}

/** The largest share of 200 runs that is compatible with a level of 0.05: its 99.9 % quantile. */
const MOST = 0.05 + 3.1 * Math.sqrt((0.05 * 0.95) / RUNS)

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** What is hard is hard for both: half of the variance of an error is the request's own. */
const scaled =
  (canary: number): Draw =>
  (random) => {
    const shared = normal(random)
    const errorOf = () => (shared + normal(random)) / Math.SQRT2
    return [errorOf(), canary * errorOf(), 0]
  }

const STRICT: MetricSpec = { ...RMSE, maxChange: 0, cap: 4 }
const TOLERANT: MetricSpec = { ...RMSE, maxChange: 0.05, cap: 4 }

t.test('an equal canary is rolled back by labels no more often than α', (t) => {
  const rate = share(STRICT, scaled(1), 'harm')
  t.ok(rate <= MOST, `${rate}`)
  const right = (p: number, random: () => number) => (random() < p ? 1 : 0)
  const accuracy = share(
    { ...ACCURACY, maxChange: 0 },
    (random) => [right(0.8, random), right(0.8, random), 1],
    'harm',
  )
  t.ok(accuracy <= MOST, `${accuracy}`)
  t.end()
})

t.test('a canary that is as much worse as the margin is shown to be no worse by α at most', (t) => {
  const rate = share(TOLERANT, scaled(1.05), 'proof')
  t.ok(rate <= MOST, `${rate}`)
  t.end()
})

t.test('a canary that is 15 % worse is found, an equal one shown to be no worse', (t) => {
  const harm = share(STRICT, scaled(1.15), 'harm')
  t.ok(harm >= 0.95, `${harm}`)
  const proof = share(TOLERANT, scaled(1), 'proof')
  t.ok(proof >= 0.4, `${proof}`)
  t.end()
})

t.test('the fewer the answers that differ, the sooner a worse canary is found', (t) => {
  // One answer in five is worse by half; all others are the same.
  const partly: Draw = (random) => {
    const error = normal(random)
    return [error, random() < 0.2 ? 1.5 * error : error, 0]
  }
  const apart: Draw = (random) => {
    const [baseline] = partly(random)
    return [baseline, partly(random)[1], 0]
  }
  const paired = share(STRICT, partly, 'harm', 600)
  const unpaired = share(STRICT, apart, 'harm', 600)
  t.ok(paired >= 0.9, `${paired}`)
  t.ok(unpaired < paired / 2, `${unpaired} of answers to other requests`)
  t.end()
})
