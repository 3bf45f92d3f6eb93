import t from 'tap'
import type { Service } from '../../src/domain/service.ts'
import { GOOD, quickService, simulate } from '../fakes/quick-rollout.ts'
import { ERRORS } from '../fakes/simulated-service.ts'
import type { Simulation } from '../fakes/simulation.ts'

const FAILING = { ...GOOD, outcome: 'failed' as const }

/** The service with this canary version. */
function naming(version: string): Service {
  const service = quickService({ analysis: { metrics: [ERRORS] } })
  const variants = service.variants.map((v) => (v.name === 'canary' ? { ...v, version } : v))
  return { ...service, variants }
}

/** 2.0 fails and is rolled back; then 3.0 is at 50 %. */
async function secondOfTwo(seed: number): Promise<Simulation> {
  const simulation: Simulation = await simulate(
    seed,
    0,
    (_random, variant) =>
      variant === 'canary' && simulation?.state.canaryVersion === '2.0' ? FAILING : GOOD,
    [ERRORS],
  )
  await simulation.run(30_000, (s) => s.phase === 'rolled-back')
  await simulation.reload(naming('3.0'), 'hash-2')
  await simulation.run(60_000, (s) => s.weightBp === 5000)
  await simulation.run(1500, () => false)
  return simulation
}

t.test(
  'a rollout that is dropped for a version of before says so, without its evidence',
  async (t) => {
    const simulation = await secondOfTwo(31)
    t.match(simulation.state, { phase: 'progressing', canaryVersion: '3.0', weightBp: 5000 })
    t.ok(simulation.evaluator.view('svc')!.metrics[0]!.canary.n > 100, 'there is evidence of 3.0')
    const rollback = simulation.store.log.find((d) => d.action === 'rollback')!
    await simulation.reload(naming('2.0'), 'hash-3')
    const decision = simulation.store.log.at(-1)!
    t.match(decision, {
      rollout: '1.4->2.0#2',
      reason: 'rolled-back-before',
      from: { phase: 'progressing', step: 2, weights: { canary: 50 } },
      to: { phase: 'rolled-back', weights: { canary: 0 } },
    })
    t.same(decision.metrics, [])
    t.equal(
      decision.summary,
      'The rollout of 3.0 beside 1.4 was dropped at 50 %, since the configuration names 2.0 beside 1.4. ' +
        `2.0 was rolled back before (by ${rollback.reason}, decision ${rollback.id}) and stays so: \`retry\` starts a new attempt.`,
    )
    t.match(simulation.state, { rolledBackReason: rollback.reason, weightBp: 0 })
    t.same(simulation.evaluator.view('svc')!.metrics, [], 'nothing was seen of it')
    await simulation.run(3000, () => false)
    const { metrics } = simulation.evaluator.view('svc')!
    t.ok(
      metrics.every((m) => m.canary.n === 0),
      'nor is anything of the other one told later',
    )
    t.same(simulation.errors, [])
  },
)

t.test('what is dropped while the store is away leaves no evidence either', async (t) => {
  const simulation = await secondOfTwo(32)
  simulation.store.fails = true
  await simulation.reload(naming('4.0'), 'hash-3')
  t.match(simulation.evaluator.untakenOf('svc'), /goes on by the new file when the store/)
  t.match(simulation.state, { canaryVersion: '4.0', weightBp: 0 })
  t.same(simulation.evaluator.view('svc')!.metrics, [])
  simulation.store.fails = false
  await simulation.evaluator.look()
  const decision = simulation.store.log.find((d) => d.rollout === '1.4->4.0#1')!
  t.match(decision, {
    reason: 'new-version',
    metrics: [],
    summary:
      /^The rollout of 3\.0 beside 1\.4 was dropped at 50 %, since the configuration names 4\.0 beside 1\.4\. New canary version 4\.0/,
  })
})

t.test('an attempt never has the number of an earlier one of its versions', async (t) => {
  const simulation = await secondOfTwo(33)
  await simulation.reload(naming('2.0'), 'hash-3')
  await simulation.reload(naming('3.0'), 'hash-4')
  t.ok(await simulation.run(60_000, (s) => s.weightBp === 2000))
  t.match(simulation.state, { canaryVersion: '3.0', attempt: 2 })
  await simulation.reload(naming('2.0'), 'hash-5')
  t.match(simulation.state, { phase: 'rolled-back', attempt: 3 })
  const rollouts = simulation.store.archive.map((c) => c.rollout)
  const ofThird = [...new Set(rollouts)].filter((rollout) => rollout.includes('3.0'))
  t.same(ofThird, ['1.4->3.0#1', '1.4->3.0#2'], 'each has cohorts of its own')
  const ids = simulation.store.log.map((d) => d.rollout)
  t.equal(ids.at(-1), '1.4->2.0#3')
})
