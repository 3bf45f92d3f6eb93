import t from 'tap'
import type { EventTally, Pair } from '../../src/domain/cohort.ts'
import type { BetEvidence, Evidence } from '../../src/domain/evidence.ts'
import type { MetricReport } from '../../src/domain/verdict.ts'
import { judge, type JudgeContext } from '../../src/rollout/judge.ts'
import { readLimits } from '../../src/rollout/limits.ts'
import { writeReport } from '../../src/rollout/write-report.ts'
import { bets, cohort, events, evidenceOf } from '../fakes/evidence.ts'
import { plan } from '../fakes/rollout.ts'
import { ACCURACY, ERRORS, LATENCY, RMSE } from '../fakes/simulated-service.ts'

const ALL = plan({ analysis: { metrics: [ERRORS, LATENCY, RMSE] } })

const CONTEXT: JudgeContext = {
  limits: [],
  step: 0,
  stepEnteredAt: 0,
  now: 0,
  pi: 0.2,
  unitsPerSecond: 100,
  latency: (side, { quantile }) => ({ value: 10 + side + quantile, n: 500 - side }),
}

t.test('without observations everything is inconclusive, and no number is made up', (t) => {
  const reports = judge(ALL, evidenceOf(ALL, []), CONTEXT)
  t.same(
    reports.map((r) => [r.name, r.kind, r.verdict, r.required]),
    [
      ['errors', 'error-rate', 'inconclusive', true],
      ['latency', 'latency', 'inconclusive', true],
      ['rmse', 'rmse', 'inconclusive', true],
      ['rmse/above-cap', 'above-cap', 'inconclusive', true],
      ['rmse/label-missing', 'label-missing', 'inconclusive', false],
      ['no-answer', 'no-answer', 'inconclusive', false],
      ['client-error', 'client-error', 'inconclusive', false],
    ],
  )
  for (const name of ['errors', 'rmse', 'rmse/above-cap']) {
    t.match(named(reports, name), {
      baseline: { value: null, n: 0 },
      canary: { value: null, n: 0 },
      ratio: null,
      etaSeconds: null,
      stepCanaryN: 0,
      evidence: { stepNonInferiority: null, stepHarm: null },
    })
  }
  t.end()
})

t.test('the cap that the shown errors were cut at is named, configured or learnt', (t) => {
  const capOf = (cap: number | null, learnt: Readonly<Record<string, number>>) => {
    const asked = plan({ analysis: { metrics: [ERRORS, { ...RMSE, cap }] } })
    const reports = judge(asked, { ...evidenceOf(asked, []), caps: learnt }, CONTEXT)
    t.equal(named(reports, 'errors').cap, null)
    return named(reports, 'rmse').cap
  }
  t.equal(capOf(25, {}), 25)
  t.equal(capOf(null, { rmse: 0.1 }), 0.1)
  t.equal(capOf(null, {}), null)
  t.end()
})

t.test('harm that is shown fails a metric, with the numbers behind it', (t) => {
  const tally = events([8000, 2000], [80, 80])
  const evidence = evidenceOf(ALL, [cohort(ALL, { tallies: { errors: tally } })])
  const report = named(judge(ALL, evidence, CONTEXT), 'errors')
  t.match(report, {
    verdict: 'failed',
    margins: { harm: 0, proof: 0.5 },
    baseline: { value: 0.01, n: 8000 },
    canary: { value: 0.04, n: 2000 },
    stepCanaryN: 2000,
  })
  t.ok(report.evidence.harm!.log > report.evidence.harm!.threshold)
  t.ok(report.evidence.stepHarm!.log > report.evidence.harm!.threshold)
  t.ok(Math.abs(report.ratio!.estimate - 4) < 1e-3)
  t.ok(report.ratio!.lower > 1)
  t.end()
})

t.test('a proof that is reached makes a metric successful, now and over the attempt', (t) => {
  const tally = events([40_000, 10_000], [400, 100])
  const evidence = evidenceOf(ALL, [cohort(ALL, { tallies: { errors: tally } })])
  const report = named(judge(ALL, evidence, CONTEXT), 'errors')
  t.equal(report.verdict, 'successful')
  t.same(report.evidence.nonInferiority, report.evidence.stepNonInferiority)
  t.equal(report.etaSeconds, 0)
  t.end()
})

