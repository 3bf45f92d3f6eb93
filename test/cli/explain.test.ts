import t, { type Test } from 'tap'
import type { Comparison } from '../../src/domain/comparison.ts'
import type { Decision } from '../../src/domain/decision.ts'
import type { RolloutState } from '../../src/domain/rollout-state.ts'
import type { MetricReport, RatioInterval } from '../../src/domain/verdict.ts'
import type { ExperimentView } from '../../src/rollout/experiment-view.ts'
import {
  createFakeDeps,
  fakeDecision,
  fakeMetric,
  fakeState,
  fakeStatus,
  NOW,
} from '../admin/fake-deps.ts'
import { run, serveAdmin } from './fake-io.ts'

/** What `serin explain` says of a decision, in one line; its breaks are those of 80 columns. */
async function explain(t: Test, decision: Decision): Promise<string> {
  const admin = await serveAdmin(t, createFakeDeps({ decision: async () => decision }))
  const { stdout } = await run(['explain', 'credit-risk', '17', '--admin', admin])
  return stdout.replace(/\s+/g, ' ')
}

t.test('An interval says what the canary is, or which changes are excluded.', async (t) => {
  const cases: readonly [estimate: number, lower: number, upper: number, said: string][] = [
    [1.16, 1.08, 1.25, '1.16: the canary is between 8 % and 25 % higher.'],
    [1.16, 1.08, Infinity, '1.16: the canary is at least 8 % higher.'],
    [0.395, 0.145, 0.857, '0.395: the canary is between 14.3 % and 85.5 % lower.'],
    [0.00254, 0.002, 0.003, '0.00254: the canary is between 99.7 % and 99.8 % lower.'],
    [0.00001, 0.000004, 0.00003, '0.00001: the canary is between 99.997 % and 99.9996 % lower.'],
    [0, 0, 0.1, '0: the canary is at least 90 % lower.'],
    [0.5, 0.49999, 0.50001, '0.5: the canary is about 50 % lower.'],
    [0.92, 0.79, 1.0722, '0.92: a rise of 7.22 % or more and a fall of 21 % or more are excluded.'],
    [0.92, 0, 1.07, '0.92: a rise of 7 % or more is excluded.'],
    [0.92, 0.79, Infinity, '0.92: a fall of 21 % or more is excluded.'],
    [
      2,
      0.5,
      152.38,
      "2: a rise to 152 times the baseline's or more and a fall of 50 % or more are",
    ],
    [8, 3, 40, "8: the canary is between 200 % higher and 40 times the baseline's."],
    [20, 12, 40, "20: the canary is between 12 times and 40 times the baseline's."],
    [20, 12, Infinity, "20: the canary is at least 12 times the baseline's."],
    [NaN, 0, Infinity, 'not known yet: nothing is excluded yet.'],
  ]
  const ratio = ([estimate, lower, upper]: (typeof cases)[number]): RatioInterval => ({
    ...{ estimate, lower, upper },
    method: 'exact',
  })
  const rare = { value: 0.001, n: 1000 }
  const metrics = cases.map((each) =>
    fakeMetric({ kind: 'error-rate', baseline: rare, canary: rare, ratio: ratio(each) }),
  )
  const said = await explain(t, fakeDecision({ metrics }))
  for (const [, , , text] of cases) t.match(said, `Canary over baseline is ${text}`)
  const ofMeans = { estimate: 1.16, lower: 1.08, upper: 1.25, method: 'asymptotic' } as const
  const means = [ofMeans, { ...ofMeans, level: 0.95 }].map((each) => fakeMetric({ ratio: each }))
  const approximate = await explain(t, fakeDecision({ metrics: means }))
  t.match(approximate, 'and 25 % higher (an approximation, for reading only).')
  t.match(approximate, 'and 25 % higher (an approximation at 95 %, for reading only).')
})

