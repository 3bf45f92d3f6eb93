import t from 'tap'
import type { Cohort } from '../../src/domain/cohort.ts'
import type { Evidence } from '../../src/domain/evidence.ts'
import type { OnFailure } from '../../src/domain/rollout-spec.ts'
import { buildHypotheses } from '../../src/rollout/hypotheses.ts'
import { judge } from '../../src/rollout/judge.ts'
import { readLimits } from '../../src/rollout/limits.ts'
import { missingFor } from '../../src/rollout/missing.ts'
import { publishTerms } from '../../src/rollout/terms.ts'
import { step } from '../../src/rollout/step.ts'
import { cohort, evidenceOf } from '../fakes/evidence.ts'
import { plan, planOf, report, seen, state } from '../fakes/rollout.ts'
import { DRIFT, ERRORS, rolloutSpec, service } from '../fakes/simulated-service.ts'

const CONTEXT = {
  limits: [],
  step: 0,
  stepEnteredAt: 0,
  now: 0,
  pi: 0.2,
  unitsPerSecond: 100,
  latency: () => ({ value: null, n: 0 }),
}
const EDGES = { bins: { drift: [1, 2] } }
const planFor = (onFailure: OnFailure) =>
  plan({ analysis: { metrics: [ERRORS, { ...DRIFT, onFailure }] } })
const WARNS = planFor('warn')

function reportOn(
  baseline: number[],
  canary: number[],
  change: Partial<Evidence> = EDGES,
  at: Partial<Cohort> = {},
  asked = WARNS,
) {
  const each = cohort(asked, { tallies: { drift: { kind: 'drift', baseline, canary } }, ...at })
  return judge(asked, evidenceOf(asked, [each], change), CONTEXT).find((r) => r.name === 'drift')!
}

t.test('drift has an α of its own, and takes nothing from that of rollback', (t) => {
  const all = buildHypotheses(planFor('rollback').spec.analysis)
  t.match(
    all.map((h) => [h.id, h.required, h.onFailure, h.harm.alpha]),
    [
      ['errors', true, 'rollback', 0.05],
      ['drift', false, 'rollback', 0.01],
      ['no-answer', false, 'pause', 0.001],
      ['client-error', false, 'pause', 0.001],
    ],
  )
  t.match(all[1], { proof: null, source: { of: 'drift', value: 'prediction', windowMs: 5000 } })
  const number = { ...DRIFT, of: { pointer: '/age' }, segments: ['gold'] }
  t.match(buildHypotheses(plan({ analysis: { metrics: [number] } }).spec.analysis), [
    { id: 'drift', source: { value: { pointer: '/age' }, windowMs: 0 } },
    { id: 'drift@gold', segment: 'gold' },
  ])
  t.end()
})

t.test('a shift in a segment alone is told of that segment', (t) => {
  const asked = plan({ analysis: { metrics: [ERRORS, { ...DRIFT, segments: ['gold'] }] } })
  const tally = (canary: number[]) => ({
    kind: 'drift' as const,
    baseline: [4000, 2000, 2000],
    canary,
  })
  const tallies = {
    drift: tally([4000, 2000, 2000]),
    'drift@gold': tally([400, 600, 1000]),
  }
  const each = cohort(asked, {
    tallies,
    segments: { gold: { assigned: [0, 0], observed: [0, 0] } },
  })
  const bins = { drift: [1, 2], 'drift@gold': [1, 2] }
  const reports = judge(asked, evidenceOf(asked, [each], { bins }), CONTEXT)
  t.match(
    reports.filter((r) => r.kind === 'drift').map((r) => [r.name, r.segment, r.verdict]),
    [
      ['drift', undefined, 'inconclusive'],
      ['drift@gold', 'gold', 'failed'],
    ],
  )
  t.end()
})

t.test('the size of a shift is that since a point from which there is any', (t) => {
  // As many on both sides speak against a shift; since the newest start point there is nothing yet.
  const report = reportOn([400, 200, 200], [100, 50, 50], { ...EDGES, starts: [1, 2] })
  t.match(report.drift, { psi: 0, baseline: [0.5, 0.25, 0.25], canary: [0.5, 0.25, 0.25] })
  const early = reportOn([4000, 2000, 2000], [400, 600, 1000], { ...EDGES, starts: [1, 2] })
  t.ok(early.drift!.psi > 0.3, 'nor does it hide an earlier shift')
  t.end()
})

t.test('a shift is flagged when it is shown and large', (t) => {
  const shifted = reportOn([4000, 2000, 2000], [400, 600, 1000])
  t.equal(shifted.verdict, 'failed')
  t.match(shifted, {
    kind: 'drift',
    required: false,
    margins: null,
    ratio: null,
    stepCanaryN: 2000,
  })
  t.match([shifted.baseline, shifted.canary], [{ value: null, n: 8000 }, { n: 2000 }])
  t.ok(shifted.drift!.psi > 0.3 && shifted.drift!.psi < 0.5)
  t.match(shifted.drift, { edges: [1, 2], baseline: [0.5, 0.25, 0.25], canary: [0.2, 0.3, 0.5] })
  t.equal(shifted.drift, shifted.drift, 'read once')
  t.end()
})

