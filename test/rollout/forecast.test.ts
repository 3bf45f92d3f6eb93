import t from 'tap'
import type { EventEvidence, Evidence } from '../../src/domain/evidence.ts'
import type { MetricSpec, StepSpec } from '../../src/domain/rollout-spec.ts'
import { forecast } from '../../src/rollout/forecast.ts'
import { describeSuggestion, forecastWithAdvice } from '../../src/rollout/suggestions.ts'
import { expectBaseline, type Traffic } from '../../src/rollout/traffic.ts'
import { eventsPlan } from '../../src/statistics/planner.ts'
import { bets, cohort, events, evidenceOf } from '../fakes/evidence.ts'
import { plan } from '../fakes/rollout.ts'
import {
  ACCURACY,
  BASKET,
  CONVERSION,
  ERRORS,
  LATENCY,
  REVENUE,
  RMSE,
  TOKENS,
  weightSteps,
} from '../fakes/simulated-service.ts'

const GIVEN: Traffic = {
  unitsPerSecond: 100,
  from: 'given',
  errorRate: null,
  evidence: null,
  exceedance: null,
}
const STRICT = { ...ERRORS, floor: 0.001 }
const THRESHOLD = {
  intervalMs: 10_000,
  count: null,
  failureLimit: 0,
  inconclusiveLimit: 0,
  consecutiveErrorLimit: 4,
  consecutiveSuccessLimit: null,
}
const steps = weightSteps([5, 20, 100], 1000)

t.test('minimums are times, and only the last weight below 100 % needs proof', (t) => {
  const found = forecast(plan({ spec: { steps }, analysis: { metrics: [STRICT] } }), GIVEN)
  t.match(found, { unit: 'request', unitsPerSecond: 100, trafficFrom: 'given', fits: true })
  const [first, last] = found.steps
  // Warm-up 2 s, 1000 of 5 requests a second, and a cohort of 1 s.
  t.match(first, { weightBp: 500, proves: false, slowest: 'minRequests', p50Seconds: 203 })
  t.equal(first!.p80Seconds, 203)
  t.match(first!.minimums, [
    { name: 'minDuration', seconds: 5 },
    { name: 'minRequests', seconds: 203 },
  ])
  t.match(last, { index: 1, weightBp: 2000, proves: true, slowest: 'errors' })
  t.match(last!.minimums[1], { seconds: 51 })
  t.match(last!.metrics[0], { regression: 1, margin: 0.5, floor: 0.001 })
  // 16,675 and 29,889 requests of both sides, as the planner has them, and a cohort.
  t.ok(Math.abs(last!.p50Seconds - 167.8) < 0.2, `${last!.p50Seconds}`)
  t.ok(Math.abs(last!.p80Seconds - 299.9) < 0.2, `${last!.p80Seconds}`)
  t.equal(found.p50Seconds, first!.p50Seconds + last!.p50Seconds)
  t.end()
})

t.test(
  'the step lasts until the last metric is proved, which is longer than any one takes',
  (t) => {
    const metrics = [STRICT, { ...STRICT, name: 'again' }]
    const two = forecast(plan({ spec: { steps }, analysis: { metrics } }), GIVEN).steps[1]!
    t.ok(two.p50Seconds > 1.2 * two.metrics[0]!.prove.p50Seconds)
    t.end()
  },
)

