import t from 'tap'
import type { BetTally, EventTally } from '../../src/domain/cohort.ts'
import type { Evidence } from '../../src/domain/evidence.ts'
import { NO_PAIRS } from '../../src/domain/pairs.ts'
import type { LatencyQuantile, MetricSpec, MirrorStepSpec } from '../../src/domain/rollout-spec.ts'
import { forecast } from '../../src/rollout/forecast.ts'
import { foldPairLabels, foldPairs } from '../../src/rollout/fold-pairs.ts'
import { judge } from '../../src/rollout/judge.ts'
import { missingFor } from '../../src/rollout/missing.ts'
import { pairValues } from '../../src/rollout/pair-reports.ts'
import { emptyPairTally, isEmptyPairTally } from '../../src/rollout/pair-tally.ts'
import { publishPairTerms } from '../../src/rollout/pair-terms.ts'
import type { RolloutPlan } from '../../src/rollout/plan.ts'
import type { Traffic } from '../../src/rollout/traffic.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { terms } from '../fakes/measurements.ts'
import { NOW, plan, seen, state } from '../fakes/rollout.ts'
import {
  ACCURACY,
  BASKET,
  CONVERSION,
  DRIFT,
  ERRORS,
  LATENCY,
  RMSE,
  weightSteps,
} from '../fakes/simulated-service.ts'

const MIRROR: MirrorStepSpec = {
  kind: 'mirror',
  share: 1,
  minDurationMs: 0,
  minRequests: 1,
  maxBytes: 1,
  tolerance: 0,
}

function mirrored(...metrics: readonly MetricSpec[]): RolloutPlan {
  return plan({ spec: { steps: [MIRROR, ...weightSteps([5, 100])] }, analysis: { metrics } })
}

const testOf = (of: RolloutPlan, id: string) => of.pairTests.find((test) => test.id === id)!
const none = (of: RolloutPlan) => emptyEvidence('1.4->2.0#1', of.hypotheses, 1)
const NO_TIME = { value: null, n: 0 }

/** So many pairs whose mean scores are these. */
function scores(n: number, baseline: number, canary: number): BetTally {
  const empty = emptyPairTally({ asks: testOf(mirrored(RMSE), 'rmse/mirror').asks }) as BetTally
  return {
    ...empty,
    n: [n, n],
    sum: [n * baseline, n * canary],
    sumSq: [2 * n * baseline ** 2, 2 * n * canary ** 2],
    product: n * baseline * canary,
  }
}

function eventsOf(trials: number, baseline: number, canary: number, both = 0): EventTally {
  return {
    kind: 'event',
    trials: [trials, trials],
    events: [baseline, canary],
    harmEvents: [baseline, canary],
    harmUnits: null,
    both: [both, both],
  }
}

function reportsOf(of: RolloutPlan, evidence: Evidence, step = 0) {
  return judge(of, evidence, {
    limits: [],
    step,
    stepEnteredAt: NOW,
    now: NOW,
    pi: 0,
    unitsPerSecond: 1,
    latency: () => NO_TIME,
  })
}

t.test(
  'what is asked of live requests is asked of pairs, where a copy says something of it',
  (t) => {
    const of = mirrored(ERRORS, LATENCY, RMSE, ACCURACY, CONVERSION, BASKET, DRIFT)
    t.same(
      of.pairTests.map(({ id, required, alphaProof }) => [id, required, alphaProof]),
      [
        ['errors/mirror', true, 0.05],
        ['latency/mirror', true, 0.05],
        ['rmse/mirror', true, 0.05],
        ['rmse/above-cap/mirror', true, 0.05],
        ['rmse/label-missing/mirror', false, null],
        ['accuracy/mirror', true, 0.05],
        ['accuracy/label-missing/mirror', false, null],
      ],
    )
    t.equal(testOf(of, 'rmse/label-missing/mirror').alphaHarm, 0.001)
    const counted = { ...RMSE, threshold: terms(), maxChange: null, max: 3 }
    t.same(mirrored(counted).pairTests, [])
    const shown = mirrored({ ...RMSE, maxChange: null, max: 3 })
    t.match(shown.pairTests[0], { id: 'rmse/mirror', alphaHarm: 0, required: false })
    t.end()
  },
)

t.test('labels add up over cohorts and steps, and evidence stays where it was largest', (t) => {
  const of = mirrored(RMSE)
  const test = testOf(of, 'rmse/mirror')
  const strong = { ...scores(10, 4, 9), harm: scores(1, 1, 1).harm.map(() => 5) }
  let evidence = foldPairLabels(none(of), test, { number: 1, step: 0, tally: strong })
  const weak = { ...scores(10, 4, 4), harm: strong.harm.map(() => -3) }
  evidence = foldPairLabels(evidence, test, { number: 2, step: 0, tally: weak })
  t.match(evidence.pairs!.series!['rmse/mirror'], {
    ...{ foldedThrough: 2, all: { n: [20, 20] }, inStep: { n: [20, 20] } },
  })
  t.equal(evidence.pairs!.sup['rmse/mirror']!.harm, 5)
  evidence = foldPairLabels(evidence, test, { number: 3, step: 1, tally: scores(5, 4, 4) })
  t.match(evidence.pairs!.series!['rmse/mirror'], {
    ...{ foldedThrough: 3, step: 1, all: { n: [25, 25] }, inStep: { n: [5, 5] } },
  })
  t.match(
    reportsOf(of, evidence).find((r) => r.name === 'rmse/mirror'),
    { stepCanaryN: 0, canary: { value: Math.sqrt((90 + 60) / 25), n: 25 } },
    'of another step',
  )
  t.end()
})

