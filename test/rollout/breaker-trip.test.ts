import t from 'tap'
import { isTripOf, stepAfterTrip, tripOf } from '../../src/rollout/breaker-trip.ts'
import { step } from '../../src/rollout/step.ts'
import { PAUSED, plan, seen, state } from '../fakes/rollout.ts'

const TRIPPED = seen({
  breaker: {
    tripped: true,
    canary: { attempts: 50, failures: 50 },
    baseline: { attempts: 900, failures: 9 },
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
