import t from 'tap'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { writeReport } from '../../src/rollout/write-report.ts'
import { judge, type JudgeContext } from '../../src/rollout/judge.ts'
import { missingFor } from '../../src/rollout/missing.ts'
import { publishTerms } from '../../src/rollout/terms.ts'
import { step } from '../../src/rollout/step.ts'
import { bets, cohort, events, evidenceOf } from '../fakes/evidence.ts'
import { harmed, plan, planOf, report, seen, state } from '../fakes/rollout.ts'
import {
  ACCURACY,
  ERRORS,
  LATENCY,
  RMSE,
  rolloutSpec,
  service,
} from '../fakes/simulated-service.ts'

const segments = ['gold', 'silver']
const CONTEXT: JudgeContext = {
  limits: [],
  step: 0,
  stepEnteredAt: 0,
  now: 0,
  pi: 0.2,
  unitsPerSecond: 100,
  latency: (side, _quantile, segment) => ({ value: segment === 'gold' ? 7 + side : 1, n: 50 }),
}

t.test('a metric by segment asks its questions of the whole and of each segment', (t) => {
  const metrics = [{ ...ERRORS, segments }, LATENCY, { ...RMSE, segments: ['gold'] }]
  const all = buildHypotheses(rolloutSpec({ analysis: { metrics } }).analysis)
  t.same(
    all.map((h) => [h.id, h.metric, h.segment, h.required]),
    [
      ['errors', 'errors', undefined, true],
      ['errors@gold', 'errors', 'gold', true],
      ['errors@silver', 'errors', 'silver', true],
      ['latency', 'latency', undefined, true],
      ['rmse', 'rmse', undefined, true],
      ['rmse/above-cap', 'rmse', undefined, true],
      ['rmse/label-missing', 'rmse', undefined, false],
      ['rmse@gold', 'rmse', 'gold', true],
      ['rmse/above-cap@gold', 'rmse', 'gold', true],
      ['rmse/label-missing@gold', 'rmse', 'gold', false],
      ['no-answer', null, undefined, false],
      ['client-error', null, undefined, false],
    ],
  )
  for (const h of all.filter((each) => each.required)) t.equal(h.harm.alpha, 0.05 / 8)
  t.end()
})

t.test('an absolute limit is one of all requests, so it asks nothing of segments', (t) => {
  const metrics = [{ ...ACCURACY, maxChange: null, min: 0.9, segments }]
  const all = buildHypotheses(rolloutSpec({ analysis: { metrics } }).analysis)
  t.same(
    all.map((h) => h.id),
    ['accuracy', 'accuracy/label-missing'],
  )
  t.end()
})

t.test('a segment has figures, a kind and a time of its own', (t) => {
  const asked = plan({
    analysis: {
      metrics: [
        { ...ERRORS, floor: 0, segments },
        { ...LATENCY, segments },
      ],
    },
  })
  const tallies = {
    errors: events([2000, 500], [20, 5]),
    'errors@gold': events([200, 50], [2, 1]),
  }
  const reports = judge(asked, evidenceOf(asked, [cohort(asked, { tallies })]), CONTEXT)
  const named = (name: string) => reports.find((r) => r.name === name)!
  t.match(named('errors@gold'), {
    segment: 'gold',
    kind: 'error-rate',
    baseline: { value: 0.01, n: 200 },
    canary: { value: 0.02, n: 50 },
  })
  t.notOk('segment' in writeReport(named('errors')))
  const [whole, gold] = [named('errors').etaSeconds!, named('errors@gold').etaSeconds!]
  t.ok(gold > 9 * whole && gold < 13 * whole, `a tenth of the traffic: ${whole} s and ${gold} s`)
  t.equal(named('errors@silver').etaSeconds, null, 'without traffic no time is known')
  t.match(named('latency@gold'), { kind: 'latency', baseline: { value: 7 }, canary: { value: 8 } })
  t.equal(named('latency').canary.value, 1)
  t.end()
})

