import t from 'tap'
import { NO_PAST, reconcile, serveAlone } from '../../src/rollout/reconcile.ts'
import { moved, NOW, plan, PAUSED, planOf, refused, state } from '../fakes/rollout.ts'
import {
  ERRORS,
  LATENCY,
  RMSE,
  rolloutSpec,
  service,
  weightSteps,
} from '../fakes/simulated-service.ts'

const FRESH = { now: NOW, past: NO_PAST, actor: 'configuration' }

t.test('a canary version that was never seen begins a rollout of its own', (t) => {
  const begun = moved(reconcile(plan(), null, FRESH))
  t.match(begun, {
    resetEvidence: true,
    state: { phase: 'idle', attempt: 1, revision: 1, weightBp: 0, idleReason: 'canary-not-ready' },
  })
  t.match(begun.decision, {
    action: 'hold',
    reason: 'new-version',
    summary: /starts when the canary is ready/,
  })
  const byHand = moved(reconcile(plan({ spec: { start: 'manual' } }), null, FRESH))
  t.match(byHand, {
    state: { idleReason: 'manual-start' },
    decision: { summary: /waits for `promote`/ },
  })
  t.end()
})

t.test('another canary version replaces a rollout that is under way', (t) => {
  const other = moved(reconcile(plan(), state(undefined, { canaryVersion: '1.9' }), FRESH))
  t.match(other, {
    resetEvidence: true,
    state: { canaryVersion: '2.0', phase: 'idle', revision: 8 },
    decision: {
      summary:
        /^The rollout of 1\.9 beside 1\.4 was dropped at 5 %, since the configuration names 2\.0 beside 1\.4\. New /,
    },
  })
  const held = moved(reconcile(plan(), state(PAUSED('operator'), { canaryVersion: '1.9' }), FRESH))
  t.match(held.decision!.summary, /^The rollout of 1\.9 beside 1\.4 was dropped at 5 %/)
  t.end()
})

t.test('a version that was rolled back stays so, whatever the baseline', (t) => {
  const rollback = { at: NOW - 90_000, decision: { id: 17, reason: 'errors' } }
  const stored = state({ phase: 'idle', idleReason: 'manual-start' }, { baselineVersion: '1.3' })
  const before = { ...FRESH, past: { rollback, lastAttempt: 2 } }
  const again = moved(reconcile(plan(), stored, before))
  t.match(again.state, {
    ...{ phase: 'rolled-back', weightBp: 0, attempt: 3 },
    ...{ rolledBackAt: NOW - 90_000, rolledBackReason: 'errors' },
  })
  t.equal(
    again.decision!.summary,
    '2.0 was rolled back before (by errors, decision 17) and stays so: `retry` starts a new attempt.',
  )
  const forgotten = { rollback: { at: NOW - 90_000, decision: null }, lastAttempt: 0 }
  const unknown = moved(reconcile(plan(), null, { ...FRESH, past: forgotten }))
  t.match(unknown.state, { attempt: 1, rolledBackReason: 'rolled-back-before' })
  t.match(unknown.decision!.summary, /^2\.0 was rolled back before and stays so: /)
  t.end()
})

t.test('a promoted version must become the baseline before another one is tried', (t) => {
  const promoted = { canaryVersion: '1.9', weightBp: 10_000 }
  for (const phase of [
    { phase: 'promoted', promotedAt: NOW } as const,
    { phase: 'watching', watchUntil: NOW } as const,
  ]) {
    const detail = refused(reconcile(plan(), state(phase, promoted), FRESH))
    t.equal(detail, 'services.svc: 1.9 serves 100 %: make it the baseline first')
    const named = moved(
      reconcile(plan(), state(phase, { ...promoted, canaryVersion: '1.4' }), FRESH),
    )
    t.match(named.state, { phase: 'idle', baselineVersion: '1.4', canaryVersion: '2.0' })
  }
  t.end()
})

t.test('a file whose canary is the baseline by now serves that canary on', (t) => {
  const next = { baselineVersion: '2.0', canaryVersion: '3.0' }
  const past = { rollback: { at: NOW, decision: null }, lastAttempt: 2 }
  for (const stored of [
    state(undefined, next),
    state({ phase: 'rolled-back', rolledBackAt: NOW, rolledBackReason: 'errors' }, next),
  ]) {
    const served = moved(reconcile(plan(), stored, { ...FRESH, past }))
    t.match(served, {
      resetEvidence: true,
      decision: { action: 'promote', reason: 'is-baseline', actor: 'configuration' },
      state: {
        ...{ phase: 'promoted', promotedAt: NOW, weightBp: 10_000, attempt: 3, revision: 8 },
        ...{ baselineVersion: '1.4', canaryVersion: '2.0', step: plan().steps.length - 1 },
      },
    })
    t.match(
      served.decision!.summary,
      /2\.0 is the baseline beside 3\.0 already, and the configuration has it as the canary beside 1\.4: it is taken as promoted and serves 100 %\. `undo` leads back to 1\.4\.$/,
    )
    t.equal(
      served.decision!.summary.startsWith('The rollout of 3.0'),
      stored.phase !== 'rolled-back',
    )
  }
  t.end()
})