t.test('events of pairs are counted by which side had them', (t) => {
  const of = mirrored(RMSE, LATENCY)
  const above = testOf(of, 'rmse/above-cap/mirror')
  const tally = eventsOf(200, 10, 60, 5)
  const evidence = foldPairLabels(none(of), above, { number: 1, step: 0, tally })
  const found = reportsOf(of, evidence).find((r) => r.name === above.id)!
  t.match(found, {
    ...{ kind: 'above-cap', verdict: 'failed', stepCanaryN: 200 },
    ...{ baseline: { value: 0.05 }, canary: { value: 0.3 }, margins: { harm: 0.5, proof: 0.5 } },
  })
  const counts = { ...NO_PAIRS, pairs: 200 }
  const tallies = { 'latency/mirror': eventsOf(200, 10, 60) }
  const slow = foldPairs(evidence, of.pairTests, { step: 0, counts, tallies })
  t.match(
    reportsOf(of, slow).find((r) => r.name === 'latency/mirror'),
    { kind: 'latency', verdict: 'failed', canary: NO_TIME, margins: { harm: 0.1, proof: 0.1 } },
  )
  t.equal(slow.pairs!.series![above.id], evidence.pairs!.series![above.id], 'each has its own')
  t.end()
})

t.test('what an earlier version has counted by labels begins anew with the first pairs', (t) => {
  const of = mirrored(RMSE)
  const { id } = testOf(of, 'rmse/label-missing/mirror')
  const tallies = { [id]: eventsOf(50, 5, 6, 1) }
  const counts = { ...NO_PAIRS, pairs: 50 }
  const first = foldPairs(none(of), of.pairTests, { step: 0, counts, tallies })
  const byLabels = {
    foldedThrough: 7,
    step: 0,
    all: eventsOf(900, 0, 80),
    inStep: eventsOf(9, 0, 8),
  }
  const stored: Evidence = {
    ...none(of),
    pairs: {
      ...{ counts: NO_PAIRS, step: 0, stepCounts: NO_PAIRS },
      ...{ series: { [id]: byLabels }, sup: { [id]: { harm: 5, proof: 1 } } },
    },
  }
  const shown = reportsOf(of, stored).find((r) => r.name === id)!
  t.match(shown, { canary: { n: 900 }, evidence: { harm: { log: 5 } } }, 'until then it is shown')
  const next = foldPairs(stored, of.pairTests, { step: 0, counts, tallies })
  t.same(next.pairs!.series, first.pairs!.series)
  t.same(next.pairs!.sup[id], first.pairs!.sup[id])
  const more = foldPairs(next, of.pairTests, { step: 0, counts, tallies })
  t.match(more.pairs!.series![id], { foldedThrough: -1, all: { trials: [100, 100] } })
  t.end()
})

t.test('of what only pauses nothing is ever proved; where higher is better it is said so', (t) => {
  const of = mirrored(ACCURACY)
  const reports = reportsOf(of, none(of))
  t.match(
    reports.find((r) => r.name === 'accuracy/mirror')!,
    {
      ...{ better: 'higher', margins: { harm: 0.05, proof: 0.05 }, cap: null },
      ...{ baseline: NO_TIME, canary: NO_TIME },
    },
  )
  const guard = reports.find((r) => r.name === 'accuracy/label-missing/mirror')!
  t.equal(guard.evidence.nonInferiority, null)
  t.match(guard, { kind: 'label-missing', onFailure: 'pause', margins: { harm: 0, proof: null } })
  t.end()
})

t.test('pairs are bet on once the earlier ones have told how', (t) => {
  const of = mirrored(RMSE, LATENCY, { ...RMSE, name: 'learnt', cap: null })
  const quantile = (asked: LatencyQuantile) => (asked.quantile === 0.95 ? 200 : null)
  const publish = (tally: BetTally | null, caps = {}) =>
    publishPairTerms(
      of.pairTests,
      caps,
      (id) => (id === 'rmse/mirror' ? tally : null),
      tally === null ? () => null : quantile,
    )
  t.same(publish(null), { thresholds: {}, bets: {}, caps: { rmse: 25 } })
  t.same(publish(scores(19, 4, 4)).bets, {})
  const published = publish(scores(20, 4, 4), { learnt: 3 })
  t.same(published.caps, { rmse: 25, learnt: 3 })
  t.match(published.thresholds['latency/mirror'], { baselineMs: 200 })
  const { harm, proof, cap } = published.bets['rmse/mirror']!
  t.equal(cap, 625)
  t.ok(harm[0]! > 0 && proof[0]! < 0)
  const higher = mirrored(ACCURACY)
  const hits: BetTally = { ...scores(20, 0.5, 0.5), sumSq: [10, 10] }
  const { bets } = publishPairTerms(
    higher.pairTests,
    {},
    () => hits,
    () => null,
  )
  t.ok(bets['accuracy/mirror']!.harm[0]! < 0 && bets['accuracy/mirror']!.proof[0]! > 0)
  t.end()
})

