import t from 'tap'
import type { BetEvidence } from '../../src/domain/evidence.ts'
import { createSteadyClock } from '../../src/steady-clock.ts'
import { ExperimentWorld, threeWay } from '../fakes/experiment-world.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { ERRORS, RMSE, weightSteps } from '../fakes/simulated-service.ts'

const HOUR = 3_600_000

t.test('a clock that is set back by an hour keeps no harm from being seen', async (t) => {
  // Too few failures for the breaker: the evidence has to tell.
  const failing = (random: () => number, variant: string, ms: number) => ({
    outcome:
      variant === 'canary' && ms > 10_000 && random() < 0.3 ? ('failed' as const) : ('ok' as const),
  })
  const simulation = await simulate(41, 0, failing, [ERRORS])
  const { clock, store } = simulation
  let back = 0
  clock.now = createSteadyClock({ now: () => clock.ms - back, monotonic: clock.monotonic }).now
  await simulation.run(8000, (s) => s.weightBp === 2000)
  back = HOUR
  t.ok(await simulation.run(20_000, (s) => s.phase === 'rolled-back'))
  t.match(store.log.at(-1), { action: 'rollback', reason: 'errors' })
  t.same(simulation.errors, [])
})

t.test('nor, after a restart on it, labels from being judged', async (t) => {
  const metrics = [ERRORS, { ...RMSE, labelWindowMs: 5000 }]
  const service = quickService({
    spec: { steps: weightSteps([50, 100], 1e9) },
    analysis: { metrics },
  })
  const simulation = await simulate(42, 0, () => ({}), metrics, { service })
  await simulation.run(15_000, () => false)
  const judged = () => {
    const { evidence } = simulation.store.records.get('svc')!
    const [baseline, canary] = (evidence!.hypotheses['rmse'] as BetEvidence).stepMoments.n
    return baseline + canary
  }
  const before = judged()
  t.ok(before > 0)
  simulation.clock.ms -= HOUR
  await simulation.restart()
  await simulation.run(20_000, () => false)
  t.ok(judged() > before + 10_000, `${judged() - before}`)
  t.same(simulation.errors, [])
})

t.test('nor, where no metric is judged, a rollout from going on', async (t) => {
  const service = quickService({
    spec: { steps: weightSteps([50, 100], 30_000) },
    analysis: { metrics: [] },
  })
  const simulation = await simulate(43, 0, () => ({}), [], { service })
  await simulation.run(15_000, () => false)
  simulation.clock.ms -= HOUR
  await simulation.restart()
  const decisions = simulation.store.log.length
  await simulation.run(20_000, () => false)
  simulation.clock.ms += HOUR
  await simulation.run(40_000, (s) => s.phase === 'promoted')
  t.ok(simulation.store.log.length > decisions)
  t.same(simulation.errors, [])
})

t.test('the same of a fixed split', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([{ ...RMSE, labelWindowMs: 5000 }]))
  await world.run(10, () => ({ error: 3 }))
  const judged = () => world.view.comparisons[0]!.metrics[0]!.report.canary.n
  const before = judged()
  t.ok(before > 0)
  world.clock.ms -= HOUR
  await world.restart()
  await world.run(20, () => ({ error: 3 }))
  t.ok(judged() > before + 1000, `${judged() - before}`)
  t.same(world.errors, [])
})
