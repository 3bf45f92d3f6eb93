import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import type { Verdict } from '../../src/domain/verdict.ts'
import { describeThreshold } from '../../src/rollout/describe-threshold.ts'
import { judge } from '../../src/rollout/judge.ts'
import { missingFor } from '../../src/rollout/missing.ts'
import { NO_PAST, reconcile } from '../../src/rollout/reconcile.ts'
import { step } from '../../src/rollout/step.ts'
import { GPU, run, terms } from '../fakes/measurements.ts'
import { bets, cohort, evidenceOf } from '../fakes/evidence.ts'
import { moved, NOW, plan, report, seen, state } from '../fakes/rollout.ts'
import { ERRORS, RMSE } from '../fakes/simulated-service.ts'

const COUNTED = { ...ERRORS, maxChange: 0.5, threshold: terms() }
const ENTERED = state().stepEnteredAt

const contextAt = (index: number) => ({
  limits: [],
  step: index,
  stepEnteredAt: ENTERED,
  now: ENTERED,
  pi: 0.05,
  unitsPerSecond: 100,
  latency: () => ({ value: null, n: 0 }),
})

/** Reports of these metrics after these measurements in the current step. */
function reportsOf(metrics: readonly MetricSpec[], verdicts: Record<string, readonly Verdict[]>) {
  const of = plan({ analysis: { metrics } })
  const measurements = Object.fromEntries(
    Object.entries(verdicts).map(([name, said]) => [name, run(said, ENTERED)!]),
  )
  return {
    of,
    reports: judge(of, evidenceOf(of, [], { measurements }), contextAt(0)),
  }
}

/** What becomes of a rollout in its first step that sees these. */
function decided(metrics: readonly MetricSpec[], verdicts: Record<string, readonly Verdict[]>) {
  const { of, reports } = reportsOf(metrics, verdicts)
  const at = state({ phase: 'progressing' }, { fingerprint: of.fingerprint })
  const transition = step(of, at, seen({ reports }))
  const missing = missingFor(of, at, seen({ reports }))
  return { ...transition, missing: missing.map((m) => m.sentence) }
}

t.test('a metric whose measurements are counted is no hypothesis and takes no share of α', (t) => {
  const { hypotheses } = plan({ analysis: { metrics: [ERRORS, { ...COUNTED, name: 'x' }] } })
  t.same(
    hypotheses.map((h) => h.id),
    ['errors', 'no-answer', 'client-error'],
  )
  t.equal(hypotheses[0]!.harm.alpha, 0.05, 'all of it')
  const scored = plan({ analysis: { metrics: [{ ...RMSE, threshold: terms() }] } }).hypotheses
  t.match(scored, [
    { id: 'rmse', required: false, proof: null, harm: { alpha: 0 } },
    { id: 'rmse/label-missing', harm: { alpha: 0.001 } },
  ])
  t.end()
})

t.test(
  'its report has counters, the last figures and no evidence, and says that it is outside α',
  (t) => {
    const { reports } = reportsOf([COUNTED], { errors: ['successful', 'successful'] })
    t.equal(reports.length, 1)
    t.match(reports[0], {
      name: 'errors',
      verdict: 'successful',
      required: true,
      margins: { harm: 0.5, proof: null },
      baseline: { value: 1, n: 1 },
      canary: { value: 2, n: 1 },
      ratio: null,
      limit: null,
      evidence: { harm: null, nonInferiority: null, stepNonInferiority: null, stepHarm: null },
      threshold: { counts: { successful: 2, failed: 0 }, over: false, max: null, maxChange: 0.5 },
      error: null,
      outsideAlpha: true,
      cap: null,
      stepCanaryN: 0,
    })
    t.equal(judge(plan(), evidenceOf(plan(), []), contextAt(0))[0]!.outsideAlpha, false)
    t.end()
  },
)

