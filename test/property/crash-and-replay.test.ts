import t from 'tap'
import { MemoryStore } from '../fakes/memory-store.ts'
import { checkLives, live } from './crash-and-replay/check.ts'
import type { Configuration } from './crash-and-replay/configurations.ts'
import { World } from './crash-and-replay/world.ts'

const PLAIN: Configuration = {
  ...{ baseline: '1.4', canary: '2.0', steps: 'plain', metrics: 'errors' },
  ...{ holdbackBp: 0, start: 'auto', onInconclusive: 'hold', kind: 'rollout' },
}

t.test(
  'Whatever is ordered, reloaded, seen or broken, the weights are what the log says, and a rolled-back version serves nobody without a retry.',
  async (t) => {
    const seen = await checkLives(() => new MemoryStore(), { numRuns: 200 })
    t.ok(seen.decisions > 400, JSON.stringify(seen))
    t.ok(seen.promoted > 3 && seen.rolledBack > 20 && seen.retried > 3, JSON.stringify(seen))
  },
)

t.test(
  'A file that was taken while the store was away, and cannot follow what is stored, serves the baseline alone.',
  async (t) => {
    const world = await live(await World.create(new MemoryStore(), PLAIN), [
      'good traffic for 10 s',
      'reload: the service is gone',
      'reload: canary 2.1',
      'the store is away',
      'reload: the rollout is there again',
    ])
    t.equal(world.book.last!.to.phase, 'promoted')
    t.ok(await world.isRefused())
    t.equal(world.served.weightBp, 0)
  },
)

t.test(
  'A file that is brought back right after a start with another one goes on with what is stored.',
  async (t) => {
    const store = new MemoryStore()
    const evidence = () => store.records.get('svc')!.evidence!
    const world = await World.create(store, { ...PLAIN, metrics: 'errors and rmse' })
    await world.run(3000, 'good')
    await world.reload({ kind: 'fixed split' })
    const before = evidence()
    await world.reload({ metrics: 'errors' })
    await world.reload({ kind: 'rollout' })
    await world.reload({ metrics: 'errors and rmse' })
    await world.run(3000, 'good')
    t.same(world.unexpected, [])
    t.ok(evidence().ratio.foldedThrough > before.ratio.foldedThrough, 'it goes on')
    t.same(evidence().starts[0], before.starts[0], 'with what was gathered')
    t.equal(world.book.last!.rollout, '1.4->2.0#1')
    t.notOk(world.book.decisions.some(({ reason }) => reason === 'analysis-changed'))
  },
)

t.test(
  'A canary that fails while the store is away is rolled back, whatever else the file asks by then.',
  async (t) => {
    const store = new MemoryStore()
    const world = await live(await World.create(store, PLAIN), [
      'good traffic for 3 s',
      'good traffic for 3 s',
      'the store is away',
      'reload: rmse as well',
      'the canary fails for 3 s',
    ])
    t.match(world.book.last, {
      action: 'rollback',
      reason: 'breaker',
      to: { phase: 'rolled-back' },
    })
    const { evidence, cohorts } = store.records.get('svc')!
    t.same([evidence, cohorts], [null, []], 'what was gathered knows nothing of rmse')
  },
)

t.test(
  'A process that a file of other versions keeps from its start goes on with those that are stored.',
  async (t) => {
    const world = await live(await World.create(new MemoryStore(), PLAIN), [
      'good traffic for 10 s',
      'reload: the service is gone',
      'reload: canary 2.1',
      'the store is away',
      'reload: the rollout is there again',
      'stopped and started',
    ])
    t.match(world.configuration, { baseline: '1.4', canary: '2.0' })
    t.equal(world.served.weightBp, 10_000)
  },
)
