import t from 'tap'
import { carryRollback } from '../../src/rollout/carry-rollback.ts'
import { move, stay, type Transition } from '../../src/rollout/transition.ts'
import { state } from '../fakes/rollout.ts'

const NOW = 1_800_000_000_000
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
