import t from 'tap'
import { Processes } from '../fakes/processes.ts'
import { command as order } from '../fakes/rollout.ts'

for (const verb of ['abort', 'pause'] as const) {
  t.test(
    `a store that comes back with what it had before '${verb}': all go on from it`,
    async (t) => {
      const world = new Processes()
      const leader = await world.start()
      const follower = await world.start()
      await world.run(2000)
      const before = structuredClone(world.store.records.get('svc')!)
      t.match(await leader.evaluator.command('svc', order(verb), null), { ok: true })
      await world.run(1000)
      world.store.away = true
      // Shorter than a lease, and nothing is to be stored.
      await world.run(1000)
      world.store.records.set('svc', before)
      world.store.away = false
      await world.run(500)
      for (const { evaluator, weightBp } of [leader, follower]) {
        t.equal(evaluator.view('svc')!.state.phase, before.state.phase)
        t.equal(weightBp, before.state.weightBp)
      }
      t.match(await leader.evaluator.command('svc', order('abort'), null), { ok: true })
      await world.run(500)
      t.same([leader.weightBp, follower.weightBp], [0, 0])
    },
  )
}

t.test('a store that comes back without a rollout: who decides begins it', async (t) => {
  const world = new Processes()
  const leader = await world.start()
  await world.run(2000)
  t.match(await leader.evaluator.command('svc', order('pause'), null), { ok: true })
  world.store.away = true
  await world.run(1000)
  world.store.records.delete('svc')
  world.store.log.length = 0
  world.store.away = false
  await world.run(500)
  t.equal(leader.evaluator.view('svc')!.state.phase, 'progressing')
  t.equal(world.store.records.get('svc')!.state.phase, 'progressing')
})

t.test('what is gathered while the store is away for a moment is kept', async (t) => {
  const world = new Processes()
  const leader = await world.start()
  await world.run(2000)
  const known = leader.evaluator.view('svc')!.state
  let reads = 0
  const { readRollout } = world.store
  world.store.readRollout = (service) => ((reads += 1), readRollout(service))
  world.store.away = true
  await world.run(1000)
  world.store.away = false
  await world.run(500)
  t.equal(reads, 0, 'its revision is asked for, and is the same')
  t.equal(leader.evaluator.view('svc')!.state, known)
})