t.test('A ratio that is not the quotient of the values says why.', async (t) => {
  const mixed =
    'It is taken weight by weight and lies within its interval; the two values above are of all weights.'
  const of = (canary: number) =>
    fakeMetric({
      kind: 'error-rate',
      baseline: { value: 0.002, n: 1000 },
      canary: { value: canary, n: 500 },
      ratio: { estimate: 4, lower: 0.5, upper: Infinity, method: 'exact' },
    })
  t.match(await explain(t, fakeDecision({ metrics: [of(0.004)] })), `is excluded. ${mixed}`)
  for (const canary of [0.0079, 0]) {
    t.notMatch(await explain(t, fakeDecision({ metrics: [of(canary)] })), mixed)
  }
})

t.test('Evidence that is not there yet never reads as what decides.', async (t) => {
  const evidence = { ...fakeMetric().evidence, nonInferiority: { log: 2.98, threshold: 2.9957 } }
  const said = await explain(t, fakeDecision({ metrics: [fakeMetric({ evidence })] }))
  t.match(said, 'e^3.0 ≈ nearly 20 : 1; 20 : 1 is needed: not shown.')
})

t.test('Beside large shares their difference is told, and why the interval is wide.', async (t) => {
  const conversion = fakeMetric({
    ...{ name: 'conversion', kind: 'conversion', better: 'higher' },
    ...{ baseline: { value: 0.464, n: 687 }, canary: { value: 0.462, n: 396 } },
    ratio: { estimate: 0.956, lower: 0.682, upper: 2.2, method: 'exact', level: 0.99 },
  })
  const said = await explain(t, fakeDecision({ metrics: [conversion] }))
  t.match(
    said,
    "The canary's share is 0.2 percentage points lower. The interval is read from whose",
  )
  t.match(said, 'Canary over baseline is 0.956: a fall of 31.8 % or more is excluded.')
  const same = fakeMetric({ ...conversion, canary: conversion.baseline })
  const equal = await explain(t, fakeDecision({ metrics: [same] }))
  t.match(equal, "The canary's share is as large. The interval")
})

t.test('A metric is told by what its failure does, and by what it failed.', async (t) => {
  const shown = { ...fakeMetric().evidence, harm: { log: 5, threshold: 4.6 } }
  const limit = { max: 5, min: null, ticksBeyond: 3, baselineBeyond: false, tooFew: false }
  const metric = (name: string, changes: Partial<MetricReport>) => fakeMetric({ name, ...changes })
  const guard = { kind: 'label-missing', required: false, onFailure: 'pause' } as const
  const margins = { harm: 0.5, proof: null }
  const metrics = [
    metric('by-evidence', { verdict: 'failed', evidence: shown }),
    metric('by-both', { verdict: 'failed', evidence: shown, limit }),
    metric('by-limit', { verdict: 'failed', limit }),
    metric('asks', { onFailure: 'pause' }),
    metric('rmse/label-missing', {
      ...{ ...guard, verdict: 'failed', evidence: shown },
      unreadable: 'no prediction could be read from 98 of 100 answers of the canary: does it?',
    }),
    metric('client-error', { ...guard, kind: 'client-error', margins, evidence: shown }),
    metric('told', { required: false, onFailure: 'warn' }),
    metric('shadow', { ...guard, kind: 'rmse', evidence: { ...shown, harm: null } }),
    metric('shift', { kind: 'drift', onFailure: 'pause', drift: null }),
  ]
  const said = await explain(t, fakeDecision({ metrics }))
  for (const text of [
    'by-evidence (rmse): shown to be worse. The',
    'by-both (rmse): shown to be worse. The',
    'by-limit (rmse): beyond its limit. The',
    'asks (rmse, pauses): nothing is shown yet.',
    'rmse/label-missing (label-missing, pauses): shown to be worse.',
    'It guards rmse: the share of requests for which no label came within its window (for the mean of an event: no such event), failed ones among them, counted over the whole attempt. An outage of the sender stays in it after they come again; only a difference between the two counts. Beside it, no prediction could be read from 98 of 100 answers of the canary: does it?',
    'client-error (client-error, pauses): shown to be worse, by too little to act on.',
    'It guards all others: the share of answers with a 4xx that `errors.statuses` does not name. It pauses where a share more than 50 % larger is shown and the two lie 0.5 percentage points apart.',
    'told (rmse, only reported): nothing is shown yet.',
    'shadow (rmse, only reported): nothing is shown yet.',
    'shift (drift, pauses, outside of the rollback α): no shift is flagged.',
  ]) {
    t.match(said, text)
  }
  const pairs = metric('rmse/label-missing/mirror', guard)
  t.match(
    await explain(t, fakeDecision({ metrics: [pairs] })),
    'It guards rmse: the share of copied requests whose answer has no prediction that rmse can use (it failed, or has no number there), labelled or not.',
  )
})

