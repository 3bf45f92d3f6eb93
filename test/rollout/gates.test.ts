import t from 'tap'
import type { RolloutState } from '../../src/domain/rollout-state.ts'
import type { MetricReport } from '../../src/domain/verdict.ts'
import { missingFor } from '../../src/rollout/missing.ts'
import { step } from '../../src/rollout/step.ts'
import { harmed, NOW, plan, PAUSED, report, seen, state } from '../fakes/rollout.ts'
import { ERRORS, LATENCY, RMSE, weightSteps } from '../fakes/simulated-service.ts'

const SICK = { ready: true, downForMs: 0, failing: true }
const DOWN = { ready: false, downForMs: 10_000, failing: false }

t.test('an idle rollout waits until the canary is ready, then enters the first step', (t) => {
  const idle = state({ phase: 'idle', idleReason: 'canary-not-ready' }, { weightBp: 0 })
  const waiting = step(plan(), idle, seen({ canary: { ...DOWN, downForMs: 0 } }))
  t.equal(waiting.state, idle)
  t.equal(waiting.decision, null)
  const { state: started, decision } = step(plan(), idle, seen())
  t.match(started, { phase: 'progressing', step: 0, weightBp: 500, startedAt: NOW, revision: 8 })
  t.match(decision, { action: 'start', actor: 'evaluator', summary: /starts at 5 %/ })
  t.end()
})

t.test('a rollout that is started by hand waits for somebody', (t) => {
  const idle = state({ phase: 'idle', idleReason: 'manual-start' }, { weightBp: 0 })
  t.equal(step(plan(), idle, seen()).state, idle)
  t.end()
})

t.test('a rollout may begin with a pause', (t) => {
  const steps = [{ kind: 'pause', durationMs: null } as const, ...weightSteps([5, 100])]
  const idle = state({ phase: 'idle', idleReason: 'canary-not-ready' }, { weightBp: 0 })
  const { state: started, decision } = step(plan({ spec: { steps } }), idle, seen())
  t.match(started, { phase: 'paused', pausedBy: 'approval', weightBp: 0 })
  t.match(decision!.summary, /starts at a pause/)
  t.end()
})

t.test('an ended rollout stays as it is, whatever is seen', (t) => {
  const ended: RolloutState[] = [
    state({ phase: 'promoted', promotedAt: NOW }, { weightBp: 10_000 }),
    state({ phase: 'rolled-back', rolledBackAt: NOW, rolledBackReason: 'errors' }, { weightBp: 0 }),
  ]
  const alarm = seen({ canary: DOWN, reports: [harmed()] })
  for (const each of ended) t.equal(step(plan(), each, alarm).state, each)
  t.end()
})

t.test('a canary that is down is rolled back in every phase in which it may have traffic', (t) => {
  const phases = [
    state(),
    state(PAUSED('approval')),
    state({ phase: 'watching', watchUntil: NOW + 1 }, { weightBp: 10_000 }),
  ]
  for (const each of phases) {
    const { state: after, decision } = step(plan(), each, seen({ canary: DOWN }))
    t.match(after, { phase: 'rolled-back', weightBp: 0, rolledBackReason: 'variant-down' })
    t.match(decision!.summary, /no upstream of 2.0 has answered for 10 s \(outside α\)/)
  }
  t.end()
})

t.test(
  'the breaker rolls back without waiting for a sample, and says that it is outside α',
  (t) => {
    const breaker = {
      tripped: true,
      canary: { attempts: 50, failures: 31, clientErrors: 0 },
      baseline: { attempts: 1000, failures: 2, clientErrors: 0 },
    }
    const { state: after, decision } = step(plan(), state(), seen({ breaker, stepCanaryUnits: 0 }))
    t.match(after, { phase: 'rolled-back', weightBp: 0 })
    t.match(decision, {
      action: 'rollback',
      reason: 'breaker',
      summary: /outside α.*31 of 50.*2 of 1,000/,
    })
    t.end()
  },
)