t.test('a shift that is shown but small, or large but not shown, is not flagged', (t) => {
  const small = reportOn([400_000, 200_000, 200_000], [95_000, 53_000, 52_000])
  t.ok(small.evidence.harm!.log > small.evidence.harm!.threshold)
  t.ok(small.drift!.psi < 0.1)
  t.equal(small.verdict, 'inconclusive')
  const none = reportOn([40, 20, 20], [20, 10, 10])
  t.equal(none.drift!.psi, 0, 'less its bias it would be below')
  const large = reportOn([20, 10, 10], [2, 1, 7])
  t.ok(large.drift!.psi > 0.1)
  t.equal(large.verdict, 'inconclusive')
  t.end()
})

t.test('before the bins are known, and in another step, nothing is said', (t) => {
  const unknown = reportOn([], [], {})
  t.match(unknown, { verdict: 'inconclusive', drift: null, canary: { n: 0 } })
  t.equal(reportOn([5, 5, 5], [0, 0, 0]).drift, null, 'one side without values')
  t.equal(reportOn([5, 5, 5], [1, 1, 1], EDGES, { step: 1 }).stepCanaryN, 0)
  // What cannot be counted any more does not flag what was shown once.
  const lost = reportOn([4000, 2000, 2000], [400, 600, 1000], {})
  t.equal(lost.verdict, 'inconclusive')
  t.end()
})

t.test('a late shift is measured from the start point that shows it best', (t) => {
  const tally = (canary: number[]) => ({
    drift: { kind: 'drift' as const, baseline: [4000, 2000, 2000], canary },
  })
  const cohorts = [
    ...[1, 2, 3, 4].map((number) => cohort(WARNS, { number, tallies: tally([1000, 500, 500]) })),
    cohort(WARNS, { number: 5, epoch: 1, tallies: tally([400, 600, 1000]) }),
  ]
  const evidence = evidenceOf(WARNS, cohorts, { ...EDGES, starts: [1, 5] })
  const late = judge(WARNS, evidence, CONTEXT).find((r) => r.name === 'drift')!
  t.same(late.drift!.canary, [0.2, 0.3, 0.5])
  t.equal(late.verdict, 'failed')
  t.end()
})

t.test('a flag warns, pauses or rolls back as it was asked to, outside of α', (t) => {
  const decide = (onFailure: OnFailure) => {
    const asked = planFor(onFailure)
    const flagged = reportOn([4000, 2000, 2000], [400, 600, 1000], EDGES, {}, asked)
    return step(asked, state(), seen({ reports: [report(), flagged] })).decision
  }
  t.equal(decide('warn')?.reason, 'evidence', 'goes on')
  t.match(decide('pause'), {
    action: 'pause',
    reason: 'drift',
    summary: /^Paused: the distribution/,
  })
  t.match(decide('rollback'), {
    action: 'rollback',
    reason: 'drift',
    summary:
      /^Rolled back: the distribution of drift differs .* \(PSI 0\.4\d*, 0\.1 counts; n 8,000 and 2,000\); .* 100 : 1 decides \(outside the rollback α\)\.$/,
  })
  t.end()
})

t.test('drift is never missing: nothing of it has to be proved', (t) => {
  const asked = planFor('rollback')
  const last = state({ phase: 'progressing' }, { step: 2, weightBp: 5000 })
  const reports = [report(), reportOn([], [], {}, {}, asked)]
  t.same(missingFor(asked, last, seen({ reports })), [])
  const values = { failureRate: noValue, latency: noValue, value: noValue }
  t.same(readLimits([DRIFT], values), [])
  t.end()
})

t.test('bins are published with the terms once they are known', (t) => {
  const none = publishTerms(WARNS.hypotheses, evidenceOf(WARNS, []), 0.2, () => null)
  t.notOk('bins' in none)
  const known = publishTerms(WARNS.hypotheses, evidenceOf(WARNS, [], EDGES), 0.2, () => null)
  t.same(known.bins, EDGES.bins)
  t.end()
})

t.test('the drift of something else is another analysis', (t) => {
  const identity = (of: typeof DRIFT.of) =>
    planOf(service(rolloutSpec({ analysis: { metrics: [{ ...DRIFT, of }] } }))).fingerprint.analysis
  const all = ['prediction' as const, { pointer: '/a' }, { pointer: '/b' }].map(identity)
  t.equal(new Set(all).size, 3)
  t.end()
})

function noValue() {
  return { value: null, n: 0 }
}
