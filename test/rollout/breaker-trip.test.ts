import t from 'tap'
import type { RolloutState } from '../../src/domain/rollout-state.ts'
import { carryRollback, isTripOf, stepAfterTrip, tripOf } from '../../src/rollout/breaker-trip.ts'
import { abort } from '../../src/rollout/obey.ts'
import { step } from '../../src/rollout/step.ts'
import { move, stay, type Transition } from '../../src/rollout/transition.ts'
import { NOW, PAUSED, plan, seen, state } from '../fakes/rollout.ts'

const TRIPPED = seen({
  breaker: {
    tripped: true,
    canary: { attempts: 50, failures: 50, clientErrors: 0 },
    baseline: { attempts: 900, failures: 9, clientErrors: 0 },
  },
})

t.test('a replica whose breaker has tripped says in which state, and in its own words', (t) => {
  const transition = step(plan(), state(), TRIPPED)
  const trip = tripOf(state(), transition)!
  t.match(trip, { service: 'svc', rollout: '1.4->2.0#1', revision: 7, summary: /50/ })
  t.equal(isTripOf(trip, state()), true)
  t.equal(isTripOf(trip, state(undefined, { revision: 8 })), false, 'something was decided since')
  t.equal(isTripOf(trip, state(undefined, { attempt: 2 })), false)
  t.equal(isTripOf({ ...trip, service: 'other' }, state()), false)
  t.equal(tripOf(state(), null), null)
  t.equal(tripOf(state(), step(plan(), state(), seen())), null)
  const down = { ready: false, downForMs: 60_000, failing: false }
  t.equal(tripOf(state(), step(plan(), state(), seen({ canary: down }))), null)
  t.end()
})

t.test('the trip of another replica is decided as the own one, and named', (t) => {
  const trip = { replica: 'b', summary: '50 of 50 requests failed' }
  const { state: after, decision } = stepAfterTrip(plan(), state(), seen(), trip)
  t.equal(after.phase, 'rolled-back')
  t.match(decision, { action: 'rollback', reason: 'breaker', actor: 'breaker@b' })
  t.equal(decision!.summary, trip.summary)
  t.strictSame(stepAfterTrip(plan(), state(), seen(), null), step(plan(), state(), seen()))
  t.end()
})

t.test('where the baseline fails as well, or nothing is served, a trip rolls nothing back', (t) => {
  const trip = { replica: 'b', summary: 'failed' }
  const baseline = { ready: true, downForMs: 0, failing: true }
  const sick = stepAfterTrip(plan(), state(), seen({ baseline }), trip)
  t.match(sick, {
    state: { phase: 'paused' },
    decision: { reason: 'baseline', actor: 'evaluator' },
  })
  const paused = state(PAUSED('operator'))
  t.equal(stepAfterTrip(plan(), paused, seen({ baseline }), trip).decision, null)
  t.end()
})

const rollback = move(
  state(),
  { phase: 'rolled-back', rolledBackAt: NOW, rolledBackReason: 'breaker' },
  { weightBp: 0 },
  { action: 'rollback', reason: 'breaker', actor: 'evaluator', note: null, summary: 'it fails' },
) as Transition

t.test('A rollback that could not be stored goes on from what is stored now.', (t) => {
  const stored = state({ phase: 'progressing' }, { revision: 40, step: 1 })
  const carried = carryRollback(rollback, stored, state())!
  // The plan may have fewer steps by now: as after any other rollback none is current.
  t.match(carried.state, { phase: 'rolled-back', weightBp: 0, revision: 41, step: 0 })
  t.equal(carried.decision, rollback.decision)
  t.end()
})

t.test('It is over with its attempt, and where the canary has nothing or is promoted.', (t) => {
  const isCarried = (stored: RolloutState, known = state()) =>
    carryRollback(rollback, stored, known) !== null
  const promoted = state({ phase: 'promoted', promotedAt: NOW })
  const waiting = state({ phase: 'progressing' }, { weightBp: 0 })
  t.equal(carryRollback(null, state(), state()), null)
  t.equal(carryRollback(stay(state()), state(), state()), null)
  t.equal(isCarried(state({ phase: 'progressing' }, { attempt: 9 })), false)
  t.equal(isCarried(waiting), false)
  t.equal(isCarried(promoted), false)
  t.equal(isCarried(rollback.state, waiting), false, 'it is rolled back')
  t.equal(isCarried(waiting, waiting), true, 'it was so when it was rolled back')
  t.equal(isCarried(promoted, promoted), true)
  t.end()
})

const ABORT = { actor: 'ops', note: 'complaints' }

t.test('An abort that a replica could not store is told with who gave it, and why.', (t) => {
  const transition = abort(state(), { now: NOW }, ABORT)
  const trip = tripOf(state(), transition)!
  t.match(trip, { service: 'svc', rollout: '1.4->2.0#1', revision: 7, abort: ABORT })
  t.equal(isTripOf(trip, state()), true)
  const undo = { ...transition, decision: { ...transition.decision!, action: 'undo' as const } }
  t.equal(tripOf(state(), undo), null)
  t.end()
})

t.test('It is carried out as if it had been given where it is decided.', (t) => {
  const trip = { replica: 'b', summary: 'at 5 %', abort: ABORT }
  const paused = state(PAUSED('operator'))
  const baseline = { ready: true, downForMs: 0, failing: true }
  for (const each of [seen(), seen({ baseline })]) {
    t.match(stepAfterTrip(plan(), paused, each, trip), {
      state: { phase: 'rolled-back', weightBp: 0, rolledBackReason: 'operator', revision: 8 },
      decision: { action: 'rollback', reason: 'operator', ...ABORT, summary: /^ops aborted / },
    })
  }
  const twice = stepAfterTrip(plan(), rollback.state, seen(), trip)
  t.equal(twice.decision, null)
  t.end()
})
