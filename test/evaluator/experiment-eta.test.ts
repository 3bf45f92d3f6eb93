import t from 'tap'
import { ExperimentWorld, threeWay, type Fate } from '../fakes/experiment-world.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS } from '../fakes/simulated-service.ts'

const ALIKE: Fate = (_variant, random) => ({ outcome: random() < 0.01 ? 'failed' : 'ok' })
const etaOf = (world: ExperimentWorld) => world.view.comparisons[0]!.etaSeconds

t.test(
  'how long it takes is reckoned with the traffic of now, not with hours without any',
  async (t) => {
    const world = await ExperimentWorld.begin(threeWay([{ ...ERRORS, floor: 0 }]))
    await world.run(60, ALIKE, 200)
    const fresh = etaOf(world)!
    t.ok(fresh > 60, `${fresh} s`)
    await world.run(1800, ALIKE, 0)
    await world.run(30, ALIKE, 200)
    const later = etaOf(world)!
    t.ok(later > fresh / 4 && later < fresh * 2, `${later} s, ${fresh} s before`)
    await world.restart()
    await world.run(30, ALIKE, 200)
    t.ok(etaOf(world)! < fresh * 2, 'nor with those before this process')
  },
)

t.test('where one variant has all of the traffic there is nothing to wait for', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([{ ...ERRORS, floor: 0 }]))
  await world.run(60, ALIKE, 200)
  t.type(etaOf(world), 'number')
  const winner = command('promote', { variant: 'c' })
  t.ok((await world.evaluator.command('svc', winner, null))!.ok)
  t.equal(etaOf(world), null)
  await world.run(20, ALIKE, 200)
  t.equal(etaOf(world), null)
  t.ok((await world.evaluator.command('svc', command('undo'), null))!.ok)
  await world.run(20, ALIKE, 200)
  t.type(etaOf(world), 'number')
})
