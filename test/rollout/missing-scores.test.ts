import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import type { MetricReport } from '../../src/domain/verdict.ts'
import { missingFor } from '../../src/rollout/missing.ts'
import { step } from '../../src/rollout/step.ts'
import { plan, report, seen, state } from '../fakes/rollout.ts'
import { ACCURACY, ERRORS, RMSE } from '../fakes/simulated-service.ts'

const LOSS: MetricSpec = { ...RMSE, name: 'loss', kind: 'log-loss' }

function sentences(
  metric: MetricSpec,
  reports: readonly MetricReport[],
  acknowledged: readonly string[] = [],
): readonly string[] {
  const of = plan({ analysis: { metrics: [ERRORS, metric] } })
  const at = state({ phase: 'progressing' }, { acknowledged })
  return missingFor(of, at, seen({ reports })).map(({ sentence }) => sentence)
}

/** A metric of labels with all it needs, but for labels that it cannot score. */
function withUnscored(labels: number, of: number, segment?: string): readonly MetricReport[] {
  const at = segment === undefined ? '' : `@${segment}`
  const proved = report({ name: `loss${at}`, segment, kind: 'log-loss' })
  const unscored = { labels, of }
  const guard = report({
    name: `loss/label-missing${at}`,
    segment,
    kind: 'label-missing',
    unscored,
  })
  return [report({ name: 'loss' }), ...(segment === undefined ? [] : [proved]), guard]
}

t.test('A step is held while a metric cannot score more than 5 % of its labels.', (t) => {
  const said =
    'loss: 412 of 825 labels cannot be scored: log-loss takes a label of 0 or 1 and a prediction from 0 to 1'
  t.same(sentences(LOSS, withUnscored(412, 825)), [said])
  t.same(sentences(LOSS, withUnscored(51, 1000)).length, 1)
  t.same(sentences(LOSS, withUnscored(50, 1000)), [])
  const { decision, state: after } = step(
    plan({ analysis: { metrics: [ERRORS, LOSS] } }),
    state(),
    seen({ reports: withUnscored(412, 825) }),
  )
  t.match(decision, {
    action: 'hold',
    reason: 'unscored',
    summary: `Holding at 5 %: ${said}.`,
  })
  t.match(after, { phase: 'progressing', step: 0, holdReason: 'unscored' })
  t.end()
})

t.test('Where this process has seen one of them, it is told.', (t) => {
  const labels = (last: { label: number; prediction: number } | null) =>
    new Map([['loss', { labels: 0, of: 1, last }]])
  const of = plan({ analysis: { metrics: [ERRORS, LOSS] } })
  const reports = withUnscored(412, 825)
  const said = (last: { label: number; prediction: number } | null) =>
    missingFor(of, state(), seen({ reports, labels: labels(last) }))[0]!.sentence
  t.match(
    said({ label: 1, prediction: 83 }),
    /: a label of 1 for a prediction of 83; log-loss takes/,
  )
  t.match(said(null), /scored: log-loss takes/)
  t.end()
})

t.test('That is said before the labels that are counted in vain.', (t) => {
  const [, guard] = withUnscored(800, 800)
  const reports = [report({ name: 'loss', stepCanaryN: 0 }), guard!]
  const of = plan({ analysis: { metrics: [ERRORS, LOSS] } })
  t.match(step(of, state(), seen({ reports })).decision, { reason: 'unscored' })
  t.match(sentences(LOSS, reports), [/^loss: 800 of 800/, /^loss: 0 of 100 canary labels/])
  t.end()
})

t.test('A segment is held apart.', (t) => {
  t.match(sentences(LOSS, withUnscored(9, 10, 'gold')), [/^loss@gold: 9 of 10 labels/])
  t.end()
})

t.test('What decides nothing holds nothing.', (t) => {
  const reports = withUnscored(412, 825)
  t.same(sentences({ ...LOSS, mode: 'report' }, reports), [])
  t.same(sentences({ ...LOSS, onFailure: 'warn' }, reports), [])
  t.same(sentences(LOSS, reports, ['loss']), [], 'an operator has resumed past it')
  t.match(sentences(LOSS, reports, ['loss/label-missing']), [/^loss: 412 of 825/])
  t.end()
})

t.test('An accuracy that no prediction of either variant ever hits holds, and says why.', (t) => {
  const zero = (n: number) => ({ value: 0, n })
  const accuracy = (change: Partial<MetricReport>) =>
    sentences(
      ACCURACY,
      [
        report({ name: 'accuracy', kind: 'accuracy', canary: zero(100), baseline: zero(1900) }),
        report({ name: 'accuracy', kind: 'accuracy', ...change }),
      ].slice(Object.keys(change).length === 0 ? 0 : 1),
    )
  t.same(accuracy({}), [
    'accuracy: no prediction equals its label (2,000 labels): accuracy compares classes; a score needs log-loss',
  ])
  t.same(accuracy({ canary: zero(99), baseline: zero(1900) }), [], 'too few labels to say so')
  t.same(accuracy({ canary: { value: 0.01, n: 100 }, baseline: zero(1900) }), [])
  t.same(accuracy({ canary: zero(100), baseline: { value: 0.01, n: 1900 } }), [])
  t.same(sentences(ACCURACY, []), [], 'nothing is known of it')
  t.end()
})
