import t from 'tap'
import type { Decision } from '../../src/domain/decision.ts'
import { draftDecision } from '../../src/rollout/draft-decision.ts'
import { etaOf, missingFor, type Missing } from '../../src/rollout/missing.ts'
import { step } from '../../src/rollout/step.ts'
import { viewOf } from '../../src/rollout/view.ts'
import { percentsOf, weightsOf } from '../../src/rollout/weights.ts'
import { NOW, PAUSED, plan, report, seen, state } from '../fakes/rollout.ts'
import { ERRORS, RMSE, weightSteps } from '../fakes/simulated-service.ts'

const IDLE = (idleReason: 'manual-start' | 'canary-not-ready') =>
  ({ phase: 'idle', idleReason }) as const

t.test('the view of a running step has its metrics, what is missing, and the longest wait', (t) => {
  const last = state(
    { phase: 'progressing' },
    { step: 2, weightBp: 5000, stepEnteredAt: NOW - 4000 },
  )
  const unproved = { ...report().evidence, nonInferiority: { log: 1, threshold: 3 } }
  const ratio = { estimate: 1.2, lower: 0.8, upper: 1.6, method: 'exact' } as const
  const reports = [report({ evidence: unproved, etaSeconds: 40, ratio })]
  const decision = { id: 3 } as Decision
  const view = viewOf(plan(), last, seen({ reports, stepCanaryUnits: 50 }), decision)
  t.match(view, {
    state: last,
    steps: 4,
    stepKind: 'weight',
    metrics: reports,
    lastDecision: decision,
    etaSeconds: 40,
  })
  t.same(view.missing, [
    'the step lasts at least 5s',
    '50 of 100 canary requests judged in this step',
    'errors: a rise above 50 % plus the floor of 2 % is not excluded yet (upper bound 60 %)',
  ])
  t.end()
})

t.test('before the first evaluation nothing is claimed', (t) => {
  const view = viewOf(plan(), state(), null, null)
  t.match(view, {
    metrics: [],
    missing: [],
    etaSeconds: null,
    lastDecision: null,
    stepKind: 'weight',
  })
  t.end()
})

t.test('no step is current before the start and after the end', (t) => {
  const ended = [
    IDLE('canary-not-ready'),
    { phase: 'promoted', promotedAt: NOW } as const,
    { phase: 'rolled-back', rolledBackAt: NOW, rolledBackReason: 'errors' } as const,
  ]
  for (const phase of ended) t.equal(viewOf(plan(), state(phase), seen(), null).stepKind, null)
  const watching = state({ phase: 'watching', watchUntil: NOW }, { step: 3 })
  t.equal(viewOf(plan(), watching, seen(), null).stepKind, 'weight')
  t.end()
})

t.test('what a rollout waits for is said, with the command that helps', (t) => {
  const waits = (phase: Parameters<typeof state>[0]) =>
    viewOf(plan(), state(phase), seen(), null).missing
  t.same(waits(IDLE('manual-start')), ['somebody has to start it: `promote`'])
  t.same(waits(IDLE('canary-not-ready')), [
    'the canary is not ready: none of its upstreams can be reached',
  ])
  t.same(waits(PAUSED('approval')), ['an approval: `promote`'])
  t.same(waits(PAUSED('timer')), ['the pause has to pass, or `promote`'])
  t.same(waits(PAUSED('ratio-mismatch')), [
    'paused because requests are not shared out as drawn: `resume`, `promote` or `abort`',
  ])
  const guard = { ...PAUSED('metric'), pausedMetric: 'no-answer' } as const
  t.same(waits(guard), ['paused because of no-answer: `abort`, `resume` or `promote`'])
  t.same(waits({ phase: 'promoted', promotedAt: NOW }), [])
  t.end()
})

t.test('the wait is as long as the longest one, unknown when one is unknown', (t) => {
  const missing = (...etas: (number | null)[]): Missing[] =>
    etas.map((etaSeconds) => ({ kind: 'minimum', sentence: '', etaSeconds }))
  t.equal(etaOf(missing(3, 40, 5)), 40)
  t.equal(etaOf(missing(3, null)), null)
  t.equal(etaOf([]), null)
  t.end()
})

