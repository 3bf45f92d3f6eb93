import t from 'tap'
import {
  attentionOf,
  byAttention,
  concernOf,
} from '../../../src/admin/dashboard/overview/attention.ts'
import { verdictInAll, VERDICTS } from '../../../src/admin/dashboard/parts/words.ts'
import { presentComparison } from '../../../src/admin/present-comparison.ts'
import type { Comparison } from '../../../src/domain/comparison.ts'
import type { MetricReport } from '../../../src/domain/verdict.ts'
import { presentSummary, type ServiceSummaryJson } from '../../../src/admin/present-summary.ts'
import { fakeMetric, fakeState, fakeStatus, NOW } from '../fake-deps.ts'

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
    [{ verdicts: { gpu: 'error', p99: 'beyond-limit' } }, 'p99 is beyond its limit'],
    [{ verdicts: { income: 'shift' } }, 'income has shifted'],
    [{ verdicts: { income: 'no-shift', p99: 'within-limit' } }, null],
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

t.test('a challenger of which each metric only reports is no unknown', (t) => {
  const challenger = (required: boolean): Comparison => ({
    ...{ variant: 'canary', verdict: 'unknown', expectedShare: 0.5, etaSeconds: null },
    units: { baseline: 100, challenger: 100 },
    ratioMismatch: { log: -3, threshold: 7 },
    metrics: [{ report: fakeMetric({ required }), verdict: 'unknown', superiority: null }],
  })
  const sees = (required: boolean) => {
    const status = fakeStatus(null, 'svc')
    const comparisons = [challenger(required)]
    const experiment = {
      ...{ id: 'a#1', state: { revision: 1 } as never, winner: null },
      comparisons,
    }
    const seen = { ...status, experiment: { ...experiment, lastDecision: null } }
    return [
      VERDICTS[presentSummary(seen).verdicts['canary']!].word,
      verdictInAll(presentComparison(challenger(required))).word,
    ]
  }
  t.same(sees(true), ['not known yet', 'not known yet'])
  t.same(sees(false), ['no metric decides', 'no metric decides'])
  const mismatched = { ...challenger(false), ratioMismatch: { log: 8, threshold: 7 } }
  t.match(verdictInAll(presentComparison(mismatched)), { word: 'not to be relied on', tone: 'bad' })
  t.end()
})

t.test('a glance calls a limit that is kept no proof, and one that is broken no harm', (t) => {
  const status = fakeStatus()
  const [metric] = status.rollout!.metrics
  const { evidence } = metric!
  const alone = { ...evidence, harm: { log: 0, threshold: Infinity }, nonInferiority: null }
  const none = { ...alone, harm: null }
  const harm = { log: 5, threshold: 4.6 }
  const limit = { max: 5, min: null, ticksBeyond: 0, baselineBeyond: false, tooFew: false }
  const sees = (changes: Partial<MetricReport>) => {
    const metrics = [{ ...metric!, ...changes }]
    const { verdicts } = presentSummary({ ...status, rollout: { ...status.rollout!, metrics } })
    return verdicts['rmse']
  }
  const successful = { verdict: 'successful' } as const
  t.equal(sees(successful), 'successful')
  t.equal(sees({ ...successful, evidence: none }), 'within-limit', 'a threshold')
  t.equal(sees({ ...successful, evidence: alone, limit }), 'within-limit')
  t.equal(sees({ ...successful, limit }), 'successful', 'beside its comparison')
  t.equal(sees({ verdict: 'failed', evidence: none }), 'beyond-limit')
  t.equal(sees({ verdict: 'failed', evidence: { ...evidence, harm } }), 'failed')
  t.equal(sees({ kind: 'drift', verdict: 'failed', evidence: { ...evidence, harm } }), 'shift')
  t.equal(sees({ kind: 'drift' }), 'no-shift')
  t.equal(VERDICTS['within-limit'].word, 'within its limit')
  t.end()
})