t.test('a regression is seen the sooner the larger it is, and at larger weights', (t) => {
  const all = plan({ spec: { steps }, analysis: { metrics: [STRICT, LATENCY, RMSE, ACCURACY] } })
  const see = (regression: number | null) =>
    forecast(all, GIVEN, regression).steps.map((s) => s.metrics.map((m) => m.see.p50Seconds))
  const [small, large, usual] = [see(0.3), see(0.8), see(null)]
  const { metrics } = forecast(all, GIVEN).steps[0]!
  t.same(
    metrics.map((m) => [m.name, m.regression]),
    [
      ['errors', 1],
      ['latency', 0.2],
      ['rmse', 0.1],
      ['rmse/above-cap', 1],
      ['accuracy', 0.1],
    ],
  )
  for (const row of [0, 1]) {
    for (const metric of [0, 1, 2, 4]) {
      t.ok(large[row]![metric]! < small[row]![metric]!, `${metrics[metric]!.name} in step ${row}`)
      t.ok(Number.isFinite(usual[row]![metric]!))
    }
  }
  t.ok(usual[1]![1]! < usual[0]![1]!)
  const strict = { ...RMSE, maxChange: 0, sensitivity: 0.03 }
  const [equal] = forecast(plan({ spec: { steps }, analysis: { metrics: [strict] } }), GIVEN).steps
  t.equal(equal!.metrics[0]!.regression, 0.06, 'without a margin it is two sensitivities')
  t.end()
})

t.test('harm is seen sooner in the first step, whose start has half of the stake', (t) => {
  const same = weightSteps([20, 20, 100], 1000)
  const found = forecast(plan({ spec: { steps: same }, analysis: { metrics: [STRICT] } }), GIVEN)
  const [first, second] = found.steps.map(({ metrics }) => metrics[0]!.see.p50Seconds)
  const requests = (stake: number) =>
    eventsPlan({
      direction: 'above',
      pi: 0.2,
      ratio: 1,
      floor: 0,
      baselineRate: 0.01,
      canaryRate: 0.02,
      alpha: 0.05 * stake,
      ratePerSecond: 100,
      settleSeconds: 0,
    })!.p50.seconds
  // After the warm-up of 2 s, and a cohort of 1 s.
  t.equal(first, 3 + requests(1 / 2))
  t.equal(second, 1 + requests(1 / 30))
  t.end()
})

t.test('a cap that was learnt is known, and other events than failures are rarer or not', (t) => {
  const all = plan({ spec: { steps }, analysis: { metrics: [{ ...RMSE, cap: null }] } })
  const [rmse, , missing] = all.hypotheses
  const tallies = { rmse: bets([900, 100], [9, 9], 162) }
  const evidence = evidenceOf(all, [cohort(all, { tallies })], { caps: { rmse: 12 } })
  t.same(expectBaseline(rmse!, { ...GIVEN, evidence }), {
    from: 'observed',
    mean: 9,
    variance: 162,
    cap: 144,
  })
  t.equal(missing!.id, 'rmse/label-missing')
  t.match(expectBaseline(missing!, GIVEN), { from: 'assumed', mean: 0.05 })
  t.end()
})

t.test(
  'a label window is waited for twice before the first proof, and once in a later step',
  (t) => {
    const slow = { ...RMSE, labelWindowMs: 600_000 }
    const proveIn = (percents: readonly number[], cap: number | null) => {
      const spec = { steps: weightSteps(percents, 100) }
      const found = forecast(plan({ spec, analysis: { metrics: [{ ...slow, cap }] } }), {
        ...GIVEN,
        unitsPerSecond: 1e6,
      })
      return Math.round(found.steps.at(-1)!.p50Seconds / 60)
    }
    t.equal(proveIn([20, 100], 25), 20, 'the first window teaches what the bets are centred on')
    t.equal(proveIn([20, 100], null), 25, 'and labels before it teach the cap')
    t.equal(proveIn([5, 20, 100], 25), 10)
    t.end()
  },
)

t.test('the wider a margin, the sooner is the share above its cap proved', (t) => {
  for (const metric of [RMSE, TOKENS]) {
    const [narrow, usual, wide] = [0.001, 0.05, 0.5].map((maxChange) => {
      const of = plan({
        spec: { steps },
        analysis: { metrics: [{ ...metric, maxChange } as typeof metric] },
      })
      return forecast(of, GIVEN).steps[1]!.metrics[1]!.prove.p80Seconds
    })
    t.ok(usual! < 0.95 * narrow!, `${metric.kind}: ${usual} s, with a margin of nothing ${narrow}`)
    t.ok(wide! < usual!, `and ${wide} s with one of 50 %`)
  }
  t.end()
})

