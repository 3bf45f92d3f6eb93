import t from 'tap'
import { step } from '../../src/rollout/step.ts'
import { GPU } from '../fakes/measurements.ts'
import { harmed, moved, NOW, PAUSED, plan, report, seen, state } from '../fakes/rollout.ts'
import { ERRORS } from '../fakes/simulated-service.ts'

const SICK = { ready: true, downForMs: 0, failing: true }
const DOWN = { ready: false, downForMs: 10_000, failing: false }
const WATCHING = state({ phase: 'watching', watchUntil: NOW + 1 }, { weightBp: 10_000, step: 3 })

t.test(
  'Baseline sick while promoting: the rollout pauses where it is, and nobody is promoted.',
  (t) => {
    // Everything is proved: without the baseline's trouble this look would advance.
    const ready = seen({ reports: [report()] })
    t.equal(moved(step(plan(), state(), ready)).decision?.action, 'advance')
    for (const baseline of [SICK, DOWN]) {
      const { state: after, decision } = step(plan(), state(), { ...ready, baseline })
      t.match(after, { phase: 'paused', pausedBy: 'baseline', weightBp: state().weightBp })
      t.match(decision, { action: 'pause', reason: 'baseline' })
      t.equal(step(plan(), after, ready).state, after, 'and waits for somebody once it is well')
    }
    t.end()
  },
)

t.test('Nobody is rolled back onto a sick baseline: the rollout pauses instead.', (t) => {
  for (const baseline of [SICK, DOWN]) {
    const { state: after, decision } = step(
      plan(),
      state(),
      seen({ reports: [harmed()], baseline }),
    )
    t.match(after, { phase: 'paused', pausedBy: 'baseline' })
    t.match(decision, { action: 'pause', reason: 'baseline' })
    const well = step(plan(), after, seen({ reports: [harmed()] }))
    t.match(well.state, { phase: 'rolled-back' }, 'as soon as the baseline is well')
  }
  t.end()
})

t.test(
  'A provider error is not a failure: it keeps the step, with its reason, and rolls nobody back.',
  (t) => {
    const asked = report({
      ...{ name: 'gpu', kind: 'prometheus', verdict: 'error', error: 'connection refused' },
      outsideAlpha: true,
      limit: { max: 0.9, min: null, ticksBeyond: 9, baselineBeyond: false, tooFew: false },
      evidence: { harm: null, nonInferiority: null, stepNonInferiority: null, stepHarm: null },
    })
    const asking = plan({ analysis: { metrics: [ERRORS, GPU] } })
    for (const each of [state(), state(PAUSED('operator')), WATCHING]) {
      const { state: after, decision } = step(asking, each, seen({ reports: [report(), asked] }))
      t.equal(after.phase, each.phase)
      t.equal(after.weightBp, each.weightBp)
      if (each.phase === 'progressing') {
        t.match(decision, { action: 'hold', summary: /gpu.*connection refused/ })
      } else t.equal(decision, null)
    }
    t.end()
  },
)

t.test(
  'No traffic holds, with a reason, and is never counted as a failure or as a success.',
  (t) => {
    const quiet = { lastRequestAt: NOW - 60_000 }
    for (const reports of [[], [report()]]) {
      const { state: after, decision } = step(plan(), state(), seen({ ...quiet, reports }))
      t.match(after, { phase: 'progressing', step: 0, holdReason: 'no-traffic' })
      t.match(decision, { action: 'hold', reason: 'no-traffic', summary: /has no traffic/ })
      t.equal(step(plan(), after, seen({ ...quiet, reports })).decision, null, 'said once')
      t.equal(step(plan(), after, seen({ reports: [report()] })).decision?.action, 'advance')
    }
    t.end()
  },
)

t.test(
  'Nothing blocks a rollback: a failed metric rolls back in a pause, at an approval and during the watch.',
  (t) => {
    const phases = {
      step: state(),
      'a pause by hand': state(PAUSED('operator')),
      'a timed pause': state(PAUSED('timer', { resumeAt: NOW + 1 })),
      'an approval': state(PAUSED('approval')),
      'a pause for a mismatched ratio': state(PAUSED('ratio-mismatch')),
      'weights set by hand': state(PAUSED('override')),
      'the watch': WATCHING,
    }
    // No minimum of time, requests or traffic keeps it away either.
    const early = { stepCanaryUnits: 0, lastRequestAt: null }
    for (const [where, each] of Object.entries(phases)) {
      const { state: after, decision } = step(plan(), each, seen({ reports: [harmed()], ...early }))
      t.match(after, { phase: 'rolled-back', weightBp: 0 }, where)
      t.match(decision, { action: 'rollback', reason: 'errors' }, where)
    }
    t.end()
  },
)
