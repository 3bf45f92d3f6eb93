import t from 'tap'
import { verbsOf } from '../../../src/admin/dashboard/verbs/verbs.ts'
import { presentService } from '../../../src/admin/present.ts'
import type { RolloutState } from '../../../src/domain/rollout-state.ts'
import { fakeState, fakeStatus, NOW } from '../fake-deps.ts'

const labels = (state: Partial<RolloutState> | null): readonly string[] => {
  const service = presentService(fakeStatus(state === null ? null : fakeState(state), 'svc'))
  return verbsOf(service).map(({ label }) => label)
}

const paused = (pausedBy: 'approval' | 'timer' | 'operator' | 'metric') =>
  ({ phase: 'paused', pausedBy, pausedAt: NOW, resumeAt: null, pausedMetric: null }) as const

t.test('each phase offers what it can be asked for, and nothing else', (t) => {
  const watching = { phase: 'watching', watchUntil: NOW } as const
  const rolledBack = { phase: 'rolled-back', rolledBackAt: NOW, rolledBackReason: 'rmse' } as const
  for (const [state, expected] of [
    [{ phase: 'idle', idleReason: 'manual-start' }, ['Start', 'Abort']],
    [{ phase: 'progressing' }, ['Promote', 'Pause', 'Set weight', 'Abort']],
    [paused('approval'), ['Approve', 'Set weight', 'Abort']],
    [paused('timer'), ['Promote', 'Pause', 'Set weight', 'Abort']],
    [paused('operator'), ['Resume', 'Promote', 'Set weight', 'Abort']],
    [paused('metric'), ['Resume', 'Promote', 'Set weight', 'Abort']],
    [watching, ['End the watch', 'Undo']],
    [{ phase: 'promoted', promotedAt: NOW }, ['Undo']],
    [rolledBack, ['Retry']],
  ] as const) {
    t.same(labels(state as Partial<RolloutState>), expected, state.phase)
  }
  t.end()
})

t.test('a fixed split is promoted by the name of its winner, and taken back', (t) => {
  const fixed = presentService(fakeStatus(null, 'svc'))
  t.same(verbsOf(fixed), [], 'before its state is known')
  const known = { ...fixed, revision: 1 }
  t.match(verbsOf(known), [
    { name: 'promote', variant: 'baseline', label: 'Promote baseline' },
    { name: 'promote', variant: 'canary' },
  ])
  t.match(verbsOf({ ...known, winner: 'canary' }), [{ name: 'undo' }])
  t.same(
    verbsOf({ ...presentService(fakeStatus()), phase: null }),
    [],
    'a rollout that is not read yet',
  )
  t.end()
})
