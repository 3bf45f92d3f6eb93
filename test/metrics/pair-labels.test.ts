import t from 'tap'
import type { BetTally, Cohort, EventTally } from '../../src/domain/cohort.ts'
import { isLabelTest } from '../../src/domain/pairs.ts'
import type { MetricSpec, StepSpec } from '../../src/domain/rollout-spec.ts'
import { LATE } from '../../src/metrics/feedback-booking.ts'
import { PairLabels } from '../../src/metrics/pair-labels.ts'
import { buildTests } from '../../src/rollout/pair-tests.ts'
import { ACCURACY, RMSE, rolloutSpec, weightSteps } from '../fakes/simulated-service.ts'
import { sampleCohort } from '../store/samples.ts'

const MIRROR: StepSpec = {
  kind: 'mirror',
  share: 1,
  minDurationMs: 0,
  minRequests: 1,
  maxBytes: 1,
  tolerance: 0,
}

function labelsOf(metrics: readonly MetricSpec[], terms: Partial<Cohort['terms']> = {}) {
  const steps = [MIRROR, ...weightSteps([5, 100])]
  const { pairTests } = buildTests(rolloutSpec({ spec: { steps }, analysis: { metrics } }))
  const labels = new PairLabels(pairTests.filter(isLabelTest))
  const all = { thresholds: {}, bets: {}, caps: {}, ...terms }
  const cohort = sampleCohort(7, { mirrored: true, terms: all, tallies: labels.emptyTallies() })
  labels.add(cohort, false)
  const say = (value: number | null, copy: number | null, label: number, segment?: string) =>
    labels.label({ value, ...(segment && { segment }), pair: { cohort: 7, copy } }, label)
  return {
    labels,
    say,
    bets: (id: string) => cohort.tallies[id] as BetTally,
    events: (id: string) => cohort.tallies[id] as EventTally,
  }
}

const NO_BETS = { centre: 0, cap: 1, harm: [], proof: [] }

t.test('a label scores both predictions of its request, capped alike', (t) => {
  const { say, bets, events } = labelsOf([RMSE], {
    caps: { rmse: 25 },
    bets: { 'rmse/mirror': NO_BETS },
  })
  t.same(say(10, 12, 9), { result: 'joined', changed: null })
  say(0, 40, 30)
  t.match(bets('rmse/mirror'), {
    n: [2, 2],
    sum: [1 + 25 ** 2, 9 + 100],
    sumSq: [1 + 25 ** 4, 81 + 1e4],
    product: 9 + 25 ** 2 * 100,
  })
  t.match(events('rmse/above-cap/mirror'), { trials: [2, 2], harmEvents: [1, 0], both: [0, 0] })
  say(0, 0, 30)
  t.match(events('rmse/above-cap/mirror'), { trials: [3, 3], events: [2, 1], both: [1, 1] })
  t.end()
})

t.test("a copy's error is above the cap where the margin does not allow it", (t) => {
  const wide = { ...RMSE, maxChange: 0, sensitivity: 0.5 }
  const { say, events } = labelsOf([wide], { caps: { rmse: 4 } })
  for (const error of [3, 5, 7]) say(error, error, 0)
  t.match(events('rmse/above-cap/mirror'), {
    ...{ trials: [3, 3], events: [2, 1], harmEvents: [2, 2] },
    both: [1, 2],
  })
  t.end()
})

t.test('what cannot be scored is compared by nobody', (t) => {
  const { say, bets, events } = labelsOf([RMSE], { caps: { rmse: 25 } })
  say(10, null, 9)
  say(null, 10, 9)
  say(null, null, 9)
  t.match(events('rmse/above-cap/mirror'), { trials: [0, 0] })
  t.match(bets('rmse/mirror'), { n: [0, 0] })
  t.end()
})

t.test('bets are made with the terms of the cohort', (t) => {
  const bets = { 'accuracy/mirror': { centre: 0, cap: 1, harm: [-0.5], proof: [0.5] } }
  const { say, bets: of } = labelsOf([ACCURACY], { caps: { accuracy: 1 }, bets })
  say(1, 0, 1)
  t.equal(of('accuracy/mirror').harm[0], Math.log1p(-0.5 * (0 - 0.95)))
  t.match(of('accuracy/mirror'), { sum: [1, 0] })
  t.end()
})

t.test('the first labels only tell what bets are sized by, also those of before a restart', (t) => {
  const { say, bets, labels } = labelsOf([RMSE], { caps: { rmse: 25 } })
  t.equal(labels.arrived('rmse/mirror'), null)
  say(10, 12, 9)
  t.match(bets('rmse/mirror'), { n: [0, 0] }, 'none is judged')
  t.match(labels.arrived('rmse/mirror'), { n: [1, 1], sum: [1, 9], product: 9 })
  const before = structuredClone(labels.arrived('rmse/mirror')!)
  labels.recall('rmse/mirror', before)
  t.match(labels.arrived('rmse/mirror'), { n: [2, 2], sum: [2, 18] })
  const fresh = labelsOf([RMSE], { caps: { rmse: 25 } })
  fresh.labels.recall('rmse/mirror', before)
  fresh.labels.recall('rmse/above-cap/mirror', fresh.events('rmse/above-cap/mirror'))
  fresh.say(10, 12, 9)
  t.match(fresh.labels.arrived('rmse/mirror'), { n: [2, 2] })
  t.match(before, { n: [1, 1] })
  t.equal(fresh.labels.arrived('rmse/above-cap/mirror'), null)
  t.end()
})

t.test('without a cap the baseline teaches one, and nothing is judged', (t) => {
  const { say, bets, labels } = labelsOf([{ ...RMSE, cap: null }])
  t.equal(labels.takeLearntCap('rmse', 100), null)
  for (let error = 1; error <= 1000; error++) say(error, 0, 0)
  t.equal(labels.takeLearntCap('rmse', 100), 999)
  t.equal(labels.takeLearntCap('rmse', 100), null, 'once')
  t.match(bets('rmse/mirror'), { n: [0, 0] })
  t.end()
})

t.test('a segment is asked about apart, and teaches no cap', (t) => {
  const segments = ['gold']
  const terms = { 'rmse/mirror': NO_BETS, 'rmse@gold/mirror': NO_BETS }
  const { say, bets } = labelsOf([{ ...RMSE, segments }], { caps: { rmse: 25 }, bets: terms })
  say(1, 1, 0, 'gold')
  say(1, 1, 0, 'other')
  say(1, 1, 0)
  t.match(bets('rmse/mirror'), { n: [3, 3] })
  t.match(bets('rmse@gold/mirror'), { n: [1, 1] })
  const untaught = labelsOf([{ ...RMSE, cap: null, segments }])
  for (let n = 0; n < 999; n++) untaught.say(1, 1, 0, 'gold')
  t.equal(untaught.labels.takeLearntCap('rmse', 100), null, 'each label teaches once')
  t.end()
})

t.test('a stored cohort is stored again with a label; one that is gone takes none', (t) => {
  const { labels, say } = labelsOf([RMSE])
  labels.get(7)!.persisted = true
  t.match(say(1, 1, 1), { result: 'joined', changed: { cohort: 7, rollout: '1.4->2.0#1' } })
  labels.delete(7)
  t.same(say(1, 1, 1), LATE)
  t.end()
})