t.test('what was observed replaces what is assumed', (t) => {
  const metrics = [STRICT, LATENCY, RMSE, ACCURACY]
  const all = plan({ spec: { steps }, analysis: { metrics } })
  const tally = {
    errors: events([8000, 2000], [240, 60]),
    rmse: bets([4000, 1000], [9, 9], 162),
    accuracy: bets([4000, 1000], [0.8, 0.8], 0.16),
    'rmse/above-cap': events([4000, 1000], [8, 2]),
    'rmse/label-missing': events([4000, 1000], [2000, 500]),
  }
  const evidence = evidenceOf(all, [cohort(all, { assigned: [8000, 2000], tallies: tally })])
  const traffic: Traffic = { ...GIVEN, evidence, exceedance: () => 0.01 }
  const shown = (of: Traffic) =>
    forecast(all, of).baseline.map(({ name, text, from }) => `${name} ${text} ${from}`)
  t.same(shown(traffic), [
    'errors 3 % observed',
    'latency as its answers observed',
    'rmse 3 observed',
    'rmse/above-cap 0.2 % observed',
    'accuracy 80 % observed',
  ])
  t.same(
    forecast(all, traffic).baseline.map(({ value }) => value),
    [0.03, null, 3, 0.002, 0.8],
  )
  t.match(shown({ ...traffic, errorRate: 0.2 }), ['errors 20 % given'])
  t.match(shown({ ...traffic, rates: new Map([['accuracy', 0.95]]) })[4], 'accuracy 95 % given')
  t.same(shown(GIVEN), [
    'errors 1 % assumed',
    'latency log-normal assumed',
    'rmse normal errors assumed',
    'rmse/above-cap 0.1 % assumed',
    'accuracy 90 % assumed',
  ])
  const few = evidenceOf(all, [cohort(all, { tallies: { errors: events([9, 2], [0, 0]) } })])
  t.match(shown({ ...GIVEN, evidence: few }), ['errors 1 % assumed'])
  t.match(shown({ ...GIVEN, evidence: few })[2], /rmse normal errors assumed/)
  const same = evidenceOf(all, [cohort(all, { tallies: { rmse: bets([90, 20], [9, 9], 0) } })])
  const losses = plan({ spec: { steps }, analysis: { metrics: [{ ...RMSE, kind: 'mae' }] } })
  const found = { rmse: bets([900, 100], [0.4, 0.4], 0.1) }
  const judged = evidenceOf(losses, [cohort(losses, { tallies: found })])
  t.match(forecast(losses, { ...GIVEN, evidence: judged }).baseline[0], { value: 0.4, text: '0.4' })
  t.match(
    shown({ ...GIVEN, evidence: same })[2],
    /rmse normal errors assumed/,
    'values that never vary',
  )
  const labels = (of: Evidence | null) =>
    forecast(all, { ...GIVEN, evidence: of }).steps[0]!.minimums[2]!
  t.equal(labels(evidence).name, 'minLabels of rmse')
  t.ok(labels(evidence).seconds > 1.5 * labels(null).seconds, 'half of the labels never come')
  t.end()
})

t.test('with a sticky key the proof is one of all steps together', (t) => {
  const of = (percents: readonly number[], keyed: boolean) =>
    forecast(
      plan(
        { spec: { steps: weightSteps(percents, 1000) }, analysis: { metrics: [STRICT] } },
        keyed,
      ),
      GIVEN,
    ).steps.at(-1)!
  t.equal(of([5, 100], true).p50Seconds, of([5, 100], false).p50Seconds)
  t.ok(of([4, 5, 100], true).p50Seconds < 0.8 * of([4, 5, 100], false).p50Seconds)
  t.ok(of([3, 4, 5, 100], true).p50Seconds < of([4, 5, 100], true).p50Seconds)
  t.end()
})