t.test('two versions that change places begin a rollout', (t) => {
  const swapped = { baselineVersion: '2.0', canaryVersion: '1.4' }
  t.match(moved(reconcile(plan(), state(undefined, swapped), FRESH)).state, {
    ...{ phase: 'idle', baselineVersion: '1.4', canaryVersion: '2.0', weightBp: 0 },
  })
  t.end()
})

t.test(
  'who cannot go on from what is stored serves the version that others have as baseline',
  (t) => {
    const promoted = { phase: 'promoted', promotedAt: NOW } as const
    const next = { baselineVersion: '2.0', canaryVersion: '3.0', weightBp: 10_000 }
    const serves = (stored: Parameters<typeof serveAlone>[2]) =>
      serveAlone(plan(), FRESH, stored).state.weightBp
    t.equal(serves(state(promoted, next)), 10_000)
    t.equal(serves(state(promoted, { ...next, baselineVersion: '1.9' })), 0)
    t.equal(serves(null), 0)
    t.end()
  },
)

t.test('the same configuration changes nothing', (t) => {
  const stored = state()
  t.equal(moved(reconcile(plan(), stored, FRESH)).state, stored)
  t.end()
})

t.test('what decides nothing is taken over in place', (t) => {
  const stored = state(undefined, { configHash: 'older' })
  const taken = moved(reconcile(plan(), stored, FRESH))
  t.match(taken, {
    decision: null,
    resetEvidence: false,
    state: { phase: 'progressing', configHash: 'hash-1', revision: 8 },
  })
  const ended = state(
    { phase: 'promoted', promotedAt: NOW },
    { fingerprint: { steps: '', analysis: '' } },
  )
  t.match(moved(reconcile(plan(), ended, FRESH)).state, {
    phase: 'promoted',
    fingerprint: plan().fingerprint,
  })
  t.end()
})

t.test('a rollout that was rolled back stands at no step beyond those of its plan', (t) => {
  const phase = { phase: 'rolled-back', rolledBackAt: NOW, rolledBackReason: 'errors' } as const
  const of = planOf(service(rolloutSpec({ spec: { steps: weightSteps([50, 100]) } })))
  const stored = state(phase, { step: 3, configHash: 'older' })
  t.equal(moved(reconcile(of, stored, FRESH)).state.step, 1)
  t.end()
})

t.test('changed steps begin again at the first one and keep the evidence', (t) => {
  const changed = plan({ spec: { steps: weightSteps([1, 50, 100]) } })
  for (const phase of [{ phase: 'progressing' } as const, PAUSED('approval')]) {
    const back = moved(
      reconcile(
        changed,
        state(phase, { step: 2, weightBp: 5000, acknowledged: ['errors'] }),
        FRESH,
      ),
    )
    t.match(back, {
      resetEvidence: false,
      state: { phase: 'idle', step: 0, weightBp: 0, attempt: 1, acknowledged: ['errors'] },
    })
    t.match(back.decision, { reason: 'steps-changed' })
  }
  t.end()
})

t.test(
  'what somebody paused begins again by hand alone, and the decision says what became of the pause',
  (t) => {
    const steps = plan({ spec: { steps: weightSteps([1, 50, 100]) } })
    const analysis = plan({ analysis: { metrics: [ERRORS, RMSE] } })
    const waits = 'it waits for `promote`, which starts it.'
    const cases = [
      [PAUSED('operator'), 'manual-start', `It was paused by an operator: ${waits}`],
      [
        PAUSED('override'),
        'manual-start',
        `It was paused because somebody set the weight: ${waits}`,
      ],
      [
        PAUSED('metric', { pausedMetric: 'rmse' }),
        'canary-not-ready',
        'It was paused because of rmse: that pause is over.',
      ],
      [PAUSED('timer'), 'canary-not-ready', null],
      [{ phase: 'progressing' }, 'canary-not-ready', null],
    ] as const
    for (const changed of [steps, analysis]) {
      for (const [phase, idleReason, told] of cases) {
        const next = moved(reconcile(changed, state(phase, { weightBp: 5000 }), FRESH))
        t.match(next.state, { phase: 'idle', idleReason, weightBp: 0 })
        const { summary } = next.decision!
        t.ok(told === null ? !summary.includes('paused') : summary.endsWith(`. ${told}`), summary)
        const again = reconcile(changed, { ...next.state, configHash: 'older' }, FRESH)
        t.match(moved(again).state, { phase: 'idle', idleReason })
      }
    }
    t.end()
  },
)