t.test('Evidence that leaves an outage of the baseline out says so.', async (t) => {
  const told =
    'Of that evidence a time in which the baseline looked much worse than usual is left out, since it proves nothing.'
  const metrics = [fakeMetric({ withoutOutages: true })]
  t.match(await explain(t, fakeDecision({ metrics })), told)
  t.notMatch(await explain(t, fakeDecision({ metrics: [fakeMetric()] })), 'worse than usual')
})

t.test('A decision that paused says what ends the pause.', async (t) => {
  const to = { phase: 'paused', step: 1, weights: { baseline: 80, canary: 20 } } as const
  const cases: readonly (readonly [Partial<Decision>, string])[] = [
    [
      { action: 'pause', reason: 'baseline' },
      'Next: it does not go on by itself: `serin resume credit-risk` once the baseline is well again; where the canary is well, `serin promote credit-risk --full` gives it everybody (`abort` gives everybody the sick baseline).',
    ],
    [
      { action: 'pause', reason: 'rmse' },
      'Next: `serin abort credit-risk` gives everybody the baseline; `serin resume credit-risk` goes on with the canary, and rmse only reports for the rest of the attempt.',
    ],
    [
      { action: 'override', reason: 'operator' },
      'Next: `serin resume credit-risk` goes back to the weight of the step.',
    ],
  ]
  for (const [changes, next] of cases)
    t.match(await explain(t, fakeDecision({ to, ...changes })), next)
  const held = fakeDecision({ to, action: 'hold', reason: 'inconclusive' })
  t.notMatch(await explain(t, held), 'Next:', 'an older decision began that pause')
  const rest = { pausedAt: NOW, pausedBy: 'timer', resumeAt: NOW + 1, pausedMetric: null } as const
  const status = fakeStatus(fakeState({ phase: 'paused', ...rest }))
  const rollout = { ...status.rollout!, lastDecision: held }
  const services = () => [{ ...status, rollout }]
  const admin = await serveAdmin(t, createFakeDeps({ services, decisions: async () => [held] }))
  const { stdout } = await run(['explain', 'credit-risk', '--admin', admin])
  t.match(stdout, 'Next: `serin promote credit-risk` ends it now.')
})

t.test('What a floor allows is said, and why both sides can be shown.', async (t) => {
  const shown = { log: 5, threshold: 4.6 }
  const evidence = { ...fakeMetric().evidence, harm: shown, nonInferiority: shown }
  const failed = fakeMetric({
    ...{ name: 'errors', kind: 'error-rate', verdict: 'failed', evidence },
    margins: { harm: 0, proof: 0.5, floor: 0.05 },
    baseline: { value: 0.01, n: 900 },
  })
  const said = await explain(t, fakeDecision({ metrics: [failed] }))
  for (const text of [
    'Evidence that it is no more than 50 % worse plus the floor of 5 %: e^5.0',
    'So up to 6.5 % on the canary is no worse here, where the baseline has 1 %.',
    'Both can be shown: worse than the baseline, and within what is allowed. Each stands at its largest so far,',
  ]) {
    t.match(said, text)
  }
  const unread = { ...failed, baseline: { value: null, n: 0 } }
  t.notMatch(await explain(t, fakeDecision({ metrics: [unread] })), 'So up to')
  const plain = await explain(t, fakeDecision({ metrics: [fakeMetric()] }))
  t.notMatch(plain, /floor|So up to|Both can be shown/)
})