t.test('labels that are missing are those of the segment', (t) => {
  const asked = plan({ analysis: { metrics: [{ ...RMSE, segments }] } })
  const labelled = { ...events([50, 10], [0, 0]) }
  const each = cohort(asked, {
    observed: [100, 20],
    segments: {
      gold: { assigned: [60, 12], observed: [60, 12] },
      silver: { assigned: [0, 0], observed: [0, 0] },
    },
    tallies: { 'rmse@gold': bets([50, 10], [1, 1], 1), 'rmse/label-missing@gold': labelled },
  })
  const reports = judge(asked, evidenceOf(asked, [each]), CONTEXT)
  const missing = reports.find((r) => r.name === 'rmse/label-missing@gold')!
  t.match(missing, { kind: 'label-missing', baseline: { value: 1 / 6 }, canary: { value: 1 / 6 } })
  const gold = reports.find((r) => r.name === 'rmse@gold')!
  t.match(gold, { kind: 'rmse', baseline: { value: 1, n: 50 } })
  t.end()
})

t.test("a segment's threshold is the quantile of its own baseline", (t) => {
  const asked = plan({ analysis: { metrics: [{ ...LATENCY, segments }] } })
  const quantile = (_asked: unknown, segment: string | undefined) =>
    segment === 'silver' ? null : segment === 'gold' ? 50 : 100
  const { thresholds } = publishTerms(asked.hypotheses, evidenceOf(asked, []), 0.2, quantile)
  t.match(thresholds, { latency: { baselineMs: 100 }, 'latency@gold': { baselineMs: 50 } })
  t.notOk('latency@silver' in thresholds)
  t.end()
})

t.test('harm in one segment rolls back and is named', (t) => {
  const asked = plan({ analysis: { metrics: [{ ...ERRORS, segments }] } })
  const reports = [report(), harmed({ name: 'errors@gold', segment: 'gold' })]
  const { decision } = step(asked, state(), seen({ reports }))
  t.match(decision, { action: 'rollback', reason: 'errors@gold', summary: /by errors@gold: / })
  t.end()
})

t.test(
  'a segment without proof holds the promotion, and says where its traffic is too little',
  (t) => {
    const asked = plan({ analysis: { metrics: [{ ...ERRORS, segments: ['gold'] }] } })
    const last = state({ phase: 'progressing' }, { step: 2, weightBp: 5000 })
    const open = { log: 0.1, threshold: 3 }
    const gold = (n: number) =>
      report({
        name: 'errors@gold',
        segment: 'gold',
        ratio: null,
        canary: { value: 0, n },
        evidence: { ...report().evidence, nonInferiority: open },
      })
    const sentences = (...reports: ReturnType<typeof report>[]) =>
      missingFor(asked, last, seen({ reports })).map((m) => m.sentence)
    const start =
      'errors@gold: a rise above 50 % plus the floor of 2 % is not excluded yet (1.11 : 1 so far, 20 : 1 decides)'
    t.same(
      sentences(report(), gold(25)),
      [start],
      'a twentieth of the traffic is enough to wait for',
    )
    t.same(sentences(report(), gold(24)), [
      `${start}; the segment gold has only 24 of 500 judged on the canary: \`promote\` without its proof, or take it out of observe.segment.values`,
    ])
    t.same(sentences(gold(24)), [start], 'of how many is not known')
    t.end()
  },
)

t.test('other segments, and other metrics by segment, are another analysis', (t) => {
  const observed = (values: readonly string[], by: readonly string[] = ['errors']) => {
    const metrics = [ERRORS, LATENCY].map((m) =>
      by.includes(m.name) ? { ...m, segments: values } : m,
    )
    const of = service(rolloutSpec({ analysis: { metrics } }))
    const segment = { from: { from: 'header', name: 'x-tier' }, values } as const
    return planOf({ ...of, observe: { ...of.observe, segment } }).fingerprint.analysis
  }
  const plain = planOf(service(rolloutSpec({ analysis: { metrics: [ERRORS, LATENCY] } })))
  t.equal(observed(['gold'], []), plain.fingerprint.analysis, 'as if there were none')
  const all = [observed(['gold']), observed(['tin']), observed(['gold'], ['latency'])]
  t.equal(new Set([plain.fingerprint.analysis, ...all]).size, 4)
  t.end()
})