t.test('timed pauses are in the whole, approvals are counted, neither against maxDuration', (t) => {
  const pause = (durationMs: number | null): StepSpec => ({ kind: 'pause', durationMs })
  const bare = plan({ spec: { steps }, analysis: { metrics: [STRICT] } })
  const paused = plan({
    spec: { steps: [steps[0]!, pause(7_200_000), pause(null), steps[1]!, steps[2]!] },
    analysis: { metrics: [STRICT] },
  })
  const found = forecast(paused, GIVEN)
  t.match(found, { pauseSeconds: 7200, approvals: 1, fits: true, maxDurationSeconds: 3600 })
  t.equal(found.p50Seconds, forecast(bare, GIVEN).p50Seconds + 7200)
  t.equal(found.steps[1]!.index, 3)
  t.end()
})

t.test(
  'what to change is computed: each suggestion fits alone, and a smaller change does not',
  (t) => {
    const metrics = [STRICT]
    const build = (maxDurationMs: number, change: object = {}, weight = 5) =>
      plan({
        spec: { steps: weightSteps([weight, 100], 100), maxDurationMs },
        analysis: { metrics: metrics.map((m) => ({ ...m, ...change })) },
      })
    const half = 900_000
    const advice = (of: ReturnType<typeof build>) =>
      forecastWithAdvice(of, GIVEN, null).suggestions.map(describeSuggestion)
    t.same(advice(build(3_600_000)), [], 'nothing where it fits')
    const found = advice(build(half))
    t.same(found, [
      'raise the weight of step 1 to 6 %',
      'widen sensitivity of errors to 53 %',
      'widen floor of errors to 0.2 %',
      'let errors only report (mode: report)',
      'allow a maxDuration of 17m',
    ])
    const fits = (change: object, weight = 5, ms = half) =>
      forecast(build(ms, change, weight), GIVEN).fits
    t.same([fits({}, 6), fits({}, 5)], [true, false])
    t.same([fits({ sensitivity: 0.53 }), fits({ sensitivity: 0.525 })], [true, false])
    t.same([fits({ floor: 0.002 }), fits({ floor: 0.001 })], [true, false])
    t.same([fits({}, 5, 17 * 60_000), fits({}, 5, 16 * 60_000)], [true, false])
    t.end()
  },
)

t.test('what helps nothing is not suggested', (t) => {
  const advice = (
    change: object,
    percents: readonly number[],
    rps: number,
    maxDurationMs: number,
  ) =>
    forecastWithAdvice(
      plan({
        spec: { steps: weightSteps(percents, 1000), maxDurationMs },
        analysis: { metrics: [{ ...RMSE, ...change }] },
      }),
      { ...GIVEN, unitsPerSecond: rps },
      null,
    ).suggestions
  t.match(advice({}, [5, 100], 0.01, 3_600_000), [{ change: 'maxDuration', seconds: Number }])
  t.match(
    advice({}, [1, 50, 100], 10, 3_600_000).map((s) => s.change),
    ['weight', 'maxDuration'],
    'a minimum of requests has no margin',
  )
  t.match(
    advice({}, [50, 100], 6, 1_600_000)
      .map((s) => s.change)
      .slice(0, 1),
    ['maxIncrease'],
  )
  const blind = forecastWithAdvice(
    plan({
      spec: { steps: weightSteps([5, 100], 10) },
      analysis: { metrics: [{ ...ERRORS, floor: 0 }] },
    }),
    { ...GIVEN, errorRate: 0 },
    null,
  )
  t.equal(blind.forecast.p50Seconds, Infinity, 'without failures and without a floor: never')
  t.match(blind.suggestions.map(describeSuggestion), [/floor of errors/, /only report/])
  t.end()
})