t.test('other minimums of the steps are taken over in place, in mid-step', (t) => {
  const steps = plan().steps.map((step) =>
    step.kind === 'weight'
      ? { ...step, minRequests: step.minRequests + 10, minDurationMs: step.minDurationMs + 1000 }
      : step,
  )
  const stored = state(undefined, { step: 1, weightBp: 2000, configHash: 'older' })
  t.match(moved(reconcile(plan({ spec: { steps } }), stored, FRESH)), {
    decision: null,
    resetEvidence: false,
    state: { phase: 'progressing', step: 1, weightBp: 2000, configHash: 'hash-1' },
  })
  const identities = [
    weightSteps([5, 100]),
    weightSteps([6, 100]),
    weightSteps([5, 6, 100]),
    ...[null, 1000, 2000].map((durationMs) =>
      weightSteps([5, 100]).toSpliced(1, 0, { kind: 'pause', durationMs }),
    ),
  ].map((each) => plan({ spec: { steps: each } }).fingerprint.steps)
  t.equal(new Set(identities).size, identities.length, 'weights and pauses are what steps are')
  t.end()
})

t.test('what the error budget was planned with makes a new attempt', (t) => {
  const stored = (analysis: object) => {
    const before = planOf(service(rolloutSpec({ analysis })))
    return state(undefined, {
      fingerprint: before.fingerprint,
      configHash: 'older',
      acknowledged: ['x'],
    })
  }
  const now = { metrics: [ERRORS, LATENCY, RMSE] }
  const cases: Record<string, object> = {
    'a metric less': { metrics: [ERRORS, LATENCY] },
    'another α': { ...now, alphaRollback: 0.01 },
    'another margin of a continuous metric': {
      metrics: [ERRORS, LATENCY, { ...RMSE, maxChange: 0.1 }],
    },
    'another quantile': { metrics: [ERRORS, { ...LATENCY, quantile: 0.99 }, RMSE] },
    'a metric that only warned': { metrics: [{ ...ERRORS, onFailure: 'warn' }, LATENCY, RMSE] },
    'a comparison that was none': {
      metrics: [{ ...ERRORS, maxChange: null, max: 0.1 }, LATENCY, RMSE],
    },
  }
  for (const [what, before] of Object.entries(cases)) {
    const next = moved(reconcile(plan({ analysis: now }), stored(before), FRESH))
    t.match(
      next,
      { resetEvidence: true, state: { attempt: 2, phase: 'idle', acknowledged: [] } },
      what,
    )
    t.match(next.decision, { action: 'retry', reason: 'analysis-changed' })
  }
  const margin = stored({ metrics: [{ ...ERRORS, maxChange: 0.2 }, LATENCY, RMSE] })
  t.equal(
    moved(reconcile(plan({ analysis: now }), margin, FRESH)).resetEvidence,
    false,
    'margins of events apply in place',
  )
  const unkeyed = moved(reconcile(plan({ analysis: now }, true), stored(now), FRESH))
  t.equal(unkeyed.resetEvidence, true, 'another unit')
  t.end()
})

t.test(
  'evidence of another analysis is void in every phase, and an idle rollout is a new attempt',
  (t) => {
    const other = plan({ analysis: { metrics: [ERRORS, RMSE] } })
    const phases = [
      { phase: 'watching', watchUntil: NOW } as const,
      { phase: 'promoted', promotedAt: NOW } as const,
      { phase: 'rolled-back', rolledBackAt: NOW, rolledBackReason: 'errors' } as const,
    ]
    for (const phase of phases) {
      const next = moved(reconcile(other, state(phase), FRESH))
      t.match(next, { decision: null, resetEvidence: true, state: { ...phase, attempt: 1 } })
    }
    const idle = { phase: 'idle', idleReason: 'manual-start' } as const
    const next = moved(reconcile(other, state(idle), FRESH))
    t.match(next, { resetEvidence: true, state: { ...idle, attempt: 2 } })
    const steps = plan({ spec: { steps: weightSteps([50, 100]) } })
    t.match(moved(reconcile(steps, state(idle), FRESH)), {
      decision: null,
      resetEvidence: false,
      state: idle,
    })
    t.end()
  },
)
