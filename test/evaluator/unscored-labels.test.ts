import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { simulate } from '../fakes/quick-rollout.ts'
import { ACCURACY, ERRORS, RMSE } from '../fakes/simulated-service.ts'

const LOSS: MetricSpec = { ...RMSE, name: 'loss', kind: 'log-loss', cap: 3 }

/** Predictions that a label can be added to without rounding. */
const SURE = 1023 / 1024

/** A canary that always says "yes" against a baseline that is right in three of four; labels are 1 and `no`. */
function overconfident(no: number, metrics: readonly MetricSpec[]) {
  return simulate(
    11,
    0,
    (random, variant) => {
      const isYes = random() < 0.5
      const isRight = random() < 0.75
      const prediction = variant === 'canary' ? SURE : isYes === isRight ? 0.75 : 0.25
      return { prediction, error: (isYes ? 1 : no) - prediction }
    },
    metrics,
  )
}

t.test('A model that always says yes is rolled back by labels of 1 and 0.', async (t) => {
  const simulation = await overconfident(0, [ERRORS, LOSS])
  t.ok(await simulation.run(60_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.store.log.at(-1), { reason: 'loss' })
})

t.test(
  'By labels of 1 and -1, half of which vanish, it is held, and never promoted.',
  async (t) => {
    const simulation = await overconfident(-1, [ERRORS, LOSS])
    // Twice as long as a good one takes to be promoted.
    t.notOk(await simulation.run(20_000, (s) => s.phase !== 'progressing' && s.phase !== 'idle'))
    t.match(simulation.state, { phase: 'progressing', step: 0, holdReason: 'unscored' })
    t.match(simulation.store.log.at(-1), {
      action: 'hold',
      reason: 'unscored',
      summary: /loss: [\d,]+ of [\d,]+ labels cannot be scored: log-loss takes a label of 0 or 1/,
    })
    const { metrics: reports } = simulation.evaluator.view('svc')!
    const guard = reports.find((r) => r.name === 'loss/label-missing')!
    const { labels, of } = guard.unscored!
    t.ok(Math.abs(labels / of - 0.5) < 0.05, `${labels} of ${of}`)
    t.ok(reports.find((r) => r.name === 'loss')!.canary.value! < 0.01, 'which looks perfect')
  },
)

t.test('An accuracy of probabilities is held with a word of why.', async (t) => {
  const simulation = await overconfident(0, [ERRORS, { ...ACCURACY, onFailure: 'pause' }])
  t.notOk(await simulation.run(20_000, (s) => s.phase !== 'progressing' && s.phase !== 'idle'))
  t.match(simulation.store.log.at(-1), {
    reason: 'unscored',
    summary: /accuracy: no prediction equals its label/,
  })
})
