import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { Evidence } from '../../src/domain/evidence.ts'
import { NO_PAIRS, type PairCounts } from '../../src/domain/pairs.ts'
import type { MetricSpec, MirrorStepSpec, StepSpec } from '../../src/domain/rollout-spec.ts'
import { describeStep } from '../../src/rollout/describe-step.ts'
import { fidelities } from '../../src/rollout/fidelity.ts'
import { foldPairs } from '../../src/rollout/fold-pairs.ts'
import { forecast } from '../../src/rollout/forecast.ts'
import { judge } from '../../src/rollout/judge.ts'
import { beginsToAnswer, mirrorStepAt, runningMirror } from '../../src/rollout/mirror-step.ts'
import { missingFor } from '../../src/rollout/missing.ts'
import { buildTests } from '../../src/rollout/pair-tests.ts'
import { withoutMirrors, type RolloutPlan } from '../../src/rollout/plan.ts'
import { decisionsToReplay, replay, type AttemptRecord } from '../../src/rollout/replay.ts'
import { step } from '../../src/rollout/step.ts'
import { forecastWithAdvice } from '../../src/rollout/suggestions.ts'
import { rehearseSynthetic } from '../../src/rollout/synthetic.ts'
import type { Traffic } from '../../src/rollout/traffic.ts'
import { activeMs } from '../../src/rollout/transition.ts'
import { stepPairs, stepUnreadPairs } from '../../src/rollout/units.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { command, harmed, moved, NOW, PAUSED, plan, report, seen, state } from '../fakes/rollout.ts'
import { ERRORS, rolloutSpec, weightSteps } from '../fakes/simulated-service.ts'

const MIRROR: MirrorStepSpec = {
  kind: 'mirror',
  share: 0.5,
  minDurationMs: 5000,
  minRequests: 100,
  maxBytes: 1024,
  tolerance: 0.01,
}

const DISAGREEMENT: Extract<MetricSpec, { kind: 'disagreement' }> = {
  name: 'same',
  kind: 'disagreement',
  mode: 'decide',
  onFailure: 'rollback',
  better: 'lower',
  maxChange: null,
  sensitivity: 0,
  max: 0.05,
  min: null,
}

const STEPS: readonly StepSpec[] = [MIRROR, ...weightSteps([5, 100])]

function mirrored(
  metrics: readonly MetricSpec[] = [ERRORS, DISAGREEMENT],
  steps = STEPS,
): RolloutPlan {
  return plan({ spec: { steps }, analysis: { metrics } })
}

/** What `of`'s tests know after these pairs, all of step `at`. */
function evidenceOf(of: RolloutPlan, counts: Partial<PairCounts>, at = 0): Evidence {
  const none = emptyEvidence('1.4->2.0#1', of.hypotheses, 1)
  return foldPairs(none, of.pairTests, { step: at, counts: { ...NO_PAIRS, ...counts } })
}

function reportsOf(of: RolloutPlan, evidence: Evidence, at = 0, weightBp = 0) {
  return judge(of, evidence, {
    limits: [],
    step: at,
    stepEnteredAt: NOW,
    now: NOW,
    pi: weightBp / 10_000,
    unitsPerSecond: 1,
    latency: () => ({ value: null, n: 0 }),
  })
}

const find = (reports: ReturnType<typeof reportsOf>, name: string) =>
  reports.find((r) => r.name === name)!

t.test('the tests of pairs share the rollback α with those of live steps', (t) => {
  const { hypotheses, pairTests } = mirrored()
  t.same(
    pairTests.map(({ id, metric, required }) => [id, metric, required]),
    [
      ['errors/mirror', 'errors', true],
      ['same', 'same', true],
    ],
  )
  t.equal(pairTests[0]!.alphaHarm, 0.05 / 3)
  t.equal(hypotheses.find((h) => h.id === 'errors')!.harm.alpha, 0.05 / 3)
  t.match(pairTests[0]!.asks, { of: 'failure', harmRatio: 1, proofRatio: 1.5, floor: 0.02 })
  t.equal(plan().hypotheses[0]!.harm.alpha, 0.05, 'without a mirror nothing is shared')
  t.end()
})