t.test('while a cap is learnt, the labels that are not judged yet are no riddle', (t) => {
  const sentenceOf = (metric: Partial<typeof RMSE>, cap: number | null) => {
    const metrics = [{ ...RMSE, cap: null, ...metric }]
    const reports = [report({ name: 'rmse', cap, stepCanaryN: 0 })]
    return missingFor(plan({ analysis: { metrics } }), state(), seen({ reports }))[0]!.sentence
  }
  const learnt = (values: string) =>
    `; its cap is learnt first, from ${values} values of the baseline, and none is judged before (\`cap\` sets one)`
  t.equal(sentenceOf({}, null), `rmse: 0 of 100 canary labels in this step${learnt('1,000')}`)
  t.match(sentenceOf({ minLabels: 3000 }, null), learnt('3,000'))
  t.equal(sentenceOf({}, 40), 'rmse: 0 of 100 canary labels in this step')
  t.equal(sentenceOf({ cap: 25 }, null), 'rmse: 0 of 100 canary labels in this step')
  t.end()
})

t.test('minimums fill at the pace so far, and labels only count for metrics that decide', (t) => {
  const labels = plan({
    analysis: { metrics: [ERRORS, RMSE, { ...RMSE, name: 'shown', mode: 'report' }] },
  })
  const reports = [
    report({ name: 'rmse', stepCanaryN: 25 }),
    report({ name: 'shown', stepCanaryN: 0 }),
  ]
  const missing = missingFor(labels, state(), seen({ reports, stepCanaryUnits: 0 }))
  t.same(
    missing.map((m) => [m.sentence, m.etaSeconds]),
    [
      ['0 of 100 canary requests judged in this step', null],
      // A minute, less 2 s of warm-up and the 2 s that every label takes.
      ['rmse: 25 of 100 canary labels in this step', 3 * 56],
    ],
  )
  t.same(missingFor(labels, state(), seen({ reports: [] })), [], 'no report, nothing to wait for')
  t.end()
})

t.test('a pause is missing nothing, and an acknowledged metric is not waited for', (t) => {
  const paused = plan({
    spec: { steps: [{ kind: 'pause', durationMs: null }, ...weightSteps([5, 100])] },
  })
  t.same(missingFor(paused, state(PAUSED('approval')), seen({ stepCanaryUnits: 0 })), [])
  const last = { step: 2, weightBp: 5000, acknowledged: ['errors'] }
  const unproved = { ...report().evidence, nonInferiority: { log: 1, threshold: 3 } }
  const reports = [report({ evidence: unproved })]
  t.same(missingFor(plan(), state(undefined, last), seen({ reports })), [])
  t.end()
})

t.test('with a sticky key a step of which nothing is judged yet is waited for', (t) => {
  const last = state(undefined, { step: 2, weightBp: 5000 })
  const reports = [report({ evidence: { ...report().evidence, stepHarm: null } })]
  const [missing] = missingFor(plan({}, true), last, seen({ reports }))
  t.match(missing, { kind: 'inconclusive', sentence: /nothing of this step is judged yet/ })
  t.end()
})

t.test('the weights of a state always are the whole', (t) => {
  t.same(weightsOf(state(undefined, { weightBp: 1234 })), { baseline: 8766, canary: 1234 })
  t.same(percentsOf(state(undefined, { weightBp: 1234 })), { baseline: 87.66, canary: 12.34 })
  t.end()
})

t.test('a decision is drafted with where it led, its evidence and its configuration', (t) => {
  const from = state()
  const observed = seen()
  const context = { plan: plan(), from, reports: observed.reports, now: NOW }
  const draft = draftDecision(step(plan(), from, observed), context)
  t.match(draft, {
    at: NOW,
    service: 'svc',
    rollout: '1.4->2.0#1',
    action: 'advance',
    from: { phase: 'progressing', step: 0, weights: { baseline: 95, canary: 5 } },
    to: { phase: 'progressing', step: 1, weights: { baseline: 80, canary: 20 } },
    metrics: observed.reports,
    configHash: 'hash-1',
  })
  t.equal(draftDecision(step(plan(), from, seen({ stepCanaryUnits: 0 })), context), null)
  t.end()
})

t.test('the sentence of an advance names the widest interval, or none that is endless', (t) => {
  const interval = (name: string, upper: number) =>
    report({ name, ratio: { estimate: 1, lower: 0.5, upper, method: 'exact' } })
  const sentence = (...uppers: number[]) => {
    const reports = uppers.map((upper, i) => interval(`m${i}`, upper))
    return step(plan(), state(), seen({ reports })).decision!.summary
  }
  t.match(sentence(1.2, 1.7, 1.4), /\(m1: ratio 1, between 0.5 and 1.7\)/)
  t.notMatch(sentence(1.2, Infinity), /between/)
  t.notMatch(step(plan(), state(), seen({ reports: [] })).decision!.summary, /between/)
  t.end()
})