t.test('a larger share of 4xx is harm where it is shown, and large enough to matter', (t) => {
  const judged = (trials: Pair, happened: Pair) => {
    const tallies = { 'client-error': events(trials, happened) }
    return named(judge(ALL, evidenceOf(ALL, [cohort(ALL, { tallies })]), CONTEXT), 'client-error')
  }
  const isShown = ({ evidence }: MetricReport) => evidence.harm!.log >= evidence.harm!.threshold
  const large = judged([8000, 2000], [80, 400])
  t.match(large, {
    verdict: 'failed',
    required: false,
    onFailure: 'pause',
    margins: { harm: 0.5, proof: null },
    baseline: { value: 0.01, n: 8000 },
    canary: { value: 0.2, n: 2000 },
  })
  t.ok(isShown(large))
  const small = judged([8_000_000, 2_000_000], [800, 2000])
  t.equal(small.verdict, 'inconclusive', '0.1 % against 0.01 %')
  t.ok(isShown(small))
  const similar = judged([8_000_000, 2_000_000], [800_000, 280_000])
  t.equal(similar.verdict, 'inconclusive', '14 % against 10 %')
  t.notOk(isShown(similar))
  t.end()
})

t.test('missing labels are told with the answers that had no prediction to read', (t) => {
  const of = (unreadable: number) => {
    const predictions = {
      baseline: { looked: 900, unreadable: 0 },
      canary: { looked: 100, unreadable },
    }
    const reports = judge(ALL, evidenceOf(ALL, []), { ...CONTEXT, predictions })
    t.equal(named(reports, 'errors').unreadable, undefined)
    return writeReport(named(reports, 'rmse/label-missing'))
  }
  t.match(of(98).unreadable, /^no prediction could be read from 98 of 100 answers of the canary: /)
  t.notOk('unreadable' in of(1))
  const unknown = judge(ALL, evidenceOf(ALL, []), CONTEXT)
  t.equal(named(unknown, 'rmse/label-missing').unreadable, undefined)
  t.end()
})

t.test('what was folded of another step says nothing about this one', (t) => {
  const tallies = { errors: events([40_000, 10_000], [400, 100]), rmse: bets([80, 20], [4, 4], 2) }
  const evidence = evidenceOf(ALL, [cohort(ALL, { tallies })])
  const reports = judge(ALL, evidence, { ...CONTEXT, step: 1 })
  for (const name of ['errors', 'rmse']) {
    t.match(named(reports, name), {
      stepCanaryN: 0,
      evidence: { stepNonInferiority: null, stepHarm: null },
    })
  }
  t.equal(named(reports, 'errors').verdict, 'successful')
  t.end()
})

t.test('RMSE is the root of the mean squared error, its margin one of RMSE', (t) => {
  const tallies = { rmse: bets([800, 200], [9, 16], 4, 6) }
  const report = named(judge(ALL, evidenceOf(ALL, [cohort(ALL, { tallies })]), CONTEXT), 'rmse')
  t.match(report, {
    verdict: 'failed',
    margins: { harm: 0.05, proof: 0.05 },
    baseline: { value: 3, n: 800 },
    canary: { value: 4, n: 200 },
    stepCanaryN: 200,
    ratio: { method: 'asymptotic' },
    evidence: { stepHarm: { log: 6 } },
  })
  t.ok(Math.abs(report.ratio!.estimate - 4 / 3) < 1e-3)
  t.end()
})

t.test('accuracy is a share of the labels, and its margins are falls', (t) => {
  const right = plan({ analysis: { metrics: [ACCURACY] } })
  const tallies = { accuracy: bets([800, 200], [0.9, 0.6], 0.1, 6) }
  const evidence = evidenceOf(right, [cohort(right, { tallies })])
  const report = named(judge(right, evidence, CONTEXT), 'accuracy')
  t.match(report, {
    kind: 'accuracy',
    verdict: 'failed',
    better: 'higher',
    margins: { harm: 0.05, proof: 0.05 },
    cap: null,
    baseline: { value: 0.9, n: 800 },
    canary: { value: 0.6, n: 200 },
  })
  t.ok(Math.abs(report.ratio!.estimate - 2 / 3) < 1e-3)
  t.type(report.etaSeconds, 'number', 'how long equal variants would take to be proved')
  t.end()
})