t.test('a window that is most of the time is named, and shortened to what fits', (t) => {
  const build = (metric: MetricSpec, maxDurationMs = 3_600_000) =>
    plan({
      spec: { steps: weightSteps([50, 100], 100), maxDurationMs },
      analysis: { metrics: [metric] },
    })
  const busy = { ...GIVEN, unitsPerSecond: 1000 }
  const slowest = (metric: MetricSpec) => forecast(build(metric), busy).steps[0]!.slowest
  t.equal(slowest({ ...RMSE, labelWindowMs: 600_000 }), 'labelWindow of rmse (10m)')
  t.equal(slowest({ ...RMSE, labelWindowMs: 0 }), 'rmse', 'what needs units is no window')
  const sales: MetricSpec = {
    ...{ ...CONVERSION, maxChange: 0.5 },
    windowMs: 1_800_000,
  }
  t.equal(slowest(sales), 'window of conversion (30m)')

  const advice = (windowMs: number, maxDurationMs: number) => {
    const of = build({ ...RMSE, labelWindowMs: windowMs }, maxDurationMs)
    return forecastWithAdvice(of, busy, null).suggestions.map(describeSuggestion)
  }
  const minute = 60_000
  t.same(advice(20 * minute, 100 * minute), [], 'nothing where it fits')
  const found = advice(20 * minute, 15 * minute)
  const [, shorter] = /^shorten labelWindow of rmse to (\d+)m$/.exec(found[0]!) ?? []
  const fits = (minutes: number) =>
    forecast(build({ ...RMSE, labelWindowMs: minutes * minute }, 15 * minute), busy).fits
  t.same([fits(Number(shorter)), fits(Number(shorter) + 1)], [true, false])
  t.match(advice(300 * minute, 240 * minute)[0], /^shorten labelWindow of rmse to \d+h$/)
  t.match(advice(2 * minute, 2 * minute)[0], /^shorten labelWindow of rmse to \d+s$|1m$/)
  t.notMatch(advice(20 * minute, 1000).join(' '), /shorten/, 'no window fits')
  const streams = (windowMs: number, maxDurationMs: number) => {
    const metric = { ...TOKENS, cap: 100, maxChange: 0.5, windowMs }
    return forecastWithAdvice(build(metric, maxDurationMs), busy, null).suggestions
  }
  t.match(
    streams(10 * minute, 10 * minute).map(describeSuggestion)[0],
    /^shorten window of tokens to \dm$/,
  )
  const fitting = streams(2 * minute, minute)
  t.notMatch(fitting.map(describeSuggestion).join(' '), /shorten/, 'answers have 30 s anyhow')
  t.end()
})

t.test('a cap whose learning is most of the time is named, and to be set', (t) => {
  const build = (change: Partial<typeof REVENUE>, maxDurationMs: number) =>
    plan({
      spec: { steps: weightSteps([50, 100], 100), maxDurationMs },
      analysis: { metrics: [{ ...REVENUE, maxChange: 0.5, cap: null, ...change }] },
    })
  const found = (change: Partial<typeof REVENUE> = {}, ms = 300_000) =>
    forecastWithAdvice(build(change, ms), GIVEN, null)
  const slowest = (of: ReturnType<typeof found>) => of.forecast.steps[0]!.slowest
  const learning = found()
  t.equal(slowest(learning), 'learning the cap of revenue')
  const advice = learning.suggestions.map(describeSuggestion)
  const set = 'set the cap of revenue, which is learnt from values that are not judged'
  t.ok(advice.includes(set), advice.join())
  t.ok(advice.includes('let revenue only report (mode: report)'))
  t.notOk(learning.forecast.fits)
  t.ok(found({ cap: 10 }).forecast.fits)
  t.notMatch(slowest(found({ cap: 10 })), /learning/)
  t.notMatch(slowest(found({ maxChange: 0.05 })), /learning/, 'the proof takes longer')
  const late = found({}, 10_000).suggestions.map(({ change }) => change)
  t.notOk(late.includes('cap'), 'it would not fit with it')
  t.end()
})

