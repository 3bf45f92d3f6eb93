import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import type { Prediction } from '../../src/domain/prediction.ts'
import { Evaluator } from '../../src/evaluator/evaluator.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { ERRORS, RMSE, weightSteps } from '../fakes/simulated-service.ts'
import { nobodyAnswers } from '../fakes/simulation.ts'

const METRICS = [ERRORS, { ...RMSE, labelWindowMs: 60_000 }]

const WAITING = quickService({
  spec: { steps: weightSteps([50, 100], 1e9) },
  analysis: { metrics: METRICS },
})

const MIRRORED = quickService({
  spec: {
    steps: [
      {
        ...{ kind: 'mirror', share: 1, minDurationMs: 5000, minRequests: 1e9 },
        ...{ maxBytes: 1024, tolerance: 0.01 },
      },
      ...weightSteps([50, 100], 1e9),
    ],
  },
  analysis: { metrics: METRICS },
})

/** A rollout whose cohorts wait for labels that come only now, and another process on its store that has just begun. */
async function begin(service = WAITING) {
  const simulation = await simulate(31, 0, () => ({}), METRICS, { rps: 40, service })
  const unsaid: [Prediction, number][] = []
  simulation.evaluator.label = (...said) => {
    unsaid.push(said)
    return { result: 'late', changed: null }
  }
  await simulation.run(20_000, () => false)
  const { store, clock } = simulation
  const other = new Evaluator({
    ...{ store, clock, holder: 'other', fetchProvider: nobodyAnswers },
    reachability: () => ({ ready: true, downForMs: 0 }),
    confirm: () => 'given',
    apply: () => {},
    applyWinner: () => {},
    onDecision: () => {},
    onError: (_what, error) => t.fail(String(error)),
  })
  await other.add({ plan: buildPlan(service, 'hash')!, book: simulation.buildBook(service) })
  const waiting = new Set(store.records.get('svc')!.cohorts.map(({ number }) => number))
  return { simulation, other, labels: unsaid.filter(([{ cohort }]) => waiting.has(cohort)) }
}

/** Looks until feedback is taken, by the clock of the test; seconds. */
async function untilHeard(
  { simulation, other }: Awaited<ReturnType<typeof begin>>,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<number> {
  const { clock } = simulation
  const since = clock.ms
  let isHeard = false
  void other.hearsFeedback().then(() => (isHeard = true))
  for (;;) {
    await other.look()
    await nextTurn()
    if (isHeard) return (clock.ms - since) / 1000
    await meanwhile()
    clock.ms += 250
  }
}

t.test('labels that come right after a kill have the cohorts that wait for them', async (t) => {
  const world = await begin()
  await world.other.look()
  t.equal(world.other.lead, 'elsewhere', 'the lease of who died lasts for some seconds')
  const seconds = await untilHeard(world)
  t.ok(seconds >= 4, `${seconds} s`)
  t.equal(world.other.lead, 'here')
  t.ok(world.labels.length > 500)
  t.ok(world.labels.every((said) => world.other.label(...said).result === 'joined'))
})

t.test('labels of pairs are waited for in the same way', async (t) => {
  const world = await begin(MIRRORED)
  const seconds = await untilHeard(world)
  t.ok(seconds >= 4, `${seconds} s`)
  t.equal(world.other.lead, 'here')
})

t.test('and those that come to a process which has just joined another one', async (t) => {
  const world = await begin()
  const seconds = await untilHeard(world, () => world.simulation.evaluator.look())
  t.ok(seconds < 5, `${seconds} s`)
  t.equal(world.other.lead, 'elsewhere')
  t.ok(world.labels.length > 500)
  t.ok(world.labels.every((said) => world.other.label(...said).result === 'joined'))
})

t.test('where nothing is open, or nobody speaks, it is not waited for', async (t) => {
  const idle = await begin(quickService({ spec: { start: 'manual' } }))
  t.equal(await untilHeard(idle, () => idle.simulation.evaluator.look()), 0)
  const silent = await begin()
  silent.simulation.store.publish = async () => 0
  const seconds = await untilHeard(silent, () => silent.simulation.evaluator.look())
  t.ok(seconds >= 10 && seconds < 12, `${seconds} s`)
})

t.test('who ends keeps nobody waiting, and takes nothing more', async (t) => {
  const { other } = await begin()
  await other.look()
  const heard = other.hearsFeedback()
  const refused = t.rejects(heard, { message: /the process ends/ })
  await other.stop()
  await refused
  await t.rejects(other.hearsFeedback(), { code: 'SERIN_STORE_FAILED' })
})