t.test('errors that never vary, and one side without labels, give no interval and no time', (t) => {
  const same = { rmse: bets([80, 20], [4, 4], 0) }
  const report = named(
    judge(ALL, evidenceOf(ALL, [cohort(ALL, { tallies: same })]), CONTEXT),
    'rmse',
  )
  t.match(report, { ratio: null, etaSeconds: null })
  const single = { rmse: bets([0, 20], [0, 4], 1) }
  const oneSided = named(
    judge(ALL, evidenceOf(ALL, [cohort(ALL, { tallies: single })]), CONTEXT),
    'rmse',
  )
  t.match(oneSided, { baseline: { value: null }, canary: { value: 2 }, etaSeconds: null })
  t.end()
})

t.test(
  'where nearly every unit of both sides is counted no ratio is made of how they were drawn',
  (t) => {
    const ratioOf = (observed: Pair, labelled: Pair) => {
      const tallies = { 'rmse/label-missing': events(labelled, [0, 0]) }
      const evidence = evidenceOf(ALL, [cohort(ALL, { assigned: observed, tallies })])
      return named(judge(ALL, evidence, CONTEXT), 'rmse/label-missing').ratio
    }
    t.equal(ratioOf([750, 220], [0, 0]), null, 'no label at all')
    t.equal(ratioOf([1000, 250], [100, 25]), null)
    t.match(ratioOf([1000, 250], [110, 25]), { method: 'exact' })
    t.ok(ratioOf([1000, 250], [900, 0])!.lower > 1, "the canary's alone never come")
    t.end()
  },
)

t.test('a step that began after the last folded cohort has no harm of its own yet', (t) => {
  const tallies = { errors: events([8000, 2000], [80, 80]), rmse: bets([80, 20], [4, 4], 1, 9) }
  const evidence = evidenceOf(ALL, [cohort(ALL, { tallies })], { stepStart: 3 })
  const reports = judge(ALL, evidence, CONTEXT)
  t.equal(named(reports, 'errors').evidence.stepHarm!.log, 0)
  t.equal(named(reports, 'rmse').evidence.stepHarm!.log, 0)
  t.end()
})

t.test('latency shows quantiles, never the shares of exceedances that are compared', (t) => {
  const tallies = { latency: events([8000, 2000], [400, 80]) }
  const report = named(judge(ALL, evidenceOf(ALL, [cohort(ALL, { tallies })]), CONTEXT), 'latency')
  t.match(report, {
    baseline: { value: 10.95, n: 500 },
    canary: { value: 11.95, n: 499 },
    ratio: null,
    margins: { harm: 0.1, proof: 0.1 },
  })
  t.type(report.etaSeconds, 'number')
  const few = { latency: events([80, 0], [4, 0]) }
  const unknown = named(
    judge(ALL, evidenceOf(ALL, [cohort(ALL, { tallies: few })]), CONTEXT),
    'latency',
  )
  t.equal(unknown.etaSeconds, null, 'equal shares of exceedances are never proved')
  t.end()
})

t.test('the time that is left comes from the traffic and the window of the labels', (t) => {
  const tallies = {
    errors: events([800, 200], [8, 2]),
    rmse: bets([800, 200], [9, 9], 100),
  }
  const evidence = evidenceOf(ALL, [cohort(ALL, { tallies })])
  const at = (context: Partial<JudgeContext>) => judge(ALL, evidence, { ...CONTEXT, ...context })
  const [errors, rmse] = [named(at({}), 'errors'), named(at({}), 'rmse')]
  t.ok(errors.etaSeconds! > 0)
  t.ok(rmse.etaSeconds! > 2)
  const busy = at({ unitsPerSecond: 1000 })
  // The warm-up of 2 s stays as long.
  t.ok(named(busy, 'errors').etaSeconds! - 2 < (errors.etaSeconds! - 2) / 5)
  for (const pi of [0, 1]) {
    t.equal(named(at({ pi }), 'errors').etaSeconds, null, 'one variant alone compares nothing')
    t.equal(named(at({ pi }), 'rmse').etaSeconds, null)
  }
  t.equal(named(at({}), 'no-answer').etaSeconds, null, 'a guard has nothing to prove')
  t.end()
})