t.test('what only warns, reports, has a limit alone or is counted has no share', (t) => {
  const { steps, analysis } = rolloutSpec({ spec: { steps: STEPS } })
  const tests = (metrics: readonly MetricSpec[]) =>
    buildTests({ steps, analysis: { ...analysis, metrics } }).pairTests
  t.same(
    tests([
      { ...DISAGREEMENT, mode: 'report' },
      { ...DISAGREEMENT, onFailure: 'warn' },
    ]).map((x) => [x.required, x.onFailure, x.alphaHarm]),
    [
      [false, 'warn', 0.05],
      [false, 'warn', 0.05],
    ],
  )
  t.same(tests([{ ...ERRORS, maxChange: null, max: 0.1 }]), [])
  const counted = {
    ...{ intervalMs: 1, count: null, failureLimit: 0, inconclusiveLimit: 0 },
    ...{ consecutiveErrorLimit: 4, consecutiveSuccessLimit: null },
  }
  t.same(tests([{ ...ERRORS, threshold: counted }]), [])
  t.match(tests([{ ...ERRORS, maxChange: 0.2 }])[0]!.asks, { harmRatio: 1.2, proofRatio: 1.2 })
  t.same(buildTests({ steps: weightSteps([5, 100]), analysis }).pairTests, [])
  t.end()
})

t.test(
  'a mirror begins a new attempt where it changes the tests, and a step anew where its share does',
  (t) => {
    const prints = (metrics: readonly MetricSpec[], steps = STEPS) =>
      mirrored(metrics, steps).fingerprint
    const [, ...live] = STEPS
    t.not(prints([ERRORS]).analysis, prints([ERRORS], live).analysis)
    t.not(
      prints([DISAGREEMENT]).analysis,
      prints([{ ...DISAGREEMENT, max: 0.06 }]).analysis,
      'its evidence was latched at another limit',
    )
    const other = prints([ERRORS], [{ ...MIRROR, share: 1 }, ...live])
    t.not(prints([ERRORS]).steps, other.steps)
    t.equal(prints([ERRORS]).analysis, other.analysis)
    t.equal(prints([ERRORS]).steps, prints([ERRORS], [{ ...MIRROR, tolerance: 1 }, ...live]).steps)
    t.end()
  },
)

t.test('pairs add up over steps, and evidence stays where it was largest', (t) => {
  const of = mirrored()
  const first = evidenceOf(of, { pairs: 30, canaryFailed: 6, compared: 30, disagreed: 9 })
  const more = { ...NO_PAIRS, pairs: 50, compared: 50 }
  const same = foldPairs(first, of.pairTests, { step: 0, counts: more }).pairs!
  t.match(same, { counts: { pairs: 80, disagreed: 9 }, stepCounts: { pairs: 80 } })
  t.equal(same.sup['same']!.harm, first.pairs!.sup['same']!.harm)
  const next = foldPairs(first, of.pairTests, { step: 1, counts: more }).pairs!
  t.match(next, { counts: { pairs: 80 }, step: 1, stepCounts: { pairs: 50, disagreed: 0 } })
  t.end()
})

t.test(
  'harm in pairs fails a metric; few pairs say nothing; many good ones show the opposite',
  (t) => {
    const of = mirrored()
    const none = reportsOf(of, emptyEvidence('r', of.hypotheses, 1))
    t.match(find(none, 'same'), {
      verdict: 'inconclusive',
      canary: { value: null, n: 0 },
      bounds: { lower: 0, upper: 1 },
      limit: { max: 0.05, ticksBeyond: 0, tooFew: true },
      stepCanaryN: 0,
    })
    t.match(find(none, 'errors/mirror'), {
      verdict: 'inconclusive',
      baseline: { n: 0 },
      stepCanaryN: 0,
    })

    const bad = reportsOf(
      of,
      evidenceOf(of, { pairs: 100, canaryFailed: 20, bothFailed: 5, compared: 100, disagreed: 30 }),
    )
    t.match(find(bad, 'errors/mirror'), {
      kind: 'error-rate',
      verdict: 'failed',
      required: true,
      baseline: { value: 0.05, n: 100 },
      canary: { value: 0.25, n: 100 },
      margins: { harm: 0, proof: 0.5 },
      outsideAlpha: false,
      stepCanaryN: 100,
    })
    t.match(find(bad, 'same'), {
      verdict: 'failed',
      canary: { value: 0.3, n: 100 },
      stepCanaryN: 100,
    })
    t.ok(find(bad, 'same').bounds!.lower > 0.05)

    const good = reportsOf(of, evidenceOf(of, { pairs: 2000, compared: 2000, disagreed: 20 }))
    t.match(find(good, 'same'), { verdict: 'successful' })
    t.match(find(good, 'errors/mirror'), { verdict: 'successful' })
    const later = reportsOf(of, evidenceOf(of, { pairs: 9, compared: 9 }, 1))
    t.match(find(later, 'same'), { stepCanaryN: 0, canary: { n: 9 } }, 'pairs of another step')
    t.end()
  },
)

