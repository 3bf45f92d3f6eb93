import t from 'tap'
import { carryRollback, isTripOf, stepAfterTrip, tripOf } from '../../src/rollout/breaker-trip.ts'
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
  const carried = carryRollback(rollback, stored)!
  t.match(carried.state, { phase: 'rolled-back', weightBp: 0, revision: 41, step: 1 })
  t.equal(carried.decision, rollback.decision)
  t.end()
})

t.test('It is over with its attempt, and where the canary has nothing or is promoted.', (t) => {
  t.equal(carryRollback(null, state()), null)
  t.equal(carryRollback(stay(state()), state()), null)
  t.equal(carryRollback(rollback, state({ phase: 'progressing' }, { attempt: 9 })), null)
  t.equal(carryRollback(rollback, state({ phase: 'progressing' }, { weightBp: 0 })), null)
  t.equal(carryRollback(rollback, state({ phase: 'promoted', promotedAt: NOW })), null)
  t.end()
})