t.test(
  'time is left until the whole attempt and the step before 100 % both have their proof',
  (t) => {
    const at = (earlier: EventTally, own: EventTally) => {
      const cohorts = [
        cohort(ALL, { tallies: { errors: earlier } }),
        cohort(ALL, { number: 2, step: 2, pi: 0.5, tallies: { errors: own } }),
      ]
      const proving = { ...CONTEXT, step: 2, pi: 0.5 }
      const { evidence, etaSeconds } = named(
        judge(ALL, evidenceOf(ALL, cohorts), proving),
        'errors',
      )
      const { nonInferiority, stepNonInferiority } = evidence
      const reached = [nonInferiority, stepNonInferiority].map((e) => e!.log >= e!.threshold)
      return { reached, etaSeconds: etaSeconds! }
    }
    const [good, bad] = [events([40_000, 10_000], [400, 100]), events([8000, 2000], [80, 160])]
    const [enough, few] = [events([8000, 8000], [100, 80]), events([100, 100], [1, 1])]
    const lacksWhole = at(bad, enough)
    t.same(lacksWhole.reached, [false, true])
    t.ok(lacksWhole.etaSeconds > 2, `${lacksWhole.etaSeconds}`)
    const lacksOwn = at(good, few)
    t.same(lacksOwn.reached, [true, false])
    t.ok(lacksOwn.etaSeconds > 2, `${lacksOwn.etaSeconds}`)
    const lacksBoth = at(bad, few)
    t.same(lacksBoth.reached, [false, false])
    t.ok(lacksBoth.etaSeconds > lacksOwn.etaSeconds, 'the longer of the two')
    t.same(at(good, enough), { reached: [true, true], etaSeconds: 0 })
    const entered = { ...CONTEXT, step: 2, pi: 0.5 }
    const before = evidenceOf(ALL, [cohort(ALL, { tallies: { errors: good } })])
    t.ok(
      named(judge(ALL, before, entered), 'errors').etaSeconds! > 2,
      'nothing of the step is folded',
    )
    t.end()
  },
)

t.test('an outage of the baseline that is left out leaves more time, of bets too', (t) => {
  const tallies = { errors: events([800, 200], [8, 2]), rmse: bets([800, 200], [9, 9], 100, 0, 1) }
  const cohorts = [cohort(ALL, { tallies }), cohort(ALL, { number: 2, step: 2, pi: 0.5, tallies })]
  const evidence = evidenceOf(ALL, cohorts)
  const rmse = evidence.hypotheses['rmse'] as BetEvidence
  const less = (wealth: readonly number[]) => wealth.map((log) => log - 0.5)
  const calm = { proof: less(rmse.proof), stepProof: less(rmse.stepProof) }
  const left = (of: BetEvidence) => {
    const hypotheses = { ...evidence.hypotheses, rmse: of }
    const proving = { ...CONTEXT, step: 2, pi: 0.5 }
    return named(judge(ALL, { ...evidence, hypotheses }, proving), 'rmse')
  }
  t.ok(left({ ...rmse, calm }).etaSeconds! > left(rmse).etaSeconds!)
  t.same(
    [left(rmse), left({ ...rmse, calm })].map((r) => r.withoutOutages),
    [undefined, true],
  )
  t.end()
})

t.test('a proof that leaves an outage of the baseline out says so', (t) => {
  const of = (...tallies: readonly EventTally[]) => {
    const cohorts = tallies.map((errors, i) => cohort(ALL, { number: i + 1, tallies: { errors } }))
    const report = named(judge(ALL, evidenceOf(ALL, cohorts), CONTEXT), 'errors')
    return [report, writeReport(report)].map((r) => r.withoutOutages)
  }
  const usual = events([800, 200], [8, 2])
  t.same(of(usual), [undefined, undefined])
  t.same(of(usual, events([80, 20], [60, 2])), [true, true])
  t.same(of(usual, events([80, 20], [60, 20])), [undefined, undefined], 'all prove less')
  t.end()
})