t.test(
  'in live steps pairs are not judged; a standing mirror is shown, and decides nothing',
  (t) => {
    const of = mirrored()
    const names = (reports: readonly { readonly name: string }[]) => reports.map((r) => r.name)
    const bad = evidenceOf(of, { pairs: 90, canaryFailed: 90, compared: 90, disagreed: 90 })
    t.same(names(reportsOf(of, bad, 1, 500)), ['errors', 'no-answer', 'client-error'])
    const live = { limits: [], step: 1, stepEnteredAt: NOW, now: NOW, pi: 0.05, unitsPerSecond: 1 }
    const latency = () => ({ value: null, n: 0 })
    const standing = { compared: 400, disagreed: 100 }
    t.match(judge(of, bad, { ...live, latency, standing }).at(-1), {
      name: 'same',
      verdict: 'inconclusive',
      required: false,
      canary: { value: 0.25, n: 400 },
      evidence: { harm: null },
      outsideAlpha: true,
    })
    t.end()
  },
)

t.test('the mirror runs in its step and in the pauses after it, at a weight of 0', (t) => {
  const steps: readonly StepSpec[] = [
    MIRROR,
    { kind: 'pause', durationMs: null },
    ...weightSteps([5, 100]),
  ]
  const at = (index: number, weightBp: number) => mirrorStepAt(steps, { step: index, weightBp })
  t.equal(at(0, 0), MIRROR)
  t.equal(at(1, 0), MIRROR)
  t.equal(at(2, 500), null)
  t.equal(at(2, 0), null, 'a weight that somebody set to 0')
  t.equal(at(0, 500), null, 'a weight that somebody set')
  t.equal(runningMirror(steps, state({ phase: 'progressing' }, { weightBp: 0 })), MIRROR)
  t.equal(runningMirror(steps, state(PAUSED('operator'), { weightBp: 0 })), MIRROR)
  t.equal(
    runningMirror(steps, state({ phase: 'idle', idleReason: 'manual-start' }, { weightBp: 0 })),
    null,
  )
  const idle = state({ phase: 'idle', idleReason: 'manual-start' }, { weightBp: 0 })
  const mirrors = state({ phase: 'progressing' }, { weightBp: 0 })
  const answers = state({ phase: 'progressing' }, { step: 2, weightBp: 500 })
  t.ok(beginsToAnswer(steps, idle, mirrors), 'copies')
  t.ok(beginsToAnswer(steps, mirrors, answers), 'users')
  t.notOk(beginsToAnswer(steps, mirrors, mirrors))
  t.notOk(beginsToAnswer(steps, answers, { ...answers, weightBp: 1000 }))
  t.notOk(beginsToAnswer(steps, answers, idle))
  t.same(steps.map(describeStep), ['a mirror of 50 %', 'a pause', '5 %', '100 %'])
  t.end()
})

const inMirror = (change = {}) => state({ phase: 'progressing' }, { weightBp: 0, ...change })
const PAIRS = report({ name: 'errors/mirror' })
const SAME = report({
  name: 'same',
  kind: 'disagreement',
  verdict: 'inconclusive',
  margins: null,
  ratio: null,
  canary: { value: 0.04, n: 500 },
  limit: { max: 0.05, min: null, ticksBeyond: 0, baselineBeyond: false, tooFew: false },
})

t.test('a rollout begins with its mirror, where the canary answers nobody', (t) => {
  const of = mirrored()
  const idle = state({ phase: 'idle', idleReason: 'canary-not-ready' }, { weightBp: 0 })
  const { state: next, decision } = moved(step(of, idle, seen()))
  t.match(next, { phase: 'progressing', step: 0, weightBp: 0, stepEnteredAt: NOW })
  t.equal(activeMs(next, NOW + 5), 5)
  t.match(decision, { action: 'start', summary: 'The rollout of 2.0 starts at a mirror of 50 %.' })
  t.end()
})