t.test('a change for the worse is named as the file names it', (t) => {
  const advice = (metric: MetricSpec) =>
    forecastWithAdvice(
      plan({
        spec: { steps: weightSteps([50, 100], 1000), maxDurationMs: 1_600_000 },
        analysis: { metrics: [metric] },
      }),
      { ...GIVEN, unitsPerSecond: 6 },
      null,
    ).suggestions.map(describeSuggestion)
  t.match(advice({ ...RMSE, maxChange: 0.02 }).join('\n'), /^widen maxIncrease of rmse to .* %$/m)
  t.match(
    advice({ ...ACCURACY, maxChange: 0.01 }).join('\n'),
    /^widen maxDecrease of accuracy to .* %$/m,
  )
  t.end()
})

t.test('a segment needs as many units, of which fewer come', (t) => {
  const segments = ['gold', 'silver']
  const all = plan({
    spec: { steps },
    analysis: {
      metrics: [
        { ...STRICT, segments },
        { ...RMSE, cap: 4, segments: ['gold'] },
      ],
    },
  })
  const proofs = (traffic: Traffic) =>
    new Map(forecast(all, traffic).steps[1]!.metrics.map((m) => [m.name, m.prove.p50Seconds]))
  const assumed = proofs(GIVEN)
  // Two of them and those of none, so a third of the requests each.
  const rest = (name: string, found: ReturnType<typeof proofs>) => found.get(name)! - 1
  t.ok(Math.abs(rest('errors@gold', assumed) / rest('errors', assumed) - 3) < 0.01)
  t.ok(assumed.get('rmse@gold')! > 1.5 * assumed.get('rmse')!, 'a single one is not all of them')
  const counts = (ofGold: number) => ({
    errors: events([200, 200], [2, 2]),
    'errors@gold': events([ofGold, ofGold], [1, 1]),
  })
  const seen = (ofGold: number): Traffic => ({
    ...GIVEN,
    evidence: evidenceOf(all, [
      cohort(all, {
        tallies: counts(ofGold),
        segments: { gold: { assigned: [0, 0], observed: [0, 0] } },
      }),
    ]),
  })
  // 20 of 400 units, too few to tell how often they fail.
  const few = proofs(seen(10))
  t.ok(Math.abs(rest('errors@gold', few) / rest('errors', few) - 20) < 0.1)
  t.end()
})

t.test(
  'a mean of events is one of the units that have one: as given, as seen, or one in 20',
  (t) => {
    const shop = (metric: MetricSpec) =>
      plan({
        spec: { steps: weightSteps([50, 100], 1000) },
        analysis: { metrics: [{ ...metric, maxChange: 0.1 }] },
      })
    const proof = (metric: MetricSpec, traffic: Partial<Traffic> = {}) =>
      forecast(shop(metric), { ...GIVEN, ...traffic })
    const seconds = (found: ReturnType<typeof proof>) => {
      // What is waited for whatever comes: the warm-up, the first window and the last.
      return found.steps[0]!.metrics[0]!.prove.p50Seconds - 2 - 2 * (BASKET.windowMs / 1000)
    }
    const all = seconds(proof({ ...BASKET, from: { in: 'answer', pointer: '/amount' } }))
    const few = proof(BASKET)
    t.ok(Math.abs(seconds(few) / all - 20) < 1, `${seconds(few)} of ${all}`)
    t.match(few.baseline, [{ text: 'exponential for 5 % of the units', from: 'assumed' }])
    const given = proof(BASKET, { rates: new Map([['basket', 0.5]]) })
    t.ok(Math.abs(seconds(given) / all - 2) < 0.1, `${seconds(given)} of ${all}`)
    t.match(given.baseline, [{ text: 'exponential for 50 % of the units', from: 'given' }])
    const found = evidenceOf(shop(BASKET), [])
    const missing: EventEvidence = {
      ...(found.hypotheses['basket/label-missing'] as EventEvidence),
      trials: [50, 50],
      events: [40, 40],
    }
    const hypotheses = { ...found.hypotheses, 'basket/label-missing': missing }
    const seen = seconds(proof(BASKET, { evidence: { ...found, hypotheses } }))
    t.ok(Math.abs(seen / all - 5) < 0.3, `${seen} of ${all}`)
    t.end()
  },
)

