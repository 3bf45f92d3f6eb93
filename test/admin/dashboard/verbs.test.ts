import t from 'tap'
import { verbsOf } from '../../../src/admin/dashboard/verbs/verbs.ts'
import { presentComparison } from '../../../src/admin/present-comparison.ts'
import { presentMetric } from '../../../src/admin/present-metric.ts'
import { presentService } from '../../../src/admin/present.ts'
import type { Comparison } from '../../../src/domain/comparison.ts'
import type { RolloutState } from '../../../src/domain/rollout-state.ts'
import { fakeMetric, fakeState, fakeStatus, NOW } from '../fake-deps.ts'

const labels = (state: Partial<RolloutState> | null): readonly string[] => {
  const service = presentService(fakeStatus(state === null ? null : fakeState(state), 'svc'))
  return verbsOf(service).map(({ label }) => label)
}

const comparison = (variant: string, verdict: Comparison['verdict'], log = -3): Comparison => ({
  ...{ variant, verdict, expectedShare: 0.5, etaSeconds: null },
  units: { baseline: 100, challenger: 100 },
  ratioMismatch: { log, threshold: 7 },
  metrics: [
    { report: fakeMetric(), verdict, superiority: null },
    { report: fakeMetric({ name: 'guard' }), verdict: null, superiority: null },
  ],
})

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
    [paused('metric'), ['Abort', 'Resume', 'Promote', 'Set weight']],
    [watching, ['End the watch', 'Undo']],
    [{ phase: 'promoted', promotedAt: NOW }, ['Undo']],
    [rolledBack, ['Retry']],
  ] as const) {
    t.same(labels(state as Partial<RolloutState>), expected, state.phase)
  }
  t.end()
})

t.test('after a pause by a metric nothing stands out but to take the canary off', (t) => {
  const tones = (by: 'operator' | 'metric') => {
    const service = presentService(fakeStatus(fakeState(paused(by)), 'svc'))
    return Object.fromEntries(verbsOf(service).map(({ name, tone }) => [name, tone]))
  }
  t.match(tones('metric'), { abort: 'urgent', resume: 'plain', promote: /plain|bad/ })
  t.match(tones('operator'), { abort: 'bad', resume: 'good' })
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

t.test('a promotion says what the evidence says, and what it warns of looks so', async (t) => {
  const fixed = { ...presentService(fakeStatus(null, 'svc')), revision: 1 }
  const promotionsOf = (...comparisons: Comparison[]) =>
    verbsOf({ ...fixed, comparisons: comparisons.map(presentComparison) }).map(
      ({ tone, evidence }) => [tone, evidence?.says],
    )
  const none = 'No challenger is shown to be better than the baseline.'
  const figures = 'rmse 3.02 against 3.1'
  for (const [verdict, ofBaseline, tone, says] of [
    ['worse', none, 'bad', `canary is shown to be worse than the baseline: ${figures}.`],
    [
      'unknown',
      none,
      'plain',
      `Not known yet whether canary is no worse than the baseline: ${figures}.`,
    ],
    ['no-worse', none, 'good', 'canary is shown to be no worse than the baseline.'],
    [
      ...(['better', 'Shown to be better than the baseline: canary.', 'good'] as const),
      `canary is shown to be better than the baseline: ${figures}.`,
    ],
  ] as const) {
    t.same(promotionsOf(comparison('canary', verdict)), [
      ['plain', ofBaseline],
      [tone, says],
    ])
  }
  t.same(promotionsOf(comparison('canary', 'better', 8)), [
    ['plain', none],
    ['plain', 'The comparison of canary is not to be relied on: the split is not as drawn.'],
  ])
  const open = comparison('canary', 'unknown')
  const metrics = open.metrics.map((m) => ({ ...m, report: { ...m.report, required: false } }))
  t.same(promotionsOf({ ...open, metrics }), [
    ['plain', none],
    ['plain', 'No metric decides on canary: each only warns or reports.'],
  ])
  t.same(
    promotionsOf().map(([, says]) => says),
    [undefined, undefined],
    'nothing is compared',
  )
})

t.test('so does the next step of a canary', async (t) => {
  const service = presentService(fakeStatus())
  const promote = (...metrics: Parameters<typeof fakeMetric>[0][]) => {
    const presented = metrics.map((metric) => presentMetric(fakeMetric(metric)))
    const [{ tone, evidence } = { tone: null }] = verbsOf({ ...service, metrics: presented })
    return [tone, evidence?.says]
  }
  const [open, fine] = [{ name: 'errors' }, { name: 'rmse', verdict: 'successful' as const }]
  const worse = { name: 'latency', verdict: 'failed' as const }
  t.same(promote(open, fine), ['good', 'Not known yet whether the canary is no worse: errors.'])
  t.same(promote(open, worse), ['bad', 'The canary is worse: latency.'])
  t.same(promote(fine, { ...open, required: false }), ['good', undefined])
})