t.test(
  'a mirror is left for the first weight when its pairs are there and none shows harm',
  (t) => {
    const of = mirrored()
    const reports = [report({ verdict: 'inconclusive' }), PAIRS, SAME]
    const { state: next, decision } = moved(step(of, inMirror(), seen({ reports })))
    t.match(next, { step: 1, weightBp: 500 })
    t.match(decision, {
      action: 'advance',
      summary:
        /^Advanced from the mirror to 5 %: no required metric shows harm.*; 500 pairs of answers judged in the step\.$/,
    })
    t.end()
  },
)

t.test('a mirror waits for its time, its pairs, and a share within its limit', (t) => {
  const of = mirrored()
  const limit = { ...SAME.limit!, ticksBeyond: 1 }
  const beyond = { ...SAME, canary: { value: 0.06, n: 40 }, limit }
  const few = seen({ reports: [PAIRS, beyond], stepCanaryUnits: 40 })
  const young = inMirror({ stepEnteredAt: NOW - 1000 })
  const sentences = (from = young, what = few) => missingFor(of, from, what).map((m) => m.sentence)
  t.same(sentences(), [
    'the step lasts at least 5s',
    '40 of 100 pairs of answers judged in this step',
    'same: 6 % is beyond 5 %',
  ])
  t.same(sentences(young, seen({ reports: [] })), ['the step lasts at least 5s'])
  const unread = seen({ reports: [], stepCanaryUnits: 0, stepUnreadPairs: 1200 })
  t.match(
    sentences(inMirror(), unread)[0],
    /^0 of 100 pairs of answers judged in this step; 1,200 could not be compared: is there something/,
  )
  const [pairs] = missingFor(of, inMirror({ stepEnteredAt: NOW - 10_000 }), few)
  t.equal(pairs!.etaSeconds, 12, 'at their pace so far: of live requests there is none')
  t.equal(step(of, young, few).decision, null, 'minimums fill by themselves')
  const waits = moved(step(of, inMirror(), seen({ reports: [beyond] })))
  t.match(waits.decision, { action: 'hold', summary: 'Holding at 0 %: same: 6 % is beyond 5 %.' })
  t.end()
})

t.test('harm in pairs rolls back, pauses or warns, as the metric says', (t) => {
  const of = mirrored()
  const bad = harmed({ ...SAME, evidence: harmed().evidence, verdict: 'failed' })
  const back = moved(step(of, inMirror(), seen({ reports: [bad] })))
  t.match(back.state, { phase: 'rolled-back', rolledBackReason: 'same', weightBp: 0 })
  t.equal(
    back.decision!.summary,
    'Rolled back by same: 4 % of 500 compared pairs; the evidence for "more than 5 %" stands at 148 : 1, and 20 : 1 decides. No user has seen an answer of the canary.',
  )
  const errors = harmed({ name: 'errors/mirror', onFailure: 'pause' })
  const paused = moved(step(of, inMirror(), seen({ reports: [errors] })))
  t.match(paused.state, { phase: 'paused', pausedMetric: 'errors/mirror', weightBp: 0 })
  const resumed = moved(step(of, paused.state, seen({ reports: [errors] }), command('resume')))
  t.match(resumed.state, { acknowledged: ['errors/mirror'], step: 0, weightBp: 0 })
  const on = moved(step(of, resumed.state, seen({ now: NOW + 6000, reports: [errors] })))
  t.match(on.state, { step: 1, weightBp: 500 }, 'what was acknowledged only reports')
  const live = seen({ now: NOW + 9000, reports: [harmed()] })
  t.match(moved(step(of, on.state, live)).state, { rolledBackReason: 'errors' }, 'live, it decides')
  t.end()
})

t.test('a canary that goes away in its mirror is rolled back; an operator may move on', (t) => {
  const of = mirrored()
  const down = seen({ canary: { ready: false, downForMs: 10_000, failing: false } })
  t.match(moved(step(of, inMirror(), down)).state, { rolledBackReason: 'variant-down' })
  const on = moved(step(of, inMirror(), seen(), command('promote')))
  t.match(on.state, { step: 1, weightBp: 500 })
  const idle = state({ phase: 'idle', idleReason: 'manual-start' }, { weightBp: 0 })
  t.match(moved(step(of, idle, seen(), command('promote'))).decision, {
    summary: 'ops moved 2.0 to a mirror of 50 %, past the evidence.',
  })
  t.end()
})

