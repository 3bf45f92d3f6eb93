import t from 'tap'
import { NO_PAST, reconcile } from '../../src/rollout/reconcile.ts'
import { step } from '../../src/rollout/step.ts'
import { activeMs } from '../../src/rollout/transition.ts'
import { viewOf } from '../../src/rollout/view.ts'
import { command, moved, NOW, plan, PAUSED, seen, state } from '../fakes/rollout.ts'
import { weightSteps } from '../fakes/simulated-service.ts'

t.test(
  'a watch that was paused by a sick baseline is taken up again, by resume and by promote',
  (t) => {
    const watching = state(
      { phase: 'watching', watchUntil: NOW + 1000 },
      { step: 3, weightBp: 10_000 },
    )
    const baseline = { ready: true, downForMs: 0, failing: true }
    const down = { ready: false, downForMs: 10_000, failing: false }
    const paused = step(plan(), watching, seen({ canary: down, baseline })).state
    t.match(paused, { phase: 'paused', pausedBy: 'baseline', weightBp: 10_000, step: 3 })
    for (const verb of ['resume', 'promote'] as const) {
      const { state: after } = moved(step(plan(), paused, seen(), command(verb)))
      t.match(
        after,
        { phase: 'watching', watchUntil: NOW + 10_000, weightBp: 10_000, step: 3 },
        verb,
      )
    }
    t.end()
  },
)

t.test('fewer steps during the watch leave it at the last one', (t) => {
  const watching = state(
    { phase: 'watching', watchUntil: NOW + 1000 },
    { step: 3, weightBp: 10_000 },
  )
  const fewer = plan({ spec: { steps: weightSteps([50, 100]) } })
  const next = moved(reconcile(fewer, watching, { now: NOW, past: NO_PAST, actor: 'ops' }))
  t.match(next, { decision: null, state: { phase: 'watching', step: 1, weightBp: 10_000 } })
  t.equal(viewOf(fewer, next.state, null, null).stepKind, 'weight')
  t.end()
})

t.test('pauses of before do not lengthen a rollout that begins again', (t) => {
  const before = state(PAUSED('baseline'), { pausedMs: 3_600_000 })
  const changed = plan({ spec: { steps: weightSteps([50, 100]) } })
  const idle = moved(reconcile(changed, before, { now: NOW, past: NO_PAST, actor: 'ops' })).state
  t.equal(idle.phase, 'idle')
  const byItself = step(changed, idle, seen()).state
  const byHand = moved(step(changed, idle, seen(), command('promote'))).state
  for (const started of [byItself, byHand]) t.equal(activeMs(started, NOW + 5000), 5000)
  t.end()
})