t.test('limits are read from the pairs of the step alone', (t) => {
  const of = mirrored(RMSE, ERRORS)
  const counts = { ...NO_PAIRS, pairs: 10, canaryFailed: 2, bothFailed: 1 }
  const counted = foldPairs(none(of), of.pairTests, { step: 0, counts })
  const evidence = foldPairLabels(counted, testOf(of, 'rmse/mirror'), {
    ...{ number: 1, step: 0, tally: scores(4, 9, 16) },
  })
  const at = (step: number) => pairValues(of, evidence, step, () => ({ value: 7, n: 3 }))
  t.same(
    [at(0).failureRate(0), at(0).failureRate(1)],
    [
      { value: 0.1, n: 10 },
      { value: 0.3, n: 10 },
    ],
  )
  t.same(at(1).failureRate(1), NO_TIME)
  t.same(at(0).value(1, RMSE), { value: 4, n: 4 })
  t.same(at(1).value(1, RMSE), NO_TIME)
  const { n, mean, variance } = at(0).spread!(1, RMSE)!
  t.same([n, mean], [4, 16], 'squares as squares')
  t.ok(variance > 0)
  t.equal(at(0).spread!(0, RMSE)!.variance, variance, 'that of the side that varies more')
  t.equal(at(1).spread!(1, RMSE), null)
  t.same(at(0).value(1, CONVERSION), NO_TIME, 'no pair is asked about events')
  t.same(at(0).latency(1, { quantile: 0.5 }), { value: 7, n: 3 })
  t.same(pairValues(of, none(of), 0, () => NO_TIME).value(0, RMSE), NO_TIME)
  t.end()
})

t.test('a mirror step waits for the labels of metrics that decide', (t) => {
  const of = mirrored(RMSE, { ...RMSE, name: 'shown', mode: 'report' }, { ...ERRORS })
  const inMirror = state({ phase: 'progressing' }, { step: 0, weightBp: 0 })
  const missing = (evidence: Evidence) =>
    missingFor(of, inMirror, seen({ reports: reportsOf(of, evidence), stepCanaryUnits: 5 }))
  const fold = (n: number) =>
    foldPairLabels(none(of), testOf(of, 'rmse/mirror'), {
      ...{ number: 1, step: 0, tally: scores(n, 4, 4) },
    })
  const [first, ...more] = missing(fold(40))
  t.match(first, {
    kind: 'minimum',
    sentence: 'rmse/mirror: 40 of 100 labels of pairs in this step',
  })
  t.ok(first!.etaSeconds! > 0)
  t.same(more, [])
  t.same(missing(fold(100)), [])
  t.equal(missing(none(of))[0]!.etaSeconds, null)
  t.end()
})

t.test('a forecast waits for the labels of a mirror step', (t) => {
  const slow = { ...RMSE, labelWindowMs: 60_000 }
  const traffic: Traffic = {
    unitsPerSecond: 10,
    from: 'given',
    errorRate: null,
    exceedance: null,
    evidence: null,
  }
  const at = (metric: MetricSpec, evidence: Evidence | null = null) =>
    forecast(mirrored(metric, ERRORS), { ...traffic, evidence }).steps[0]!
  // 2 s of warm-up, an interval of 1 s, 20 labels that come within half a window; then 100, and a window.
  t.match(at(slow), { slowest: 'labelWindow of rmse (1m)', p50Seconds: 3 + 2 + 30 + 10 + 60 })
  const learnt = { ...slow, cap: null }
  t.match(at(learnt), { p50Seconds: 105 + 100 + 30 }, 'a thousand labels teach a cap')
  t.match(at(learnt, { ...none(mirrored(learnt, ERRORS)), caps: { rmse: 3 } }), { p50Seconds: 105 })
  t.match(at({ ...slow, mode: 'report' }), { slowest: 'minRequests' })
  const counted = { ...slow, threshold: terms(), maxChange: null, max: 3 }
  t.match(at(counted), { slowest: 'minRequests' })
  t.end()
})

t.test('a tally without pairs is empty', (t) => {
  t.ok(isEmptyPairTally(scores(0, 1, 1)))
  t.notOk(isEmptyPairTally(eventsOf(1, 0, 0)))
  t.end()
})