t.test('the pairs of a step are those that were compared, where that decides', (t) => {
  const of = mirrored()
  const evidence = evidenceOf(of, { pairs: 9, compared: 7 })
  t.equal(stepPairs(of, evidence, { step: 0 }), 7)
  t.equal(stepPairs(mirrored([ERRORS]), evidence, { step: 0 }), 9)
  t.equal(stepPairs(of, evidence, { step: 1 }), 0)
  t.equal(stepUnreadPairs(of, evidence, { step: 0 }), 2)
  t.equal(stepUnreadPairs(mirrored([ERRORS]), evidence, { step: 0 }), 0)
  t.equal(stepUnreadPairs(of, evidence, { step: 1 }), 0)
  t.equal(stepPairs(of, emptyEvidence('r', [], 1), { step: 0 }), 0)
  t.end()
})

const TRAFFIC: Traffic = {
  unitsPerSecond: 10,
  from: 'given',
  errorRate: 0.01,
  evidence: null,
  exceedance: null,
}

t.test(
  'a forecast has the mirror in it, and live steps begin after it as they would without',
  (t) => {
    const of = mirrored([ERRORS], [{ ...MIRROR, minRequests: 500 }, ...weightSteps([5, 100])])
    const { steps } = forecast(of, TRAFFIC)
    // 2 s of warm-up, an interval of 1 s, 500 pairs at half of 10 requests a second.
    t.match(steps[0], {
      index: 0,
      weightBp: 0,
      proves: false,
      slowest: 'minRequests',
      p50Seconds: 103,
    })
    const alone = forecast(withoutMirrors(of), TRAFFIC).steps[0]!
    t.match(steps[1], { index: 1, weightBp: 500, p50Seconds: alone.p50Seconds })
    const brief = mirrored([ERRORS], [{ ...MIRROR, minRequests: 1 }, ...weightSteps([5, 100])])
    t.match(forecast(brief, TRAFFIC).steps[0], { slowest: 'minDuration', p80Seconds: 5 })
    t.end()
  },
)

t.test('where the mirror takes longest, no other weight is advised', (t) => {
  const long = [{ ...MIRROR, minRequests: 1e9 }, ...weightSteps([5, 100])]
  const { suggestions } = forecastWithAdvice(mirrored([ERRORS], long), TRAFFIC, null)
  t.same(
    suggestions.map(({ change }) => change),
    ['maxDuration'],
  )
  t.end()
})

t.test('a replay begins with the first weight, and says that pairs are not recorded', (t) => {
  const of = mirrored()
  t.same(
    fidelities(of, of, [])
      .filter((f) => f.kind === 'not-recorded')
      .map((f) => [f.id, f.note]),
    ['errors/mirror', 'same'].map((id) => [
      id,
      'pairs of a mirror step are not archived: the replay begins with the first weight',
    ]),
  )
  const at = (phase: string, canary: number, time: number) => ({
    ...{ at: time, rollout: '1.4->2.0#1', actor: 'evaluator', reason: 'evidence', note: null },
    ...{ action: 'advance', summary: '', metrics: [], configHash: 'h' },
    from: { phase: 'idle', step: 0, weights: { baseline: 100, canary: 0 } },
    to: { phase, step: 0, weights: { baseline: 100 - canary, canary } },
  })
  const decisions = [at('idle', 0, 1), at('progressing', 0, 2), at('progressing', 5, 3)]
  const record = { plan: of, cohorts: [], decisions, until: 9 } as unknown as AttemptRecord
  t.same(
    decisionsToReplay(record).map((d) => d.at),
    [3],
  )
  t.match(replay(record, of), { state: { step: 0, weightBp: 500 }, decisions: [{ at: 3 }] })
  const never = { ...record, decisions: record.decisions.slice(0, 2) }
  t.equal(replay(never, of), null)
  t.same(
    decisionsToReplay({ ...record, plan: plan() }).map((d) => d.at),
    [2, 3],
  )
  t.end()
})

t.test('a rehearsal on made-up traffic begins with the first weight', (t) => {
  const of = mirrored([ERRORS], [{ ...MIRROR, minRequests: 1e9 }, ...weightSteps([5, 50, 100])])
  const traffic = {
    requestsPerSecond: 100,
    failures: [0.01, 0.5],
    latencyRatio: 1,
    values: {},
    eventRates: {},
  } as const
  const { end, weightBp } = rehearseSynthetic(of, traffic, createRandom(3))
  t.same([end, weightBp], ['rolled-back', 500])
  t.end()
})
