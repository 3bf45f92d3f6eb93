import t from 'tap'
import {
  attentionOf,
  byAttention,
  concernOf,
} from '../../../src/admin/dashboard/overview/attention.ts'
import { presentSummary, type ServiceSummaryJson } from '../../../src/admin/present-summary.ts'
import { fakeState, fakeStatus, NOW } from '../fake-deps.ts'

const calm = presentSummary(fakeStatus())
const pause = { at: '', until: null, metric: null }

t.test('what wants somebody to look says why', (t) => {
  const down = { ...calm.figures['canary']!, healthy: 0 }
  for (const [change, concern] of [
    [{}, null],
    [{ figures: { ...calm.figures, canary: down } }, 'canary has no healthy upstream'],
    [{ figures: { canary: down }, weights: { canary: 0 } }, null],
    [{ phase: 'rolled-back', rolledBackReason: 'rmse' }, 'because of rmse'],
    [{ phase: 'paused', pause: { ...pause, by: 'approval' } }, 'waits for an approval'],
    [{ phase: 'paused', pause: { ...pause, by: 'operator' } }, 'by an operator'],
    [{ phase: 'paused', pause: { ...pause, by: 'metric', metric: 'rmse' } }, 'because of rmse'],
    [{ phase: 'paused', pause: { ...pause, by: 'timer' } }, null],
    [{ phase: 'idle', idleReason: 'manual-start' }, 'waits to be started'],
    [{ phase: 'idle', idleReason: 'canary-not-ready' }, 'the canary is not ready'],
    [{ verdicts: { rmse: 'failed', gpu: 'error' } }, 'rmse is worse'],
    [{ verdicts: { b: 'worse' } }, 'b is worse'],
    [{ verdicts: { gpu: 'error' } }, 'gpu cannot be read'],
  ] as const) {
    t.equal(concernOf({ ...calm, ...change } as ServiceSummaryJson), concern, String(concern))
  }
  t.end()
})

t.test('it comes before what moves, and that before what is quiet; among equals by name', (t) => {
  const named = (name: string, more: Partial<ServiceSummaryJson>) => ({ ...calm, name, ...more })
  const services = [
    named('d', { phase: 'promoted' }),
    named('c', {}),
    named('a', {}),
    named('b', { verdicts: { rmse: 'failed' } }),
    presentSummary(fakeStatus(null, 'e')),
  ]
  t.same(
    services.sort(byAttention).map((s) => `${s.name} ${attentionOf(s)}`),
    ['b 0', 'a 1', 'c 1', 'd 2', 'e 2'],
  )
  t.end()
})

t.test('a glance has the verdicts that decide, or say something', (t) => {
  const status = fakeStatus(fakeState({ phase: 'watching', watchUntil: NOW }))
  const [metric] = status.rollout!.metrics
  const metrics = [
    metric!,
    { ...metric!, name: 'guard', required: false },
    { ...metric!, name: 'gpu', required: false, verdict: 'error' as const },
  ]
  const { verdicts } = presentSummary({ ...status, rollout: { ...status.rollout!, metrics } })
  t.same(verdicts, { rmse: 'inconclusive', gpu: 'error' })
  t.end()
})