t.test('counted measurements are waited for', (t) => {
  const counted = (terms: object) => ({ ...STRICT, threshold: { ...THRESHOLD, ...terms } })
  const minimum = (terms: object, index = 1) =>
    forecast(plan({ spec: { steps }, analysis: { metrics: [counted(terms)] } }), GIVEN).steps[
      index
    ]!.minimums.find(({ name }) => name === 'measurements of errors')!.seconds
  t.equal(minimum({ count: 5 }), 50)
  t.equal(minimum({ count: 5, consecutiveSuccessLimit: 3 }), 30)
  t.equal(minimum({}), 10)
  t.equal(minimum({}, 0), 12, 'after the warm-up')
  const shown = { ...counted({ count: 5 }), mode: 'report' } as const
  const reported = forecast(plan({ spec: { steps }, analysis: { metrics: [shown] } }), GIVEN)
  t.notOk(reported.steps[1]!.minimums.some(({ name }) => name.startsWith('measurements')))
  t.end()
})

t.test('a latency is expected from those that end like it, as far as any were seen', (t) => {
  const asked: unknown[] = []
  const first = { ...LATENCY, name: 'first', until: 'first-byte' } as const
  const seconds = (metric: MetricSpec, exceedance: Traffic['exceedance']) =>
    forecast(plan({ analysis: { metrics: [metric] } }), { ...GIVEN, exceedance }).p80Seconds
  const last: Traffic['exceedance'] = ({ until }) => {
    asked.push(until)
    return until === undefined ? 0.001 : null
  }
  t.equal(seconds(first, last), seconds(LATENCY, null), 'none were seen: as it is assumed')
  t.ok(asked.every((until) => until === 'first-byte'))
  t.not(seconds(LATENCY, last), seconds(LATENCY, null))
  t.end()
})

t.test('what a unit adds is worked out once for each weight, whatever is tried', (t) => {
  let worked = 0
  const exceedance = () => {
    worked += 1
    return 0.04
  }
  const traffic = { ...GIVEN, exceedance }
  const weights = weightSteps([1, 5, 20, 50, 100], 1000)
  const slow = { ...LATENCY, maxChange: 0.01 }
  const spec = { steps: weights, maxDurationMs: 60_000 }
  const ask = () =>
    forecastWithAdvice(plan({ spec, analysis: { metrics: [STRICT, slow] } }), traffic, null)
  t.ok(ask().suggestions.length > 0)
  t.ok(worked < 20, `${worked} times`)
  const [before, first] = [worked, ask()]
  t.equal(worked, before, 'the same question needs nothing more')
  t.ok(forecast(plan({ spec }), { ...traffic, unitsPerSecond: 1e-9 }).p80Seconds > 1e12)
  t.equal(JSON.stringify(ask()), JSON.stringify(first))
  t.end()
})

t.test('a step without the labels that it waits for is never left', (t) => {
  const waiting = plan({ spec: { steps }, analysis: { metrics: [RMSE] } })
  const found = evidenceOf(waiting, [])
  const missing: EventEvidence = {
    ...(found.hypotheses['rmse/label-missing'] as EventEvidence),
    trials: [50, 50],
    events: [50, 50],
  }
  const evidence = { ...found, hypotheses: { ...found.hypotheses, 'rmse/label-missing': missing } }
  t.equal(forecast(waiting, { ...GIVEN, evidence }).p80Seconds, Infinity)
  t.end()
})