t.test('of a label metric it shows the cap, and how many labels the step has', (t) => {
  const metrics = [{ ...RMSE, cap: null, threshold: terms() }]
  const of = plan({ analysis: { metrics } })
  const folded = evidenceOf(
    of,
    [cohort(of, { assigned: [300, 200], tallies: { rmse: bets([300, 200], [9, 9], 1) } })],
    { caps: { rmse: 40 } },
  )
  const at = (index: number) => judge(of, folded, contextAt(index)).find((r) => r.name === 'rmse')!
  t.match(at(0), { cap: 40, stepCanaryN: 200, margins: { harm: 0.05 } })
  t.match(at(1), { stepCanaryN: 0 }, 'of another step')
  const none = judge(of, evidenceOf(of, []), contextAt(0)).find((r) => r.name === 'rmse')!
  t.match(none, { cap: null, stepCanaryN: 0, verdict: 'inconclusive' })
  // Metrics on events that come later count in the same place.
  const events = { ...folded, hypotheses: { rmse: folded.hypotheses['rmse/label-missing']! } }
  const { stepCanaryN } = judge(
    of,
    { ...folded, ...events, hypotheses: { ...folded.hypotheses, ...events.hypotheses } },
    contextAt(0),
  ).find((r) => r.name === 'rmse')!
  t.equal(stepCanaryN, 200)
  t.end()
})

t.test('measurements of another step are none of this one', (t) => {
  const of = plan({ analysis: { metrics: [COUNTED] } })
  const measurements = { errors: run(['failed'], ENTERED - 1)! }
  const [found] = judge(of, evidenceOf(of, [], { measurements }), contextAt(0))
  t.match(found, { verdict: 'inconclusive', canary: { value: null, n: 0 }, error: null })
  t.end()
})

t.test('a failed run rolls back, with its numbers and "outside α"', (t) => {
  const { state: after, decision } = decided([COUNTED], { errors: ['successful', 'failed'] })
  t.equal(after.phase, 'rolled-back')
  t.match(decision, {
    reason: 'errors',
    summary:
      'Rolled back: errors failed 1 measurement of this step, which may show 50 % more than the baseline: the last had 200 % on the canary (n 1), 100 % on the baseline (n 1) (outside α).',
  })
  const paused = decided([{ ...COUNTED, onFailure: 'pause' }], { errors: ['failed'] })
  t.match(paused.state, { phase: 'paused', pausedBy: 'metric', pausedMetric: 'errors' })
  t.end()
})

t.test('case 18, two metrics: one ok and one running go on; one ok and one failed fail', (t) => {
  const two = [COUNTED, { ...COUNTED, name: 'other', threshold: terms({ count: 3 }) }]
  const running = decided(two, { errors: ['successful'], other: ['successful'] })
  t.equal(running.state.phase, 'progressing')
  t.same(running.missing, ['other: 1 of 3 measurements in this step'])
  t.equal(decided(two, { errors: ['successful'], other: ['failed'] }).decision!.reason, 'other')
  t.end()
})

t.test('case 19, a metric that failed: it is over, and no more is measured', (t) => {
  const { reports } = reportsOf([COUNTED], { errors: ['failed'] })
  t.equal(reports[0]!.threshold!.over, true)
  t.end()
})

t.test('case 24, dry-run is mode report: the failure is shown, and the rollout goes on', (t) => {
  const dry = { ...COUNTED, name: 'dry', mode: 'report' } as const
  const only = decided([dry], { dry: ['failed'] })
  t.match(only.state, { phase: 'progressing', step: 1 })
  const mixed = decided([COUNTED, dry], { errors: ['successful'], dry: ['failed'] })
  t.match(mixed.state, { phase: 'progressing', step: 1 })
  const shown = reportsOf([dry], { dry: ['failed'] }).reports[0]
  t.match(shown, { verdict: 'failed', required: false, onFailure: 'warn' })
  t.end()
})

t.test('case 25, all metrics fail: the decision names one that asks for the worst', (t) => {
  const two = [{ ...COUNTED, onFailure: 'pause' } as const, { ...COUNTED, name: 'worst' }]
  const { decision } = decided(two, { errors: ['failed'], worst: ['failed'] })
  t.match(decision, { action: 'rollback', reason: 'worst' })
  t.end()
})