t.test('While a rollout goes on, its last decision is told with the figures of now.', async (t) => {
  const decided = fakeMetric({ baseline: { value: 3.3, n: 400 } })
  const told = async (state: RolloutState, metrics: readonly MetricReport[], ...id: string[]) => {
    const usual = fakeStatus(state)
    const decision = fakeDecision({ metrics: [decided] })
    const deps = createFakeDeps({
      services: () => [{ ...usual, rollout: { ...usual.rollout!, metrics } }],
      decisions: async () => [decision],
      decision: async () => decision,
    })
    const admin = await serveAdmin(t, deps)
    const argv = ['explain', 'credit-risk', ...id, '--admin', admin]
    return (await run(argv)).stdout.replace(/\s+/g, ' ')
  }
  const now = [fakeMetric()]
  const paused = (pausedBy: 'approval' | 'timer' | 'metric') =>
    fakeState({ phase: 'paused', pausedBy, pausedAt: NOW, resumeAt: null, pausedMetric: null })
  for (const state of [fakeState(), paused('approval'), paused('timer')]) {
    const said = await told(state, now)
    t.match(
      said,
      'As of now, 2027-05-01 12:00:00Z (`serin explain credit-risk 17`: as of the decision): Missing: rmse: a rise above 5 % is not excluded yet (upper bound 6.1 %). The next step is in about 2 min. rmse (rmse): nothing is shown yet. The baseline has 3.1 (n = 21,870)',
    )
    t.notMatch(said, 'n = 400')
  }
  const asked = await told(fakeState(), now, '17')
  t.match(asked, 'The baseline has 3.3 (n = 400)')
  t.notMatch(asked, 'As of')
  for (const [state, metrics] of [
    [paused('metric'), now],
    [fakeState(), []],
  ] as const) {
    t.match(
      await told(state, metrics),
      'As of the decision, 60 s ago: rmse (rmse): nothing is shown yet. The baseline has 3.3',
    )
  }
  const ended = await told(fakeState({ phase: 'promoted', promotedAt: NOW }), now)
  t.match(ended, 'The baseline has 3.3 (n = 400)')
  t.notMatch(ended, 'As of')
})

t.test(
  'What another system measures is explained as status has it, whatever the verdict.',
  async (t) => {
    const words = {
      successful: 'within its limits.',
      failed: 'beyond its limits.',
      inconclusive: 'nothing can be said yet.',
      error: 'could not be read, which is never counted as failure.',
    } as const
    const gpu = { name: 'gpu', kind: 'prometheus', outsideAlpha: true, margins: null } as const
    const explained = (verdict: keyof typeof words) => fakeMetric({ ...gpu, verdict })
    for (const [verdict, text] of Object.entries(words) as [keyof typeof words, string][]) {
      // What the decision saw was another verdict: a step that begins has no measurement yet.
      const decision = fakeDecision({
        metrics: [explained(verdict === 'successful' ? 'inconclusive' : 'successful')],
      })
      const usual = fakeStatus(fakeState())
      const metrics = [explained(verdict)]
      const deps = createFakeDeps({
        services: () => [{ ...usual, rollout: { ...usual.rollout!, metrics } }],
        decisions: async () => [decision],
      })
      const at = ['--admin', await serveAdmin(t, deps)]
      const said = (await run(['explain', 'credit-risk', ...at])).stdout.replace(/\s+/g, ' ')
      t.match(said, `gpu (prometheus): ${text} Compared, not tested`)
      for (const other of Object.values(words)) {
        if (other !== text) t.notMatch(said, `: ${other}`)
      }
      t.match((await run(['status', 'credit-risk', ...at])).stdout, new RegExp(`gpu +${verdict} `))
    }
  },
)

t.test('Notes of the service stand beside its last decision.', async (t) => {
  const told = async (status: ReturnType<typeof fakeStatus>, ...id: string[]) => {
    const decision = fakeDecision()
    const deps = createFakeDeps({
      services: () => [{ ...status, trouble: ['its clock was set back'] }],
      decisions: async () => [decision],
      decision: async () => decision,
    })
    const admin = await serveAdmin(t, deps)
    const argv = ['explain', status.service.name, ...id, '--admin', admin]
    return (await run(argv)).stdout.replace(/\s+/g, ' ')
  }
  t.match(await told(fakeStatus()), / Note: its clock was set back\./)
  t.notMatch(await told(fakeStatus(), '17'), 'Note')
  const log = { log: 1, threshold: 4 }
  const comparison: Comparison = {
    ...{ variant: 'canary', verdict: 'unknown', expectedShare: 0.3, etaSeconds: null },
    ...{ metrics: [], units: { baseline: 700, challenger: 300 }, ratioMismatch: log },
  }
  const experiment: ExperimentView = {
    ...{ id: 'x#1', state: { revision: 3 } as ExperimentView['state'], winner: null },
    ...{ comparisons: [comparison], lastDecision: null },
  }
  const compared = { ...fakeStatus(null), experiment }
  t.match(await told(compared), / Note: its clock was set back\./)
})

