import t from 'tap'
import type { Confirmation } from '../../src/rollout/observation.ts'
import { promotionCandidate } from '../../src/rollout/promotion-candidate.ts'
import { step } from '../../src/rollout/step.ts'
import { viewOf } from '../../src/rollout/view.ts'
import {
  command,
  confirmedPlan,
  harmed,
  moved,
  NOW,
  PAUSED,
  plan,
  report,
  seen,
  state,
} from '../fakes/rollout.ts'
import { weightSteps } from '../fakes/simulated-service.ts'

/** The last step before 100 %, with everything proved. */
const ready = state({ phase: 'progressing' }, { step: 2, weightBp: 5000 })
const unproved = report({
  evidence: { ...report().evidence, nonInferiority: { log: 1, threshold: 3 } },
})

t.test('without a yes the step to 100 % is not made, and that is said once', (t) => {
  for (const confirmation of ['not-asked', 'refused'] as const) {
    const { state: after, decision } = step(confirmedPlan(), ready, seen({ confirmation }))
    t.match(after, { phase: 'progressing', weightBp: 5000, holdReason: 'confirmation' })
    t.match(decision, { action: 'hold', reason: 'confirmation' })
    t.match(decision!.summary, /^Holding at 50 %: all is ready for 100 %; a confirmation: .+\.$/)
    t.equal(step(confirmedPlan(), after, seen({ confirmation: 'refused' })).decision, null)
  }
  const yes = step(confirmedPlan(), ready, seen({ confirmation: 'given' }))
  t.match(yes, { state: { phase: 'watching' }, decision: { action: 'promote' } })
  t.end()
})

t.test('nobody is asked for a lower step, and without confirm-promotion for none', (t) => {
  t.match(step(confirmedPlan(), state(), seen()).state, { step: 1, weightBp: 2000 })
  t.equal(promotionCandidate(confirmedPlan(), state(), seen()), null)
  t.match(step(plan(), ready, seen()).state, { phase: 'watching' })
  t.equal(promotionCandidate(plan(), ready, seen()), null)
  t.same(viewOf(plan(), ready, seen(), null).missing, [])
  t.end()
})

t.test(
  'the candidate is the promotion as it would be logged, once nothing else is missing',
  (t) => {
    t.match(promotionCandidate(confirmedPlan(), ready, seen()), {
      at: NOW,
      service: 'svc',
      rollout: '1.4->2.0#1',
      action: 'promote',
      reason: 'evidence',
      summary: /^Promoted from 50 % to 100 %/,
      from: { phase: 'progressing', step: 2, weights: { canary: 50 } },
      to: { phase: 'watching', step: 3, weights: { canary: 100 } },
      metrics: [{ name: 'errors' }],
    })
    const candidate = (change: Parameters<typeof seen>[0]) =>
      promotionCandidate(confirmedPlan(), ready, seen(change))
    t.equal(candidate({ reports: [unproved] }), null, 'not proved')
    t.equal(candidate({ reports: [harmed()] }), null, 'rolled back')
    t.equal(candidate({ stepCanaryUnits: 0 }), null, 'too few')
    const watching = state({ phase: 'watching', watchUntil: NOW }, { step: 3, weightBp: 10_000 })
    t.equal(promotionCandidate(confirmedPlan(), watching, seen()), null, 'the watch is asked about')
    t.end()
  },
)

t.test('what is missing says that a yes is, and nothing of it before its time', (t) => {
  const missing = (confirmation: Confirmation) =>
    viewOf(confirmedPlan(), ready, seen({ confirmation }), null).missing
  t.same(missing('not-asked'), ['a confirmation: `confirm-promotion` is being asked'])
  t.match(missing('refused'), [/^a confirmation: .* has not said yes \(asked again every 10 s\)$/])
  t.same(missing('given'), [])
  const early = viewOf(confirmedPlan(), ready, seen({ stepCanaryUnits: 3 }), null).missing
  t.same(early, ['3 of 100 canary requests judged in this step'])
  t.same(viewOf(confirmedPlan(), ready, null, null).missing, [])
  t.end()
})

t.test('a timed pause before 100 % ends with a yes alone', (t) => {
  const steps = [
    ...weightSteps([50]),
    { kind: 'pause', durationMs: 1000 } as const,
    ...weightSteps([100]),
  ]
  const timed = confirmedPlan({ spec: { steps } })
  const due = state(PAUSED('timer', { resumeAt: NOW }), { step: 1, weightBp: 5000 })
  const held = step(timed, due, seen())
  t.match(held, { state: { phase: 'paused', pausedBy: 'timer' }, decision: { action: 'hold' } })
  t.same(viewOf(timed, held.state, seen(), null).missing, [
    'a confirmation: `confirm-promotion` is being asked',
  ])
  const early = { ...due, resumeAt: NOW + 1 }
  t.match(viewOf(timed, early, seen(), null).missing, [/the pause has to pass/])
  t.match(step(timed, held.state, seen({ confirmation: 'given' })).state, { phase: 'watching' })
  t.end()
})

t.test('a promotion because the time is over is confirmed too', (t) => {
  const late = confirmedPlan({ spec: { maxDurationMs: 1000, onInconclusive: 'promote' } })
  const open = seen({ reports: [unproved] })
  t.match(step(late, ready, open).decision, { action: 'hold', reason: 'confirmation' })
  t.match(promotionCandidate(late, ready, open), { action: 'promote', reason: 'max-duration' })
  t.match(step(late, ready, { ...open, confirmation: 'given' }).state, { phase: 'watching' })
  t.end()
})

t.test('waiting for a yes is not being inconclusive: the time that is over ends no wait', (t) => {
  const spec = { maxDurationMs: 1000, onInconclusive: 'rollback' } as const
  t.match(step(confirmedPlan({ spec }), ready, seen()).state, { phase: 'progressing' })
  t.end()
})

t.test('a rollback does not wait for a yes, and a command needs none', (t) => {
  const waiting = step(confirmedPlan(), ready, seen()).state
  const after = step(confirmedPlan(), waiting, seen({ reports: [harmed()] })).state
  t.match(after, { phase: 'rolled-back', weightBp: 0 })
  const ordered = moved(step(confirmedPlan(), waiting, seen(), command('promote')))
  t.match(ordered.state, { phase: 'watching', weightBp: 10_000 })
  t.end()
})