t.test(
  'a step is left when every deciding run is successful, and else it says what is missing',
  (t) => {
    const missing = (verdicts: readonly Verdict[], change: Parameters<typeof terms>[0] = {}) =>
      decided([{ ...COUNTED, threshold: terms(change) }], { errors: verdicts }).missing
    t.same(missing(['successful']), [])
    t.same(decided([COUNTED], {}).missing, ['errors: 0 measurements in this step'])
    t.same(missing(['successful', 'failed'], { consecutiveSuccessLimit: 2, failureLimit: 1 }), [
      'errors: 2 measurements in this step, 0 of 2 successes in a row',
    ])
    t.same(missing(['inconclusive']), ['errors: its measurements ended without a result'])
    t.same(missing(['error']), ['errors: could not be read (canary: answered 503)'])
    t.same(missing(['error', 'error'], { consecutiveErrorLimit: 1 }), [
      'errors: 2 errors in a row (canary: answered 503)',
    ])
    t.same(missing(['error', 'successful']), [], 'an error that has passed')
    t.end()
  },
)

t.test('an override that left a failed run unanswered says so where it goes on', (t) => {
  const { of, reports } = reportsOf([{ ...COUNTED, onFailure: 'pause' }], { errors: ['failed'] })
  const sentences = missingFor(of, state(), seen({ reports })).map((m) => m.sentence)
  t.same(sentences, ['errors: 1 measurement failed, the last had 200 %'])
  t.end()
})

t.test('an advance that rests on thresholds alone says that nothing is proved', (t) => {
  const summary = (metrics: readonly MetricSpec[], index: number) => {
    const { of, reports } = reportsOf(metrics, { errors: ['successful'], x: ['successful'] })
    const at = state({ phase: 'progressing' }, { step: index, weightBp: 5000 })
    return step(of, at, seen({ reports: [...reports, report({ name: 'y', required: false })] }))
      .decision!.summary
  }
  t.match(summary([COUNTED], 0), /: nothing is tested; errors within limits \(outside α\); 500/)
  t.match(
    summary([COUNTED], 2),
    /without proof of being no worse; errors within limits \(outside α\)/,
  )
  t.match(summary([], 2), /^Promoted from 50 % to 100 %: nothing had to be proved; 500 canary/)
  const both = plan({ analysis: { metrics: [ERRORS, { ...COUNTED, name: 'x' }] } })
  const proved = [report(), report({ name: 'x', outsideAlpha: true })]
  const last = step(both, state(undefined, { step: 2 }), seen({ reports: proved }))
  t.match(last.decision!.summary, /shown to be no worse.*; x within limits \(outside α\)/)
  t.end()
})

t.test('what a measurement may show is said as a sentence needs it', (t) => {
  const none = { max: null, min: null, maxChange: null }
  t.equal(describeThreshold('latency', 'lower', { ...none, max: 500 }), 'at most 500 ms')
  t.equal(describeThreshold('accuracy', 'higher', { ...none, min: 0.9 }), 'at least 90 %')
  t.equal(
    describeThreshold('http', 'higher', { max: 3, min: 2, maxChange: 0.1 }),
    'at least 2, at most 3 and 10 % less than the baseline',
  )
  t.end()
})

t.test('other counters are taken over in place; another method is a new attempt', (t) => {
  const before = plan({ analysis: { metrics: [COUNTED] } })
  const stored = state(undefined, { fingerprint: before.fingerprint, configHash: 'old' })
  const under = (metric: MetricSpec) =>
    moved(
      reconcile(plan({ analysis: { metrics: [metric] } }), stored, {
        now: NOW,
        past: NO_PAST,
        actor: 'ops',
      }),
    )
  const looser = under({ ...COUNTED, maxChange: 0.9, threshold: terms({ failureLimit: 9 }) })
  t.match(looser, { decision: null, resetEvidence: false, state: { attempt: 1, step: 0 } })
  const { threshold: _, ...sequential } = COUNTED
  t.match(under(sequential), { resetEvidence: true, state: { attempt: 2 } })
  const gauge = plan({ analysis: { metrics: [{ ...GPU, query: 'a', max: 1 }] } }).fingerprint
  t.same(gauge, plan({ analysis: { metrics: [{ ...GPU, query: 'b', max: 2 }] } }).fingerprint)
  t.end()
})
