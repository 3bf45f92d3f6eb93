import t from 'tap'
import type { RolloutState } from '../../src/domain/rollout-state.ts'
import { MOST_MOMENTS, RolloutHistory } from '../../src/metrics/rollout-history.ts'
import { VariantBook } from '../../src/metrics/variant-book.ts'
import { fakeMetric, fakeState, NOW } from '../admin/fake-deps.ts'
import { simulate } from '../fakes/quick-rollout.ts'
import { bookRequest } from '../support/book-request.ts'

const nobody = new Map<string, VariantBook>()

/** Notes so many turns, a second apart; each metric's value is the turn's number. */
function noted(turns: number, history = new RolloutHistory()): RolloutHistory {
  for (let i = 0; i < turns; i++) {
    const report = fakeMetric({ canary: { value: i, n: i } })
    history.note(fakeState(), [report], nobody, NOW + i * 1000)
  }
  return history
}

t.test('a turn is kept with its weight, its values, its interval and its evidence', (t) => {
  const history = new RolloutHistory()
  const canary = new VariantBook('canary', '2.0')
  bookRequest(canary, { outcome: 'failed', status: 500 })
  history.note(fakeState(), [fakeMetric()], new Map([['canary', canary]]), NOW)
  const { rollout, at, weightBp, traffic, metrics } = history.read('credit-risk', '1.4->2.0#1')!
  t.equal(rollout, '1.4->2.0#1')
  t.same([...at], [NOW])
  t.same([...weightBp], [2000])
  t.match(traffic.get('canary'), { requests: [1], errors: [1], p95Ms: [NaN] })
  const rmse = metrics.get('rmse')!
  t.match(rmse, { harmThreshold: 4.6, nonInferiorityThreshold: 3 })
  const known = [rmse.baseline, rmse.canary, rmse.estimate, rmse.lower, rmse.upper]
  t.same(
    [...known, rmse.harm, rmse.nonInferiority].map(([value]) => value!.toFixed(3)),
    ['3.100', '3.020', '0.974', '0.921', '1.061', '-1.200', '2.100'],
  )
  t.end()
})

t.test(
  'an attempt never has more than so many moments, thinned evenly, the newest among them',
  (t) => {
    for (const turns of [1, MOST_MOMENTS, MOST_MOMENTS + 1, 1000, 5003]) {
      const { at, metrics } = noted(turns).read('credit-risk', '1.4->2.0#1')!
      t.ok(at.length <= MOST_MOMENTS, `${turns} turns: ${at.length} moments`)
      t.ok(turns < MOST_MOMENTS || at.length >= MOST_MOMENTS / 2, 'and never few')
      t.equal(at.at(-1), NOW + (turns - 1) * 1000, 'the newest')
      t.equal(at[0], NOW, 'the oldest')
      t.same(
        [...metrics.get('rmse')!.canary],
        [...at].map((ms) => (ms - NOW) / 1000),
        'they belong together',
      )
      const gaps = [...at].slice(1, -1).map((ms, i) => ms - at[i]!)
      t.ok(
        gaps.every((gap) => gap === gaps[0]),
        'as far apart as they were',
      )
    }
    t.end()
  },
)

t.test('another attempt begins at nothing; what is over is not noted any more', (t) => {
  const history = noted(5)
  history.note(fakeState({ attempt: 2 }), [fakeMetric()], nobody, NOW)
  t.match(history.read('credit-risk', '1.4->2.0#2'), { rollout: '1.4->2.0#2', at: [NOW] })
  t.equal(history.read('credit-risk', '1.4->2.0#1'), null, 'which is not the history of another')
  for (const over of ['idle', 'promoted', 'rolled-back'] as const) {
    history.note({ ...fakeState({ attempt: 2 }), phase: over } as RolloutState, [], nobody, NOW + 1)
  }
  t.equal(history.read('credit-risk', '1.4->2.0#2')!.at.length, 1)
  t.equal(history.read('other', '1.4->2.0#1'), null)
  t.end()
})

t.test('a metric that comes later is unknown in the moments before it', (t) => {
  const history = noted(3)
  const none = { harm: null, nonInferiority: null, stepNonInferiority: null, stepHarm: null }
  const late = fakeMetric({ name: 'late', ratio: null, evidence: none })
  history.note(fakeState(), [late], nobody, NOW + 9000)
  const { metrics } = history.read('credit-risk', '1.4->2.0#1')!
  t.same([...metrics.get('late')!.canary].map(Number.isNaN), [true, true, true, false])
  t.match(metrics.get('late'), { harmThreshold: null, nonInferiorityThreshold: null })
  t.end()
})

t.test('a limit alone has no threshold of evidence', (t) => {
  const history = new RolloutHistory()
  const harm = { log: 0, threshold: Infinity }
  const evidence = { ...fakeMetric().evidence, harm }
  history.note(fakeState(), [fakeMetric({ evidence })], nobody, NOW)
  t.equal(history.read('credit-risk', '1.4->2.0#1')!.metrics.get('rmse')!.harmThreshold, null)
  t.end()
})

t.test('services that are gone are forgotten', (t) => {
  const history = noted(2)
  history.keepOnly(new Set(['credit-risk']))
  t.not(history.read('credit-risk', '1.4->2.0#1'), null)
  history.keepOnly(new Set())
  t.equal(history.read('credit-risk', '1.4->2.0#1'), null)
  t.end()
})

t.test('the evaluator notes every turn, and the evidence of each decision at last', async (t) => {
  const history = new RolloutHistory()
  const simulation = await simulate(
    1,
    0,
    (random, variant) => ({
      outcome: variant === 'canary' && random() < 0.2 ? 'failed' : 'ok',
    }),
    undefined,
    {
      onTurn: (state, reports) =>
        history.note(state, reports, simulation.book.variants, simulation.clock.ms),
    },
  )
  t.ok(await simulation.run(60_000, ({ phase }) => phase === 'rolled-back'))
  const { at, metrics, traffic } = history.read('svc', '1.4->2.0#1')!
  t.ok(at.length >= 2)
  t.ok(traffic.get('canary')!.errors.at(-1)! > 0)
  const [decision] = await simulation.store.decisions('svc', { after: 0, limit: 1 })
  t.match(decision, { action: 'rollback', at: at.at(-1) })
  t.equal(new Set(at).size, at.length, 'a turn that decides is one moment')
  for (const { name, evidence, canary } of decision!.metrics) {
    const columns = metrics.get(name)!
    t.equal(columns.harm.at(-1), Math.fround(evidence.harm!.log!), name)
    t.same(columns.canary.at(-1), Math.fround(canary.value ?? NaN), name)
  }
})