t.test('a learnt cap that many of the baseline are above by now proves nothing', (t) => {
  const learnt = plan({ analysis: { metrics: [{ ...RMSE, cap: null }] } })
  const id = 'rmse/above-cap'
  const of = (caps: Evidence['caps'], ...above: readonly EventTally[]) => {
    const cohorts = above.map((tally, i) =>
      cohort(learnt, { number: i + 1, step: i, tallies: { [id]: tally } }),
    )
    const evidence = { ...evidenceOf(learnt, cohorts), caps }
    const report = named(judge(learnt, evidence, { ...CONTEXT, step: above.length - 1 }), id)
    const { nonInferiority } = report.evidence
    t.ok(nonInferiority!.log >= nonInferiority!.threshold)
    t.same(writeReport(report).passedCap, report.passedCap)
    return [report.verdict, report.passedCap]
  }
  const [few, many] = [events([40_000, 10_000], [800, 200]), events([40_000, 10_000], [804, 201])]
  t.same(of({ rmse: 3 }, few), ['successful', undefined])
  t.same(of({ rmse: 3 }, many), ['inconclusive', { share: 0.0201, cap: 3 }])
  t.same(of({}, many), ['successful', undefined], 'a configured one is as it is meant')
  const calm = events([400_000, 100_000], [40, 10])
  t.same(of({ rmse: 3 }, calm, many), ['inconclusive', { share: 0.0201, cap: 3 }], 'this step')
  t.same(of({ rmse: 3 }, many, calm), ['successful', undefined], 'that step is over')
  t.end()
})

t.test('three evaluations beyond a limit fail a metric, beside its comparison or alone', (t) => {
  const metrics = [
    { ...ERRORS, max: 0.05 },
    { ...LATENCY, name: 'slow', maxChange: null, max: 100, onFailure: 'warn' as const },
  ]
  const limited = plan({ analysis: { metrics } })
  const limits = readLimits(metrics, {
    failureRate: () => ({ value: 0.06, n: 1000 }),
    latency: (side) => ({ value: side === 1 ? 120 : 80, n: 1000 }),
    value: () => ({ value: null, n: 0 }),
  })
  const at = (ticks: number) =>
    judge(
      limited,
      { ...evidenceOf(limited, []), limitTicks: { errors: ticks, slow: ticks } },
      { ...CONTEXT, limits },
    )
  t.match(named(at(2), 'errors'), {
    verdict: 'inconclusive',
    limit: { max: 0.05, ticksBeyond: 2, baselineBeyond: true },
  })
  t.match(named(at(3), 'errors'), { verdict: 'failed', required: true })
  t.match(named(at(3), 'slow'), {
    verdict: 'failed',
    required: false,
    onFailure: 'warn',
    margins: null,
    canary: { value: 120 },
    evidence: { harm: null },
    stepCanaryN: 1000,
  })
  const untouched = judge(limited, evidenceOf(limited, []), { ...CONTEXT, limits })
  t.match(named(untouched, 'slow'), { verdict: 'inconclusive', limit: { ticksBeyond: 1 } })
  t.end()
})

t.test('what was counted under a limit that is gone from the file fails nothing', (t) => {
  const free = plan({ analysis: { metrics: [ERRORS] } })
  const counted = { ...evidenceOf(free, []), limitTicks: { errors: 3 } }
  t.match(named(judge(free, counted, CONTEXT), 'errors'), { verdict: 'inconclusive', limit: null })
  t.end()
})

t.test('a limit that is broken right now holds a step before it is counted', (t) => {
  const metrics = [{ ...ERRORS, max: 0.05 }]
  const limited = plan({ analysis: { metrics } })
  const limits = readLimits(metrics, {
    failureRate: (side) => ({ value: side === 1 ? 0.06 : 0.01, n: 1000 }),
    latency: () => ({ value: null, n: 0 }),
    value: () => ({ value: null, n: 0 }),
  })
  const report = named(judge(limited, evidenceOf(limited, []), { ...CONTEXT, limits }), 'errors')
  t.match(report, { verdict: 'inconclusive', limit: { ticksBeyond: 1 } })
  t.end()
})

t.test('a metric with a limit that decides is required even where its comparison is none', (t) => {
  const metrics = [{ ...RMSE, maxChange: null, max: 4 }]
  const limited = plan({ analysis: { metrics } })
  const limits = readLimits(metrics, {
    failureRate: () => ({ value: null, n: 0 }),
    latency: () => ({ value: null, n: 0 }),
    value: () => ({ value: 3, n: 500 }),
  })
  const report = named(judge(limited, evidenceOf(limited, []), { ...CONTEXT, limits }), 'rmse')
  t.match(report, { required: true, margins: { proof: null }, evidence: { nonInferiority: null } })
  t.end()
})

function named(reports: readonly MetricReport[], name: string): MetricReport {
  return reports.find((r) => r.name === name)!
}