t.test('After a promotion it is said what comes next.', async (t) => {
  const weights = { baseline: 0, canary: 100 }
  const next = async (phase: 'watching' | 'promoted', rollout = '1.4->2.0#1') =>
    explain(t, fakeDecision({ action: 'promote', rollout, to: { phase, step: 3, weights } }))
  t.match(
    await next('watching'),
    'Next: 2.0 is promoted when the watch ends; name it as the baseline in the configuration then. `serin undo credit-risk` takes it back.',
  )
  t.match(await next('promoted'), 'Next: name 2.0 as the baseline in the configuration:')
  t.notMatch(await next('promoted', '3.1 vs 3.2#1'), 'Next:')
})

t.test('After a rollback it is said from when on the version can be retried.', async (t) => {
  const to = { phase: 'rolled-back', step: 0, weights: { baseline: 100, canary: 0 } } as const
  const decision = fakeDecision({ action: 'rollback', reason: 'rmse', to })
  const rest = { rolledBackAt: NOW, rolledBackReason: 'rmse' } as const
  const services = () => [fakeStatus(fakeState({ phase: 'rolled-back', ...rest }))]
  const deps = createFakeDeps({ services, decisions: async () => [decision] })
  const { stdout } = await run(['explain', 'credit-risk', '--admin', await serveAdmin(t, deps)])
  t.match(
    stdout.replace(/\s+/g, ' '),
    'try this one again with `serin retry credit-risk` (from 2027-05-01 13:00:00Z on, before that with `--force`).',
  )
})

t.test('The metric that decided comes first, and none where no evidence decided.', async (t) => {
  const metrics = [fakeMetric({ name: 'errors' }), fakeMetric({ name: 'rmse' })]
  const byMetric = await explain(t, fakeDecision({ reason: 'rmse', metrics }))
  t.match(byMetric, /Who: the evaluator, from the evidence\..* rmse \(rmse\): .* errors \(rmse\): /)
  t.notMatch(byMetric, 'Next:')
  const limited = await explain(t, fakeDecision({ action: 'rollback', reason: 'rmse', metrics }))
  t.match(limited, 'Who: the evaluator, outside α. Why: the metric rmse failed.', 'no harm shown')
  const started = fakeDecision({ action: 'start', reason: 'canary-ready', metrics })
  const start = await explain(t, started)
  t.match(start, 'Who: the evaluator, as planned.')
  t.match(start, 'Why: a rollout starts by itself as soon as the canary can be reached.')
  t.notMatch(start, '(rmse)')
  const to = { phase: 'rolled-back', step: 0, weights: { baseline: 100, canary: 0 } } as const
  const undone = await explain(
    t,
    fakeDecision({ action: 'undo', reason: 'operator', actor: 'ops', to, metrics }),
  )
  t.match(undone, 'Who: ops. Why: an operator asked for it.')
  t.notMatch(undone, '(rmse)')
  t.match(undone, /Next: 2\.0 stays rolled back\. .* with `serin retry credit-risk`\. $/)
  const broke = await explain(t, fakeDecision({ action: 'rollback', reason: 'breaker', to }))
  t.match(broke, /Who: the evaluator\. Why: the breaker: .*outside the guarantee α/)
})

t.test('A latency until the first byte says that it is one.', async (t) => {
  const latency = { kind: 'latency', name: 'first-token', onFailure: 'pause' } as const
  const metrics = [fakeMetric({ ...latency, until: 'first-byte' }), fakeMetric(latency)]
  const said = await explain(t, fakeDecision({ metrics }))
  t.match(said, 'first-token (latency until the first byte, pauses): ')
  t.match(said, 'first-token (latency, pauses): ')
})
