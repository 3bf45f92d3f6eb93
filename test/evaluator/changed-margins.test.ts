import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import { ExperimentWorld, threeWay } from '../fakes/experiment-world.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { ERRORS, weightSteps } from '../fakes/simulated-service.ts'
import type { Simulation } from '../fakes/simulation.ts'

/** Nothing is moved: the evidence alone is looked at. */
function underErrors(change: Partial<MetricSpec>) {
  const errors = { ...ERRORS, floor: 0, ...change } as MetricSpec
  return quickService({
    spec: { steps: weightSteps([50, 100], 1e9) },
    analysis: { metrics: [errors] },
  })
}

const LAX = underErrors({ maxChange: 3 })
const STRICT = underErrors({ maxChange: 0.05 })

function verdict(simulation: Simulation): string {
  return simulation.evaluator.view('svc')!.metrics.find(({ name }) => name === 'errors')!.verdict
}

const WAYS: Readonly<Record<string, (simulation: Simulation) => Promise<void>>> = {
  'by a reload': (simulation) => simulation.reload(STRICT, 'hash-2'),
  'by a restart with another file': (simulation) => simulation.restart(STRICT, 'hash-2'),
  'by a restart with a file of an earlier version': async (simulation) => {
    const record = simulation.store.records.get('svc')!
    const { margins: _, ...fingerprint } = record.state.fingerprint
    simulation.store.records.set('svc', { ...record, state: { ...record.state, fingerprint } })
    await simulation.restart(STRICT, 'hash-2')
  },
}

t.test('what was proved under a wider margin is proved of no narrower one', async (t) => {
  for (const [how, change] of Object.entries(WAYS)) {
    const simulation = await simulate(
      31,
      0,
      (random) => ({ outcome: random() < 0.02 ? 'failed' : 'ok' }),
      [],
      { rps: 400, service: LAX },
    )
    await simulation.run(60_000, () => verdict(simulation) === 'successful')
    t.equal(verdict(simulation), 'successful')
    const { attempt } = simulation.state
    await change(simulation)
    await simulation.run(3000, () => false)
    t.equal(verdict(simulation), 'inconclusive', how)
    t.equal(simulation.state.attempt, attempt, 'the attempt goes on')
    await simulation.restart(STRICT, 'hash-2')
    await simulation.run(1000, () => false)
    t.equal(verdict(simulation), 'inconclusive', 'and so it is stored')
    t.same(simulation.errors, [])
  }
})

t.test('a restart with the same margins keeps what was proved', async (t) => {
  const simulation = await simulate(
    31,
    0,
    (random) => ({ outcome: random() < 0.02 ? 'failed' : 'ok' }),
    [],
    { rps: 400, service: LAX },
  )
  await simulation.run(60_000, () => verdict(simulation) === 'successful')
  const { sup } = simulation.store.records.get('svc')!.evidence!.hypotheses['errors']!
  await simulation.restart(LAX, 'hash-2')
  await simulation.run(250, () => false)
  t.same(simulation.store.records.get('svc')!.evidence!.hypotheses['errors']!.sup, sup)
})

t.test(
  'challengers of a fixed split are no worse under the margin of the file alone',
  async (t) => {
    const under = (maxChange: number) => threeWay([{ ...ERRORS, floor: 0, maxChange }])
    const fails = (_variant: string, random: () => number) =>
      ({ outcome: random() < 0.02 ? 'failed' : 'ok' }) as const
    const verdicts = (world: ExperimentWorld) =>
      world.view.comparisons.map(({ metrics }) => metrics.find((m) => m.report.name === 'errors'))
    for (const how of ['reload', 'restart'] as const) {
      const world = await ExperimentWorld.begin(under(3))
      await world.run(60, fails)
      t.match(verdicts(world), [{ verdict: 'no-worse' }, { verdict: 'no-worse' }])
      const { id } = world.view
      world.service = under(0.05)
      if (how === 'reload') await world.reload(world.service)
      else await world.restart()
      t.match(verdicts(world), [{ verdict: 'unknown' }, { verdict: 'unknown' }], how)
      await world.run(1, fails)
      await world.restart()
      t.match(
        verdicts(world),
        [{ verdict: 'unknown' }, { verdict: 'unknown' }],
        'and so it is stored',
      )
      t.equal(world.view.id, id, 'the attempt goes on')
      t.same(world.errors, [])
    }
  },
)
