import t from 'tap'
import type { DecisionAction, Phase } from '../../src/domain/decision.ts'
import { eventOf, NOTIFY_EVENTS, type NotifyEvent } from '../../src/domain/notify.ts'

/** Every action with the phases that it may lead to, and what the notified are told it is. */
const TABLE: readonly (readonly [DecisionAction, Phase, NotifyEvent])[] = [
  ['start', 'progressing', 'started'],
  ['start', 'paused', 'started'],
  ['retry', 'progressing', 'started'],
  ['retry', 'idle', 'started'],
  ['advance', 'progressing', 'advanced'],
  ['advance', 'paused', 'paused'],
  ['pause', 'paused', 'paused'],
  ['override', 'paused', 'paused'],
  ['resume', 'progressing', 'resumed'],
  ['resume', 'watching', 'resumed'],
  ['promote', 'watching', 'watching'],
  ['promote', 'promoted', 'promoted'],
  ['rollback', 'rolled-back', 'rolled-back'],
  ['undo', 'rolled-back', 'rolled-back'],
  ['hold', 'progressing', 'held'],
  ['hold', 'rolled-back', 'held'],
  ['verdict', 'progressing', 'verdict'],
]

t.test('every decision is one event, and every event is some decision', (t) => {
  for (const [action, phase, event] of TABLE) {
    t.equal(eventOf({ action, to: { phase, step: 0, weights: {} } }), event, `${action} ${phase}`)
  }
  t.same([...new Set(TABLE.map(([, , event]) => event))].sort(), [...NOTIFY_EVENTS].sort())
  t.end()
})