t.test('the breaker says that answers with a 4xx were among what it tripped by', (t) => {
  const canary = { attempts: 50, failures: 20, clientErrors: 8 }
  const baseline = { attempts: 1000, failures: 2, clientErrors: 1 }
  const breaker = { tripped: true, canary, baseline }
  const { decision } = step(plan(), state(), seen({ breaker }))
  t.match(decision!.summary, 'failed or were answered with a 4xx, against 3 of 1,000')
  t.match(decision!.summary, '28 of 50')
  t.end()
})

t.test(
  'the breaker says of clients that left that they did, and counts them with failures',
  (t) => {
    const canary = { attempts: 50, failures: 2, clientErrors: 3, left: 40 }
    const baseline = { attempts: 1000, failures: 2, clientErrors: 0, left: 1 }
    const breaker = { tripped: true, canary, baseline }
    const { decision } = step(plan(), state(), seen({ breaker }))
    t.match(
      decision!.summary,
      "42 of 50 of 2.0's last attempts failed, or their clients left before an answer (40 did), against 3 of 1,000 of the baseline's.",
    )
    t.end()
  },
)

t.test(
  'nothing is rolled back onto a sick baseline: the rollout pauses, and a paused one stays',
  (t) => {
    const sick = seen({ canary: DOWN, baseline: SICK })
    const { state: after, decision } = step(plan(), state(), sick)
    t.match(after, { phase: 'paused', pausedBy: 'baseline', weightBp: 500 })
    t.match(decision, { action: 'pause', reason: 'baseline', summary: /instead of rolling back/ })
    t.notMatch(decision!.summary, /Rolled back/)
    t.match(decision!.summary, /would have been rolled back: no upstream of 2\.0 has answered/)
    const tried = { attempts: 50, failures: 31, clientErrors: 0 }
    const breaker = { tripped: true, canary: tried, baseline: tried }
    const tripped = step(plan(), state(), seen({ breaker, baseline: SICK }))
    t.match(tripped.decision!.summary, /would have been rolled back: 31 of 50 of 2\.0's last/)
    t.equal(step(plan(), after, sick).state, after)
    t.end()
  },
)

t.test('a harmed metric rolls back, also during a pause, an approval and the watch', (t) => {
  const phases = [
    state(),
    state(PAUSED('operator')),
    state(PAUSED('approval')),
    state({ phase: 'watching', watchUntil: NOW + 1 }, { weightBp: 10_000 }),
  ]
  for (const each of phases) {
    const { state: after, decision } = step(plan(), each, seen({ reports: [harmed()] }))
    t.match(after, { phase: 'rolled-back', rolledBackReason: 'errors' })
    t.match(decision!.summary, /Rolled back by errors: 1.2 % on the canary \(n 500\) against 1 %/)
    t.match(decision!.summary, /"worse than the baseline" stands at 148 : 1, and 20 : 1 decides/)
  }
  t.end()
})

t.test('the sentence about harm names the margin of each kind of metric', (t) => {
  const metrics = plan({ analysis: { metrics: [ERRORS, LATENCY, RMSE] } })
  const sentence = (name: string, kind: string, harm: number) =>
    step(
      metrics,
      state(),
      seen({ reports: [harmed({ name, kind, margins: { harm, proof: harm } })] }),
    ).decision!.summary
  t.match(sentence('rmse', 'rmse', 0.05), /"more than 5 % worse"/)
  t.match(sentence('latency', 'latency', 0.1), /"more than 10 % worse"/)
  t.match(sentence('latency', 'latency', 0.1), /0.012 ms on the canary/)
  t.end()
})

t.test('a metric that pauses does so once, and never on top of another pause', (t) => {
  const reports = [harmed({ onFailure: 'pause' })]
  const { state: after, decision } = step(plan(), state(), seen({ reports }))
  t.match(after, { phase: 'paused', pausedBy: 'metric', pausedMetric: 'errors', weightBp: 500 })
  t.match(decision, { action: 'pause', reason: 'errors', summary: /^Paused by errors: / })
  t.equal(step(plan(), after, seen({ reports })).decision, null)
  t.end()
})

t.test('a metric that warns or was acknowledged decides nothing', (t) => {
  const warns = seen({ reports: [harmed({ onFailure: 'warn', required: false })] })
  t.equal(step(plan(), state(), warns).decision?.action, 'advance')
  const acknowledged = state({ phase: 'progressing' }, { acknowledged: ['errors'] })
  t.not(step(plan(), acknowledged, seen({ reports: [harmed()] })).state.phase, 'rolled-back')
  const limitOnly = harmed({ name: 'slow', onFailure: 'pause' })
  const slow = state({ phase: 'progressing' }, { acknowledged: ['slow'] })
  t.not(step(plan(), slow, seen({ reports: [limitOnly] })).state.phase, 'paused')
  t.end()
})

t.test('an absolute limit that is broken rolls back and says that it is outside α', (t) => {
  const limit = { max: 0.005, min: null, ticksBeyond: 3, baselineBeyond: false, tooFew: false }
  const { evidence } = report()
  const broken = report({ verdict: 'failed', limit, evidence: { ...evidence, harm: null } })
  const { decision } = step(plan(), state(), seen({ reports: [broken] }))
  t.match(decision!.summary, /by errors, beyond its limit of 0.5 %: 1.2 %.*\(outside α\)/)
  t.end()
})

t.test('a limit is told with what is held against it, not with what was compared', (t) => {
  const held = { canary: { value: 0.74, n: 412 }, baseline: { value: 0.02, n: 50 } }
  const alone = { ...held, baseline: { value: null, n: 0 } }
  const limit = { max: 0.2, min: null, ticksBeyond: 3, baselineBeyond: false, tooFew: false }
  const summary = (change: object, verdict: 'failed' | 'inconclusive' = 'failed') => {
    const reports = [report({ verdict, limit: { ...limit, ...change } })]
    return step(plan(), state(), seen({ reports })).decision!.summary
  }
  const broken = 'Rolled back by errors, beyond its limit of 20 %: 74 % on the canary (n 412)'
  t.equal(summary(held), `${broken}, 2 % on the baseline (n 50) (outside α).`)
  t.equal(summary(alone), `${broken} (outside α).`)
  t.match(summary({ ...held, ticksBeyond: 1 }, 'inconclusive'), 'errors: 74 % is beyond 20 %')
  t.end()
})

t.test('a mismatched sample ratio pauses', (t) => {
  const ratioMismatch = { log: 8, threshold: Math.log(1000) }
  const { state: after, decision } = step(plan(), state(), seen({ ratioMismatch }))
  t.match(after, { phase: 'paused', pausedBy: 'ratio-mismatch' })
  t.match(decision!.summary, /2,981 : 1, 1,000 : 1 decides/)
  t.end()
})

t.test('a sick baseline pauses a rollout that is going on', (t) => {
  const { state: after, decision } = step(plan(), state(), seen({ baseline: SICK }))
  t.match(after, { phase: 'paused', pausedBy: 'baseline' })
  t.match(decision!.summary, /baseline 1.4 is sick/)
  const baseline = { attempts: 40, failures: 10, clientErrors: 0, left: 20 }
  const breaker = { ...seen().breaker, baseline }
  const hangs = step(plan(), state(), seen({ baseline: SICK, breaker })).decision!
  t.match(hangs.summary, '(30 of 40 of its last attempts failed, or their clients left before an')
  t.match(
    step(plan(), state(), seen({ baseline: DOWN })).decision!.summary,
    'the baseline 1.4 is sick (no upstream is healthy), so nothing is moved.',
  )
  t.end()
})

t.test('a timed pause ends by itself, an approval does not', (t) => {
  const steps = [
    weightSteps([5])[0]!,
    { kind: 'pause', durationMs: 1000 } as const,
    ...weightSteps([20, 100]),
  ]
  const timed = plan({ spec: { steps } })
  const early = state(PAUSED('timer', { resumeAt: NOW + 1 }), { step: 1 })
  t.equal(step(timed, early, seen()).state, early)
  const due = state(PAUSED('timer', { resumeAt: NOW }), { step: 1, pausedMs: 5 })
  const { state: after, decision } = step(timed, due, seen())
  t.match(after, { phase: 'progressing', step: 2, weightBp: 2000, pausedMs: 10_005 })
  t.match(decision, { action: 'advance', reason: 'timer' })
  const approval = state(PAUSED('approval'), { step: 1 })
  t.equal(step(timed, approval, seen()).state, approval)
  t.end()
})

t.test('the watch at 100 % ends in promotion', (t) => {
  const watching = state({ phase: 'watching', watchUntil: NOW + 1 }, { weightBp: 10_000, step: 3 })
  t.equal(step(plan(), watching, seen()).state, watching)
  const { state: after, decision } = step(plan(), watching, seen({ now: NOW + 1 }))
  t.match(after, { phase: 'promoted', promotedAt: NOW + 1, weightBp: 10_000 })
  t.match(decision, { action: 'promote', reason: 'watch-over' })
  t.end()
})

t.test('without traffic the rollout holds, and says so once', (t) => {
  const { state: after, decision } = step(plan(), state(), seen({ lastRequestAt: NOW - 60_000 }))
  t.match(after, { phase: 'progressing', holdReason: 'no-traffic', revision: 8 })
  t.match(decision, { action: 'hold', reason: 'no-traffic' })
  t.equal(step(plan(), after, seen({ lastRequestAt: null })).decision, null)
  t.end()
})

t.test('a step is left when its gates are open, and the reason to hold is forgotten', (t) => {
  const held = state({ phase: 'progressing' }, { holdReason: 'inconclusive' })
  const { state: after, decision } = step(plan(), held, seen())
  t.match(after, {
    phase: 'progressing',
    step: 1,
    weightBp: 2000,
    stepEnteredAt: NOW,
    holdReason: null,
  })
  t.match(decision, { action: 'advance', reason: 'evidence' })
  t.match(
    decision!.summary,
    /Advanced from 5 % to 20 %: no required metric shows harm \(errors: ratio 1.2, between 0.8 and 1.4\); 500 canary requests judged/,
  )
  t.end()
})

t.test('minimum time, requests and labels each keep a step, without a decision', (t) => {
  const withLabels = plan({ analysis: { metrics: [ERRORS, LATENCY, RMSE] } })
  const young = state({ phase: 'progressing' }, { stepEnteredAt: NOW - 4999 })
  t.equal(step(plan(), young, seen()).decision, null)
  t.equal(step(plan(), state(), seen({ stepCanaryUnits: 99 })).decision, null)
  const fewLabels = seen({ reports: [report({ name: 'rmse', stepCanaryN: 99 })] })
  t.equal(step(withLabels, state(), fewLabels).decision, null)
  const enough = seen({ reports: [report({ name: 'rmse', stepCanaryN: 100 })] })
  t.equal(step(withLabels, state(), enough).decision?.action, 'advance')
  t.end()
})

t.test('labels without predictions are told from labels that do not come', (t) => {
  const withLabels = plan({ analysis: { metrics: [ERRORS, LATENCY, RMSE] } })
  const reports = [report({ name: 'rmse', stepCanaryN: 0 })]
  const predictionsOf = (unreadable: number) => ({
    baseline: { looked: 900, unreadable: Math.max(unreadable - 100, 0) },
    canary: { looked: 100, unreadable: Math.min(unreadable, 100) },
  })
  const sentences = (unreadable: number) =>
    missingFor(withLabels, state(), seen({ reports, predictions: predictionsOf(unreadable) }))
      .map((m) => m.sentence)
      .join()
  t.match(sentences(999), /no prediction could be read from 999 of 1,000 answers: is observe/)
  t.match(
    sentences(499),
    /no prediction could be read from 100 of 100 answers of the canary: does it/,
  )
  t.notMatch(sentences(49), /no prediction/)
  t.notMatch(sentences(0), /no prediction/)
  t.end()
})

t.test('labels that mostly come too late are told of, while they are missing', (t) => {
  const withLabels = plan({ analysis: { metrics: [ERRORS, LATENCY, RMSE] } })
  const sentence = (late: number) =>
    missingFor(
      withLabels,
      state(),
      seen({
        reports: [report({ name: 'rmse', stepCanaryN: 0 })],
        labelArrivals: { labels: 1200, late },
      }),
    )[0]!.sentence
  t.match(
    sentence(1100),
    /^rmse: 0 of 100 canary labels in this step; 1,100 of 1,200 labels came too late: is labelWindow \(\d+\w+\) long enough\?$/,
  )
  t.match(sentence(599), /canary labels in this step$/)
  t.end()
})

t.test('labels that cannot be scored are told of as they come', (t) => {
  const withLabels = plan({ analysis: { metrics: [ERRORS, LATENCY, RMSE] } })
  const sentences = (labels: number, more: readonly MetricReport[] = []) =>
    missingFor(
      withLabels,
      state(),
      seen({
        reports: [report({ name: 'rmse', stepCanaryN: 0 }), ...more],
        labels: new Map([['rmse', { labels, of: 100, last: { label: -1, prediction: 0.8 } }]]),
      }),
    )
      .map((m) => m.sentence)
      .join()
  t.match(
    sentences(6),
    /0 of 100 canary labels in this step; 6 of 100 labels cannot be scored: a label of -1 for a prediction of 0.8; log-loss takes/,
  )
  t.notMatch(sentences(5), /cannot/)
  const guard = report({ name: 'rmse/label-missing', unscored: { labels: 9, of: 90 } })
  t.match(sentences(6, [guard]), /^rmse: 9 of 90 labels cannot.*canary labels in this step$/)
  t.match(sentences(6, [{ ...guard, unscored: undefined }]), /; 6 of 100 labels cannot/)
  t.end()
})

t.test('the next step may be a pause: for an approval or for a time', (t) => {
  const pauseThen = (durationMs: number | null) =>
    plan({
      spec: { steps: [...weightSteps([5]), { kind: 'pause', durationMs }, ...weightSteps([100])] },
    })
  const approval = step(pauseThen(null), state(), seen())
  t.match(approval.state, {
    phase: 'paused',
    pausedBy: 'approval',
    resumeAt: null,
    step: 1,
    weightBp: 500,
  })
  t.match(approval.decision, {
    action: 'pause',
    reason: 'approval',
    summary: /Waiting for an approval at 5 %/,
  })
  const timed = step(pauseThen(600_000), state(), seen())
  t.match(timed.state, { phase: 'paused', pausedBy: 'timer', resumeAt: NOW + 600_000 })
  t.match(timed.decision!.summary, /Waiting for 10m to pass/)
  t.end()
})

t.test('where no metric is required a step that is left claims neither harm nor proof', (t) => {
  const last = state({ phase: 'progressing' }, { step: 2, weightBp: 5000 })
  for (const silent of [
    { ...ERRORS, onFailure: 'warn' },
    { ...ERRORS, mode: 'report' },
  ] as const) {
    const of = plan({ analysis: { metrics: [silent] } })
    const told = seen({ reports: [report({ name: silent.name, required: false })] })
    t.match(step(of, state(), told).decision!.summary, /^Advanced .*: no metric decides; 500/)
    const { decision } = step(of, last, told)
    t.match(decision!.summary, /^Promoted from 50 % to 100 %: nothing had to be proved; 500/)
  }
  t.end()
})

t.test('of a limit alone neither harm is shown nor proof', (t) => {
  const of = plan({ analysis: { metrics: [{ ...RMSE, maxChange: null, max: 5 }] } })
  const never = { log: 0, threshold: Infinity }
  const evidence = { harm: never, nonInferiority: null, stepNonInferiority: null, stepHarm: null }
  const told = seen({ reports: [report({ name: 'rmse', ratio: null, evidence })] })
  const first = step(of, state(), told).decision!
  t.match(first.summary, /: nothing is tested; rmse within limits \(outside α\); 500/)
  const last = step(of, state(undefined, { step: 2, weightBp: 5000 }), told).decision!
  t.match(last.summary, /: without proof of being no worse; rmse within limits \(outside α\)/)
  t.end()
})

t.test('what an operator has resumed past is named, and nothing is claimed of it', (t) => {
  const of = plan({ analysis: { metrics: [ERRORS, LATENCY] } })
  const harm = { ...report().evidence, harm: { log: 9, threshold: 3 } }
  const worse = report({ verdict: 'failed', onFailure: 'pause', evidence: harm })
  const past = (index: number, reports: readonly MetricReport[]) => {
    const at = state(undefined, { step: index, weightBp: 5000, acknowledged: ['errors'] })
    return step(of, at, seen({ reports })).decision!.summary
  }
  const other = report({ name: 'latency', ratio: null })
  t.match(past(0, [worse, other]), /: no other required metric shows harm.*; resumed past errors;/)
  t.match(past(2, [worse, other]), /: every other required metric is shown.*; resumed past errors;/)
  t.match(past(0, [worse]), /: no other metric decides.*; resumed past errors;/)
  t.match(past(2, [worse]), /: nothing else had to be proved.*; resumed past errors;/)
  t.end()
})

t.test('the last step before 100 % needs proof, now as well as over the attempt', (t) => {
  const last = state({ phase: 'progressing' }, { step: 2, weightBp: 5000 })
  const { state: after, decision } = step(plan(), last, seen())
  t.match(after, { phase: 'watching', watchUntil: NOW + 10_000, weightBp: 10_000, step: 3 })
  t.match(decision, {
    action: 'promote',
    reason: 'evidence',
    summary: /every required metric is shown to be no worse/,
  })

  const unproved = { log: 1, threshold: 3 }
  const base = report()
  const hold = (evidence: Partial<typeof base.evidence>, change = {}) =>
    step(
      plan(),
      last,
      seen({ reports: [report({ evidence: { ...base.evidence, ...evidence }, ...change })] }),
    )
  const wide = { ...base.ratio!, lower: 0.4, upper: 1.6 }
  const never = hold({ nonInferiority: unproved }, { ratio: wide })
  t.match(never.decision, {
    action: 'hold',
    reason: 'inconclusive',
    summary:
      /errors: a rise above 50 % plus the floor of 2 % is not excluded yet \(upper bound 60 %\)/,
  })
  t.match(
    hold({ nonInferiority: unproved }, { better: 'higher', ratio: wide }).decision!.summary,
    /errors: a fall above 50 % plus the floor of 2 % is not excluded yet \(upper bound 60 %\)/,
  )
  const odds = 'is not excluded yet (2.72 : 1 so far, 20 : 1 decides'
  t.match(
    hold({ nonInferiority: unproved }).decision!.summary,
    `${odds}).`,
    'a bound inside the margin would contradict it',
  )
  t.match(
    hold({ nonInferiority: unproved }, { withoutOutages: true }).decision!.summary,
    `${odds}; a time in which the baseline looked much worse than usual is left out, since it proves nothing).`,
  )
  t.match(
    hold({ nonInferiority: unproved }, { ratio: null }).decision!.summary,
    /2.72 : 1 so far, 20 : 1 decides/,
  )
  const still = step(
    plan({ analysis: { metrics: [LATENCY] } }),
    last,
    seen({
      reports: [
        report({
          ...{ name: 'latency', kind: 'latency', ratio: null, slow: { baseline: 0, canary: 0 } },
          evidence: { ...base.evidence, nonInferiority: unproved },
        }),
      ],
    }),
  )
  t.match(
    still.decision!.summary,
    /latency: a rise above 50 % is not excluded yet: no answer is slower than the quantile of the baseline, .* nothing to compare \(`max` in place/,
  )
  const passed = hold({}, { passedCap: { share: 0.104, cap: 3.2 } }).decision!
  t.match(passed, {
    action: 'hold',
    reason: 'inconclusive',
    summary:
      /errors: 10.4 % of the baseline's values are above 3.2, the cap that was learnt .*: set `cap` of errors/,
  })
  const flawless = step(
    plan({ analysis: { metrics: [RMSE] } }),
    last,
    seen({
      reports: [
        report({
          ...{ name: 'rmse', kind: 'rmse', baseline: { n: 2000, value: 0 }, ratio: null },
          evidence: { ...base.evidence, nonInferiority: unproved },
        }),
      ],
    }),
  )
  t.match(
    flawless.decision!.summary,
    /rmse: .* is not excluded yet: the baseline has 0, and no share/,
  )
  const notNow = hold({ stepNonInferiority: unproved })
  t.match(notNow.decision!.summary, /not excluded in this step alone/)
  t.equal(step(plan(), never.state, seen({ reports: [] })).decision?.action, 'promote')
  t.end()
})

t.test('with a sticky key the last step must be free of harm from a fresh start point', (t) => {
  const keyed = plan({}, true)
  const last = state({ phase: 'progressing' }, { step: 2, weightBp: 5000 })
  const { evidence } = report()
  const withStepHarm = (stepHarm: typeof evidence.stepHarm) =>
    step(
      keyed,
      last,
      seen({
        reports: [report({ evidence: { ...evidence, stepNonInferiority: null, stepHarm } })],
      }),
    )
  t.match(withStepHarm({ log: 0, threshold: 3 }).decision, {
    action: 'promote',
    summary: /canary keys judged/,
  })
  t.match(withStepHarm({ log: 3, threshold: 3 }).decision, {
    action: 'hold',
    summary: /this step alone looks worse/,
  })
  t.end()
})

t.test('a margin is named in the unit of its metric while its proof is missing', (t) => {
  const metrics = plan({ analysis: { metrics: [ERRORS, LATENCY, RMSE] } })
  const last = state({ phase: 'progressing' }, { step: 2, weightBp: 5000 })
  const { evidence } = report()
  const missing = { ...evidence, nonInferiority: { log: 1, threshold: 3 } }
  const reports = [['rmse', 0.05] as const, ['latency', 0.1] as const].map(([name, proof]) =>
    report({ name, evidence: missing, margins: { harm: proof, proof } }),
  )
  const { decision } = step(metrics, last, seen({ reports }))
  t.match(decision!.summary, /latency: a rise above 10 % is not excluded/)
  t.match(decision!.summary, /rmse: a rise above 5 % is not excluded/)
  t.end()
})

t.test('a limit that is being broken, or is broken by both variants, holds the step', (t) => {
  const limited = (change: object) =>
    step(
      plan(),
      state(),
      seen({
        reports: [
          report({
            limit: {
              max: 0.01,
              min: null,
              ticksBeyond: 0,
              baselineBeyond: false,
              tooFew: false,
              ...change,
            },
          }),
        ],
      }),
    )
  t.equal(limited({}).decision?.action, 'advance')
  t.match(limited({ ticksBeyond: 1 }).decision, {
    action: 'hold',
    reason: 'limit',
    summary: /1.2 % is beyond 1 %/,
  })
  t.match(limited({ baselineBeyond: true }).decision!.summary, /both variants are beyond 1 %/)
  const reports = [
    report({
      required: false,
      limit: { max: 0.01, min: null, ticksBeyond: 1, baselineBeyond: false, tooFew: false },
    }),
  ]
  t.equal(step(plan(), state(), seen({ reports })).decision?.action, 'advance')
  t.end()
})

t.test('when the time is up the configuration decides, never silently', (t) => {
  const late = seen({ stepCanaryUnits: 0 })
  const old = state({ phase: 'progressing' }, { startedAt: NOW - 3_600_000 })
  const at = (onInconclusive: 'hold' | 'rollback' | 'promote') =>
    step(plan({ spec: { onInconclusive } }), old, late)
  t.match(at('hold').decision, { action: 'hold', reason: 'max-duration' })
  t.match(at('rollback'), { state: { phase: 'rolled-back' }, decision: { reason: 'max-duration' } })
  t.match(at('promote'), {
    state: { phase: 'watching', weightBp: 10_000 },
    decision: { summary: /Promoted without proof.*\(outside α\)/ },
  })
  const silent = seen({ lastRequestAt: NOW - 60_000 })
  t.match(step(plan({ spec: { onInconclusive: 'rollback' } }), old, silent), {
    state: { phase: 'rolled-back' },
    decision: { summary: /^Rolled back: after .* at 5 % is still missing: svc has no traffic\.$/ },
  })
  const few = step(plan(), old, seen({ stepCanaryUnits: 99 })).decision!
  t.match(few.summary, /^Holding: .* is still missing: 99 of 100 canary requests judged/)
  const paused = state({ phase: 'progressing' }, { startedAt: NOW - 3_600_000, pausedMs: 60_000 })
  t.equal(step(plan(), paused, late).decision, null, 'time in pauses does not count')
  t.end()
})

t.test(
  'the sentence names the metric that was closest to its margin, in its own direction',
  (t) => {
    const errors = report({ ratio: { estimate: 1, lower: 0.9, upper: 1.2, method: 'exact' } })
    const accuracy = report({
      ...{ name: 'accuracy', better: 'higher' },
      ratio: { estimate: 1, lower: 0.7, upper: 1.1, method: 'asymptotic' },
    })
    const { decision } = step(plan(), state(), seen({ reports: [errors, accuracy] }))
    t.match(decision!.summary, /\(accuracy: ratio 1, between 0.7 and 1.1\)/)
    t.end()
  },
)

t.test('an interval on the worse side alone says how far the evidence is that decides', (t) => {
  const between = (lower: number, upper: number, change: Partial<MetricReport> = {}) => {
    const ratio = { estimate: 1.2, lower, upper, method: 'asymptotic', level: 0.95 } as const
    const reports = [report({ name: 'rmse', ratio, ...change })]
    return step(plan(), state(), seen({ reports })).decision!.summary
  }
  const margins = { harm: 0.05, proof: 0.05 }
  t.match(
    between(1.05, 1.37, { margins }),
    '(rmse: ratio 1.2, between 1.05 and 1.37 at 95 %; the evidence for "more than 5 % worse" stands at 1.65 : 1, and 20 : 1 decides)',
  )
  t.match(
    between(0.6, 0.9, { better: 'higher' }),
    'at 95 %; the evidence for "worse than the baseline"',
  )
  t.match(between(0.99, 1.37), 'between 0.99 and 1.37);')
  t.match(between(1.05, 1.37, { better: 'higher' }), 'between 1.05 and 1.37);')
  const limitAlone = { harm: { log: 0, threshold: Infinity } }
  const evidence = { ...report().evidence, ...limitAlone }
  t.match(between(1.05, 1.37, { evidence }), 'between 1.05 and 1.37);')
  const before = { estimate: 1.2, lower: 1.05, upper: 1.37, method: 'asymptotic' } as const
  t.match(between(0, 0, { ratio: before }), 'between 1.05 and 1.37; the evidence')
  t.end()
})

t.test('the sentence leaves the ratio out where none has an upper bound', (t) => {
  const ratio = { estimate: 1, lower: 0, upper: Infinity, method: 'exact' } as const
  t.notMatch(
    step(plan(), state(), seen({ reports: [report({ ratio })] })).decision!.summary,
    /ratio/,
  )
  t.notMatch(step(plan(), state(), seen({ reports: [] })).decision!.summary, /ratio/)
  t.end()
})
