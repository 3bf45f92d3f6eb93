import t from 'tap'
import type { BetEvidence, EventEvidence } from '../../src/domain/evidence.ts'
import { Evaluator } from '../../src/evaluator/evaluator.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { StoreAwayError } from '../../src/store/store-error.ts'
import { until } from '../e2e/support/until.ts'
import { ExperimentWorld, threeWay } from '../fakes/experiment-world.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { ERRORS, ManualClock, RMSE, weightSteps } from '../fakes/simulated-service.ts'
import { nobodyAnswers } from '../fakes/simulation.ts'

const MINUTE = 60_000

t.test('a gateway that stops stores what its open cohort has, labels included', async (t) => {
  const metrics = [ERRORS, { ...RMSE, labelWindowMs: MINUTE }]
  const of = quickService({
    spec: { steps: weightSteps([50, 100], 1e9) },
    analysis: { metrics, intervalMs: MINUTE, warmUpMs: 0 },
  })
  const rate = { now: 100 }
  const simulation = await simulate(3, 0, () => ({}), metrics, {
    service: of,
    get rps() {
      return rate.now
    },
  })
  await simulation.run(30_000, () => false)
  rate.now = 0
  // What was under way ends, as while a gateway drains.
  await simulation.run(1000, () => false)
  await simulation.evaluator.stop()
  const { evidence, cohorts } = simulation.store.records.get('svc')!
  const { trials } = evidence!.hypotheses['errors'] as EventEvidence
  t.ok(trials[0] + trials[1] > 2500, `${trials[0] + trials[1]} requests`)
  t.equal(cohorts.length, 1)
  await simulation.restart()
  await simulation.run(2 * MINUTE, () => false)
  const { stepMoments } = simulation.store.records.get('svc')!.evidence!.hypotheses[
    'rmse'
  ] as BetEvidence
  t.ok(stepMoments.n[0] + stepMoments.n[1] > 2500)
  t.same(simulation.errors, [])
})

t.test('so do the comparisons of an experiment', async (t) => {
  const { experiment, ...rest } = threeWay([ERRORS])
  const slow = { ...experiment!, intervalMs: MINUTE, warmUpMs: 0 }
  const world = await ExperimentWorld.begin({ ...rest, experiment: slow })
  await world.run(30, () => ({}), 100)
  await world.evaluator.stop()
  const [b] = world.view.comparisons
  t.ok(b!.units.baseline > 1000, `${b!.units.baseline} requests`)
  const stored = world.store.records.get('svc/b')!.evidence!
  t.ok(stored.ratio.starts[0]![0]!.total > 1500)
  t.same(world.errors, [])
})

t.test(
  'a store that does not answer is waited for once, however many services there are',
  async (t) => {
    const clock = new ManualClock()
    const store = new MemoryStore()
    const asked: (() => void)[] = []
    const evaluator = new Evaluator({
      ...{ store, clock, holder: 'one', fetchProvider: nobodyAnswers },
      reachability: () => ({ ready: true, downForMs: 0 }),
      confirm: () => 'not-asked',
      ...{ apply: () => {}, applyWinner: () => {}, onDecision: () => {}, onError: () => {} },
    })
    for (const name of ['a', 'b', 'c']) {
      const service = { ...quickService(), name }
      const book = new ServiceBook({ service, clock, remember: () => {}, previous: null })
      await evaluator.add({ plan: buildPlan(service, 'hash')!, book })
    }
    await evaluator.look()
    store.commit = () =>
      new Promise((_, reject) => asked.push(() => reject(new StoreAwayError('no answer'))))
    const stopped = evaluator.stop()
    await until('all have asked', async () => asked.length === 3)
    for (const fail of asked) fail()
    await stopped
    t.equal(asked.length, 3)
  },
)
